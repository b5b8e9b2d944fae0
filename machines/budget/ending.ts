/** Ends: each life closes once, with one reason. */
import type { AgentKey, Instant, Mechanism, StopReason } from "../vocabulary.ts"
import { agentOf, type Budget, type LiveAgent } from "./budget.ts"
import { conclude, type Decision, turnDay } from "./decision.ts"
import { expiryRows } from "./holds.ts"
import { stopReasonOf } from "./stopping.ts"

export interface Ending {
  readonly key: AgentKey
  readonly reason: StopReason
  readonly mechanism: Mechanism
  readonly exitCode: number | null
  readonly signal: string | null
  readonly error: string | null
}

export type EndVerdict = "ends" | "unknown"

/** Its tree is gone: open holds are charged, the slot is freed, and it ends exactly once. */
export const decideEnd = (before: Budget, ending: Ending, at: Instant): Decision<EndVerdict> => {
  const turned = turnDay(before, at)
  const agent = agentOf(turned.budget, ending.key)
  if (agent === undefined) return conclude(turned, "unknown", [])
  const reason = finalReason(agent, ending)
  return conclude(turned, "ends", [
    ...expiryRows(turned.budget, agent),
    { kind: "ended", ...ending, reason },
  ])
}

/** First the latched cause; then a refusal for good that its last call met; then how it exited. */
const finalReason = (agent: LiveAgent, ending: Ending): StopReason =>
  agent.reason ?? exitReason(agent, ending.reason)

/**
 * Why an agent that exits by itself ends: its latest hold may stand refused for good by a limit.
 * A call that could not be bounded is no limit: how it exits then is its own affair.
 */
export const exitReason = ({ refusedNever }: LiveAgent, outcome: StopReason): StopReason => {
  const byItself = outcome === "completed" || outcome === "failed"
  if (!byItself || refusedNever === null || refusedNever === "unboundable") return outcome
  return stopReasonOf(refusedNever)
}
