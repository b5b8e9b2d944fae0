/** Usage that no hold announced: recorded in full, then judged against the agent's own limit. */
import type {
  AgentKey,
  HoldId,
  Instant,
  MicroUsd,
  Provenance,
  Usage,
  UsageId,
} from "../vocabulary.ts"
import { usedOf } from "./account.ts"
import {
  largestOfEach,
  NO_USAGE,
  rawTokens,
  sameUsage,
  subtract,
  subtractUsage,
  weigh,
} from "./amounts.ts"
import { agentOf, type Budget, type KnownCall, knownCall, type LiveAgent } from "./budget.ts"
import { conclude, type Decision, turnDay } from "./decision.ts"
import type { Corrected, Unnumbered } from "./row.ts"
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
  /** What the call cost, with all its counts; null or not set: of a model without a price. */
  readonly costMicroUsd?: MicroUsd | null
}

/** A cost as a row keeps it: nothing where there is none. */
export const costOf = ({ costMicroUsd }: { readonly costMicroUsd?: MicroUsd | null }) =>
  costMicroUsd === undefined || costMicroUsd === null ? {} : { costMicroUsd }

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
  ...costOf(report),
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
    ...costChange(known, report.costMicroUsd ?? null),
  }
}

/** A call that had a price keeps it: what it cost before stands until somebody knows better. */
const costChange = (
  { costMicroUsd: before, uncertain }: KnownCall,
  now: MicroUsd | null,
): Pick<Corrected, "cost"> => {
  if (now === null && before === null) return {}
  // What was uncertain of it is confirmed together with its tokens, though it costs no more.
  const uncertainMicroUsd = uncertain > 0 ? (before ?? 0) : 0
  // A larger count never costs less.
  const nowMicroUsd = Math.max(now ?? 0, before ?? 0)
  return { cost: { beforeMicroUsd: before, uncertainMicroUsd, nowMicroUsd } }
}

/** A settle that comes after its hold was charged; what the ledger knew of the hold comes along. */
export interface LateSettlement {
  readonly holdId: HoldId
  readonly key: AgentKey
  readonly windowId: string
  readonly chargedTokens: number
  readonly usage: Usage
  /** Null or not set: it was held without a price. */
  readonly chargedMicroUsd?: MicroUsd | null
  /** Null or not set: nobody knows, and what was charged stands. */
  readonly costMicroUsd?: MicroUsd | null
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
      ...lateCost(late),
    },
  ])
  return stopIfFull(corrected, "correctsAndStops", late.key, at)
}

const lateCost = ({ chargedMicroUsd = null, costMicroUsd = null }: LateSettlement) => {
  if (costMicroUsd === null) return {}
  const charged = { beforeMicroUsd: chargedMicroUsd, uncertainMicroUsd: chargedMicroUsd ?? 0 }
  return { cost: { ...charged, nowMicroUsd: costMicroUsd } }
}

/** What an agent says of all its calls itself, to hold against what was counted here. */
export interface OwnAccountReport {
  readonly key: AgentKey
  readonly meter: string
  readonly usage: Usage
  /** Its price, if there is one, of what was counted nowhere else. */
  readonly model: string | null
}

export type ComparisonVerdict = "agrees" | "foundUncounted" | "foundUncountedAndStops" | "unknown"

/**
 * Compares the two. Calls that its own account knows of and no count here covers, not even a
 * held or an uncertain one, were made past the gateway: they are recorded, and make the agent `metered`.
 */
export const decideComparison = (
  before: Budget,
  report: OwnAccountReport,
  at: Instant,
): Decision<ComparisonVerdict> => {
  const turned = turnDay(before, at)
  const agent = agentOf(turned.budget, report.key)
  if (agent === undefined) return conclude(turned, "unknown", [])
  const { key, meter, usage, model } = report
  const read: Unnumbered = { kind: "own_account_read", key, meter, usage }
  const uncounted = uncountedOf(turned.budget, agent, usage)
  if (uncounted === null) return conclude(turned, "agrees", [read])
  const provenance = "reported"
  const found = recordedRow(turned.budget, {
    key,
    usageId: null,
    usage: uncounted,
    provenance,
    model,
  })
  const decision = conclude(turned, "foundUncounted", [read, found])
  return stopIfFull(decision, "foundUncountedAndStops", key, at)
}

/** Kinds are told apart otherwise by some agents, so only the sum says whether anything is missing. */
const uncountedOf = (budget: Budget, agent: LiveAgent, own: Usage): Usage | null => {
  const { usage, account } = agent
  // Held calls are under way; charged ones without counts are what the counts do not explain.
  const explained = weigh(usage, budget.settings.tokenWeights)
  const unexplained = Math.min(account.uncertain, subtract(usedOf(account), explained))
  const counted = rawTokens(usage) + account.held + unexplained
  return rawTokens(own) > counted ? subtractUsage(own, usage) : null
}
