/** What to tell an agent that asks how it stands: go on, come to an end, or stop. */
import { isFull, levelOf, usedOf } from "./account.ts"
import { type Budget, isActive, type LiveAgent, reserveOf } from "./budget.ts"
import { isDayFull } from "./stopping.ts"

export type Advice = "continue" | "wrap_up" | "stop"

/** The level `at_limit` begins at: little is left, so it is time to hand in what there is. */
const WRAP_UP_LEVEL = 2

export const adviceFor = (budget: Budget, agent: LiveAgent | undefined): Advice => {
  if (agent === undefined || !isActive(agent)) return "stop"
  const full = isFull(agent.account) || isFull(agent.cost) || isDayFull(budget)
  if (full && budget.settings.enforceHardLimits) return "stop"
  const accounts = [agent.account, agent.cost, budget.day, budget.dayCost]
  const isNear = accounts.some((account) => levelOf(account) >= WRAP_UP_LEVEL)
  return isNear || agent.wrappingUp || hasOnlyReserve(budget, agent) ? "wrap_up" : "continue"
}

/** Only what was set aside for winding down is left. */
const hasOnlyReserve = (budget: Budget, agent: LiveAgent): boolean => {
  const { account } = agent
  const reserve = reserveOf(budget, agent)
  return reserve > 0 && account.limit !== null && usedOf(account) + reserve >= account.limit
}
