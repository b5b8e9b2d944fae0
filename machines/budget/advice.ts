/** What to tell an agent that asks how it stands: go on, come to an end, or stop. */
import { isFull, levelOf } from "./account.ts"
import { type Budget, isActive, type LiveAgent } from "./budget.ts"

export type Advice = "continue" | "wrap_up" | "stop"

/** The level `at_limit` begins at: little is left, so it is time to hand in what there is. */
const WRAP_UP_LEVEL = 2

export const adviceFor = (budget: Budget, agent: LiveAgent | undefined): Advice => {
  if (agent === undefined || !isActive(agent)) return "stop"
  const full = isFull(agent.account) || isFull(budget.day)
  if (full && budget.settings.enforceHardLimits) return "stop"
  const level = Math.max(levelOf(agent.account), levelOf(budget.day))
  return level >= WRAP_UP_LEVEL ? "wrap_up" : "continue"
}
