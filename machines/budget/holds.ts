/** Holds: placed before a call, then settled, voided or expired; each resolves at most once. */
import type { AgentKey, HoldId, Instant, Provenance, Tokens, Usage } from "../vocabulary.ts"
import { closed, flagged, inForce, judgeHold } from "./admission.ts"
import { weigh } from "./amounts.ts"
import { agentOf, type Budget, type Hold, holdOf, isActive, type LiveAgent } from "./budget.ts"
import { conclude, type Decision, type Turned, turnDay } from "./decision.ts"
import type { Refusal, Unnumbered } from "./row.ts"
import { MS_PER_MINUTE } from "./settings.ts"
import { stopIfFull, stopReasonOf, stopRow } from "./stopping.ts"

export interface HoldRequest {
  readonly holdId: HoldId
  readonly key: AgentKey
  readonly tokens: Tokens
}

export type HoldVerdict =
  | "admits"
  | "admitsFlagged"
  | "waits"
  | "never"
  | "neverForAgent"
  | "losesPatience"
  | "unknown"

/** So many refusals in a row, with no granted call between, end an agent that keeps asking. */
export const REFUSALS_UNTIL_STOP = 3

export const decideHold = (
  before: Budget,
  request: HoldRequest,
  at: Instant,
): Decision<HoldVerdict> => {
  const turned = turnDay(before, at)
  const agent = agentOf(turned.budget, request.key)
  if (agent === undefined)
    return conclude(turned, "unknown", [], closed("stale", true, request.tokens))
  const open = holdOf(turned.budget, request.holdId)
  if (open !== undefined) return repeatHold(turned, open, request)
  const judgement = judgeHold(turned.budget, agent, at, request.tokens)
  const { settings } = turned.budget
  const refusal = inForce(judgement, settings)
  if (refusal !== null) return refuseHold(turned, agent, request, refusal)
  const flag = flagged(judgement, settings)
  const row = placedRow(turned.budget, request, at, flag)
  return conclude(turned, flag === null ? "admits" : "admitsFlagged", [row], flag)
}

/** The same hold asked for again gets the same answer, and is held once. */
const repeatHold = (turned: Turned, open: Hold, request: HoldRequest): Decision<HoldVerdict> =>
  open.key === request.key && open.tokens === request.tokens
    ? conclude(turned, "admits", [])
    : conclude(turned, "unknown", [], closed("stale", true, request.tokens))

const placedRow = (
  budget: Budget,
  request: HoldRequest,
  at: Instant,
  wouldRefuse: Refusal | null,
): Unnumbered => ({
  kind: "hold_placed",
  holdId: request.holdId,
  key: request.key,
  windowId: budget.window.id,
  tokens: request.tokens,
  expiresAt: at + Math.round(budget.settings.holdTimeoutMinutes * MS_PER_MINUTE),
  wouldRefuse,
})

const refuseHold = (
  turned: Turned,
  agent: LiveAgent,
  request: HoldRequest,
  refusal: Refusal,
): Decision<HoldVerdict> => {
  const row = refusedHold(turned.budget, agent, request, refusal)
  const verdict = verdictOf(agent, refusal)
  const stops = verdict === "neverForAgent" || verdict === "losesPatience"
  const rows = stops ? [row, stopRow(agent, stopReasonOf(refusal.reason))] : [row]
  return conclude(turned, verdict, rows, refusal)
}

export const refusedHold = (
  budget: Budget,
  agent: LiveAgent,
  request: HoldRequest,
  refusal: Refusal,
): Unnumbered => ({
  kind: "refused",
  subject: "hold",
  requestId: request.holdId,
  key: agent.key,
  agentId: agent.agentId,
  taskId: agent.taskId,
  windowId: budget.window.id,
  refusal,
})

/** What its own account or deadline refuses for good ends an agent; a bare account has no end. */
const verdictOf = (agent: LiveAgent, refusal: Refusal): HoldVerdict => {
  const itsOwn = refusal.reason === "agent_token_limit" || refusal.reason === "duration_limit"
  if (isActive(agent) && agent.slot) {
    if (refusal.never && itsOwn) return "neverForAgent"
    if (agent.refusalsInARow + 1 >= REFUSALS_UNTIL_STOP) return "losesPatience"
  }
  return refusal.never ? "never" : "waits"
}

/** The ledger cannot be written: the refusal is told, and no row says so. */
export const refuseUnwritable = (before: Budget, request: HoldRequest): Decision<HoldVerdict> => ({
  verdict: "waits",
  rows: [],
  before,
  after: before,
  refusal: closed("ledger_unavailable", false, request.tokens),
})

export interface Settlement {
  readonly holdId: HoldId
  readonly usage: Usage
  readonly provenance: Provenance
  readonly model: string | null
}

export type ResolveVerdict = "resolves" | "resolvesAndStops" | "unknown"

export const decideSettle = (
  before: Budget,
  settlement: Settlement,
  at: Instant,
): Decision<ResolveVerdict> => {
  const turned = turnDay(before, at)
  const hold = holdOf(turned.budget, settlement.holdId)
  if (hold === undefined) return conclude(turned, "unknown", [])
  const settled = conclude(turned, "resolves", [
    {
      kind: "hold_settled",
      holdId: hold.id,
      key: hold.key,
      windowId: hold.windowId,
      heldTokens: hold.tokens,
      usage: settlement.usage,
      tokens: weigh(settlement.usage, turned.budget.settings.tokenWeights),
      provenance: settlement.provenance,
      model: settlement.model,
    },
  ])
  return stopIfFull(settled, "resolvesAndStops", hold.key, at)
}

const resolution = (kind: "hold_voided" | "hold_expired", hold: Hold): Unnumbered => ({
  kind,
  holdId: hold.id,
  key: hold.key,
  windowId: hold.windowId,
  heldTokens: hold.tokens,
})

export const decideVoid = (before: Budget, holdId: HoldId, at: Instant): Decision<ResolveVerdict> =>
  resolveAs("hold_voided", before, holdId, at)

/**
 * Charges the hold in full, as uncertain: the provider may have billed the call. Never before
 * what was `reached`, which is later than the wall clock's `at` after that was set back.
 */
export const decideExpiry = (
  before: Budget,
  holdId: HoldId,
  at: Instant,
  reached: Instant = at,
): Decision<ResolveVerdict> => {
  const hold = holdOf(before, holdId)
  return hold === undefined || reached < hold.expiresAt
    ? conclude(turnDay(before, at), "unknown", [])
    : resolveAs("hold_expired", before, holdId, at)
}

const resolveAs = (
  kind: "hold_voided" | "hold_expired",
  before: Budget,
  holdId: HoldId,
  at: Instant,
): Decision<ResolveVerdict> => {
  const turned = turnDay(before, at)
  const hold = holdOf(turned.budget, holdId)
  if (hold === undefined) return conclude(turned, "unknown", [])
  const resolved = conclude(turned, "resolves", [resolution(kind, hold)])
  return stopIfFull(resolved, "resolvesAndStops", hold.key, at)
}

/** The rows that expire every open hold of an agent, when it is reaped or lost. */
export const expiryRows = (budget: Budget, agent: LiveAgent): readonly Unnumbered[] =>
  agent.holds.flatMap((id) => {
    const hold = holdOf(budget, id)
    return hold === undefined ? [] : [resolution("hold_expired", hold)]
  })
