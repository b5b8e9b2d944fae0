/** Stops: who is asked to leave, and why. The first cause is latched. */
import * as HashMap from "effect/HashMap"
import type { AgentKey, Instant, RefusalReason, StopReason } from "../vocabulary.ts"
import { isFull } from "./account.ts"
import { isCostLimited } from "./admission.ts"
import { agentOf, type Budget, isActive, type LiveAgent } from "./budget.ts"
import { conclude, type Decision, extend, turnDay } from "./decision.ts"
import type { Unnumbered } from "./row.ts"

export const stopRow = (agent: LiveAgent, reason: StopReason): Unnumbered => ({
  kind: "stop_requested",
  key: agent.key,
  reason,
})

/** The reason an agent ends with when this refusal ends it. */
export const stopReasonOf = (reason: RefusalReason): StopReason => {
  switch (reason) {
    case "agent_token_limit":
    case "daily_token_limit":
    case "cost_limit":
    case "duration_limit":
      return reason
    case "concurrency_limit":
    case "draining":
    case "ledger_unavailable":
    case "stale":
    case "unboundable":
      return "shutdown"
  }
}

export type StopVerdict = "stops" | "unknown"

/** Latches the reason; asking twice, or asking somebody on the way out, changes nothing. */
export const decideStop = (
  before: Budget,
  key: AgentKey,
  reason: StopReason,
  at: Instant,
): Decision<StopVerdict> => {
  const turned = turnDay(before, at)
  const agent = agentOf(turned.budget, key)
  return agent === undefined || !isActive(agent) || !agent.slot
    ? conclude(turned, "unknown", [])
    : conclude(turned, "stops", [stopRow(agent, reason)])
}

/** Everybody with a slot, for a shutdown or a ledger that cannot be written. */
export const decideStopAll = (
  before: Budget,
  reason: StopReason,
  at: Instant,
): Decision<StopVerdict> => {
  const turned = turnDay(before, at)
  const rows = active(turned.budget).map((agent) => stopRow(agent, reason))
  return conclude(turned, rows.length > 0 ? "stops" : "unknown", rows)
}

const active = (budget: Budget): readonly LiveAgent[] =>
  [...HashMap.values(budget.agents)].filter((agent) => agent.slot && isActive(agent))

/** The day's tokens or its money are used up. */
export const isDayFull = ({ day, dayCost }: Budget): boolean => isFull(day) || isFull(dayCost)

/** Metered agents cannot be refused their next call, so a full day ends them. */
export const endsWithDay = (budget: Budget, agent: LiveAgent): boolean =>
  isDayFull(budget) && agent.enforcement === "metered" && agent.slot && isActive(agent)

/** The day is full: stops whom that ends. */
export const decideExhaustion = (before: Budget, at: Instant): Decision<StopVerdict> => {
  const turned = turnDay(before, at)
  const reason = isFull(turned.budget.day) ? "daily_token_limit" : "cost_limit"
  const rows = active(turned.budget)
    .filter((agent) => endsWithDay(turned.budget, agent))
    .map((agent) => stopRow(agent, reason))
  return conclude(turned, rows.length > 0 ? "stops" : "unknown", rows)
}

/** After a change of limits in hard mode: whoever is now full is treated as if just become so. */
export const fullAgents = (budget: Budget): readonly Unnumbered[] =>
  active(budget).flatMap((agent) => {
    const reason = spentReason(budget, agent)
    return reason === null ? [] : [stopRow(agent, reason)]
  })

/** A reserved agent is refused its next hold instead, and stopped by that. */
const spentReason = (budget: Budget, agent: LiveAgent): StopReason | null => {
  if (!agent.slot || !isActive(agent) || agent.enforcement !== "metered") return null
  if (isFull(agent.account)) return "agent_token_limit"
  return isFull(agent.cost) || hasUnknownCost(budget, agent) ? "cost_limit" : null
}

/** Under a cost limit a call without a price is never taken for one that costs nothing. */
const hasUnknownCost = (budget: Budget, agent: LiveAgent): boolean =>
  agent.unpricedCalls > 0 && !budget.settings.allowUnpriced && isCostLimited(budget, agent)

/** In hard mode a metered agent is stopped by whatever makes its account full. */
export const stopIfFull = <Verdict extends string, Stopping extends string>(
  decision: Decision<Verdict>,
  stopping: Stopping,
  key: AgentKey,
  at: Instant,
): Decision<Verdict | Stopping> => {
  const agent = agentOf(decision.after, key)
  if (agent === undefined || !decision.after.settings.enforceHardLimits) return decision
  const reason = spentReason(decision.after, agent)
  return reason === null ? decision : extend(decision, stopping, at, [stopRow(agent, reason)])
}

/** Its tree survived SIGKILL. */
export const decideUnkillable = (
  before: Budget,
  key: AgentKey,
  at: Instant,
): Decision<StopVerdict> => {
  const turned = turnDay(before, at)
  const agent = agentOf(turned.budget, key)
  return agent === undefined || agent.state === "unkillable"
    ? conclude(turned, "unknown", [])
    : conclude(turned, "stops", [{ kind: "unkillable", key }])
}
