/** Stops: who is asked to leave, and why. The first cause is latched. */
import * as HashMap from "effect/HashMap"
import type { AgentKey, Instant, RefusalReason, StopReason } from "../vocabulary.ts"
import { isFull } from "./account.ts"
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

/** The day is full: metered agents cannot be refused their next call, so they are stopped. */
export const decideExhaustion = (before: Budget, at: Instant): Decision<StopVerdict> => {
  const turned = turnDay(before, at)
  if (!isFull(turned.budget.day)) return conclude(turned, "unknown", [])
  const rows = active(turned.budget)
    .filter((agent) => agent.enforcement === "metered")
    .map((agent) => stopRow(agent, "daily_token_limit"))
  return conclude(turned, rows.length > 0 ? "stops" : "unknown", rows)
}

/** After a change of limits in hard mode: whoever is now full is treated as if just become so. */
export const fullAgents = (budget: Budget): readonly Unnumbered[] =>
  active(budget)
    .filter(isSpent)
    .map((agent) => stopRow(agent, "agent_token_limit"))

/** A reserved agent is refused its next hold instead, and stopped by that. */
const isSpent = (agent: LiveAgent): boolean =>
  agent.slot && isActive(agent) && agent.enforcement === "metered" && isFull(agent.account)

/** In hard mode a metered agent is stopped by whatever makes its account full. */
export const stopIfFull = <Verdict extends string, Stopping extends string>(
  decision: Decision<Verdict>,
  stopping: Stopping,
  key: AgentKey,
  at: Instant,
): Decision<Verdict | Stopping> => {
  const agent = agentOf(decision.after, key)
  if (agent === undefined || !decision.after.settings.enforceHardLimits) return decision
  if (!isSpent(agent)) return decision
  return extend(decision, stopping, at, [stopRow(agent, "agent_token_limit")])
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
