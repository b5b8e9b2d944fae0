/** Usage that no hold announced: recorded in full, then judged against the agent's own limit. */
import type { AgentKey, HoldId, Instant, Provenance, Usage, UsageId } from "../vocabulary.ts"
import { largestOfEach, NO_USAGE, sameUsage, weigh } from "./amounts.ts"
import { agentOf, type Budget, type KnownCall, knownCall, type LiveAgent } from "./budget.ts"
import { conclude, type Decision, turnDay } from "./decision.ts"
import type { Unnumbered } from "./row.ts"
import { stopIfFull } from "./stopping.ts"

export interface UsageReport {
  readonly key: AgentKey
  /** Null: a call of its own. */
  readonly usageId: UsageId | null
  readonly usage: Usage
  readonly provenance: Provenance
  readonly model: string | null
  /** Its call was told of before: a correction, or the rest of a final total. Not set: a new call. */
  readonly completes?: boolean
}

export type UsageVerdict = "records" | "repeats" | "overAgentLimit" | "spendsInGrace" | "unknown"

export const decideUsage = (
  before: Budget,
  report: UsageReport,
  at: Instant,
): Decision<UsageVerdict> => {
  const turned = turnDay(before, at)
  const agent = agentOf(turned.budget, report.key)
  if (agent === undefined) return conclude(turned, "unknown", [])
  const known = report.usageId === null ? undefined : knownCall(agent.calls, report.usageId)
  const row = known === undefined ? recordedRow(turned.budget, report) : correctedRow(report, known)
  if (row === null) return conclude(turned, "repeats", [])
  const isNewCall = known === undefined && report.completes !== true
  if (isNewCall && isSpendingInGrace(agent)) return conclude(turned, "spendsInGrace", [row])
  return stopIfFull(conclude(turned, "records", [row]), "overAgentLimit", report.key, at)
}

/** Grace is for winding down: a new call after a token or cost stop ends it. */
const isSpendingInGrace = (agent: LiveAgent): boolean =>
  agent.state === "stopping" &&
  (agent.reason === "agent_token_limit" ||
    agent.reason === "daily_token_limit" ||
    agent.reason === "cost_limit")

const recordedRow = (budget: Budget, report: UsageReport): Unnumbered => ({
  kind: "usage_recorded",
  key: report.key,
  usageId: report.usageId,
  windowId: budget.window.id,
  usage: report.usage,
  tokens: weigh(report.usage, budget.settings.tokenWeights),
  provenance: report.provenance,
  model: report.model,
})

/** A repeated id keeps the largest of each count; null when nothing grew. */
const correctedRow = (report: UsageReport, known: KnownCall): Unnumbered | null => {
  const usage = largestOfEach(known.usage, report.usage)
  if (sameUsage(usage, known.usage) || report.usageId === null) return null
  return {
    kind: "corrected",
    key: report.key,
    ref: { usageId: report.usageId },
    windowId: known.windowId,
    usage,
    usageBefore: known.usage,
    tokens: weigh(usage, known.weights),
    tokensBefore: known.tokens,
    uncertainBefore: known.uncertain,
  }
}

/** A settle that comes after its hold was charged; what the ledger knew of the hold comes along. */
export interface LateSettlement {
  readonly holdId: HoldId
  readonly key: AgentKey
  readonly windowId: string
  readonly chargedTokens: number
  readonly usage: Usage
}

/** Weighs the true usage and puts it in the place of the charge. */
export const decideLateSettle = (
  before: Budget,
  late: LateSettlement,
  at: Instant,
): Decision<"corrects" | "correctsAndStops"> => {
  const turned = turnDay(before, at)
  const corrected = conclude(turned, "corrects", [
    {
      kind: "corrected",
      key: late.key,
      ref: { holdId: late.holdId },
      windowId: late.windowId,
      usage: late.usage,
      usageBefore: NO_USAGE,
      tokens: weigh(late.usage, turned.budget.settings.tokenWeights),
      tokensBefore: late.chargedTokens,
      uncertainBefore: late.chargedTokens,
    },
  ])
  return stopIfFull(corrected, "correctsAndStops", late.key, at)
}
