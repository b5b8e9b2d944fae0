/** Holds: placed before a call, then settled, voided or expired; each resolves at most once. */
import type {
  AgentKey,
  HoldId,
  Instant,
  MicroUsd,
  Provenance,
  Tokens,
  Usage,
} from "../vocabulary.ts"
import { usedOf } from "./account.ts"
import { closed } from "./admission.ts"
import { weigh } from "./amounts.ts"
import { agentOf, type Budget, type Hold, holdOf, isActive, type LiveAgent } from "./budget.ts"
import type { CallBound } from "./call-bound.ts"
import { conclude, type Decision, type Turned, turnDay } from "./decision.ts"
import { type Grant, mostOf, seekGrant } from "./granting.ts"
import { costOf } from "./metering.ts"
import type { Refusal, Unnumbered } from "./row.ts"
import { MS_PER_MINUTE } from "./settings.ts"
import { stopIfFull, stopReasonOf, stopRow } from "./stopping.ts"

/** A hold of so much, or of a call by its bound: then as long an answer as fits is granted. */
export type HoldRequest = {
  readonly holdId: HoldId
  readonly key: AgentKey
  /** False: its cost cannot be told from its request. Not set: true. */
  readonly isBounded?: boolean
  /** Wait in line while only held amounts are in the way. */
  readonly queue?: boolean
  /**
   * Grant all of it or nothing, and without the reserve: a tighter bound is asked for otherwise.
   * To be declined is no refusal: no row says so, and nobody is stopped by it.
   */
  readonly isTentative?: boolean
  /** It expires with its agent only: somebody watches its connection. */
  readonly isWatched?: boolean
  /** What is said of its agent's class; a call let through without a bound is `metered` anyway. */
  readonly claims?: "reserved" | "metered"
} & (
  | { readonly tokens: Tokens; readonly costMicroUsd?: MicroUsd | null }
  | { readonly call: CallBound }
)

export type HoldVerdict =
  | "admits"
  | "admitsWrappingUp"
  | "admitsFlagged"
  | "queues"
  | "declines"
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
  const { budget } = turned
  const agent = agentOf(budget, request.key)
  const asked = mostOf(request, budget.settings)
  if (agent === undefined)
    return conclude(turned, "unknown", [], closed("stale", true, asked.tokens))
  const open = holdOf(budget, request.holdId)
  if (open !== undefined) return repeatHold(turned, open, request)
  const sought = seekGrant(budget, agent, request, at)
  if (request.isTentative === true && sought.refusal !== null)
    return conclude(turned, "declines", [], sought.refusal)
  if (sought.grant === null)
    return mayQueue(request, sought.refusal)
      ? conclude(turned, "queues", [], sought.refusal)
      : refuseHold(turned, agent, request, sought.refusal)
  const { grant, refusal } = sought
  const row = placedRow(budget, request, at, grant, refusal)
  return conclude(turned, grantVerdict(agent, grant, refusal), [row], refusal)
}

const grantVerdict = (agent: LiveAgent, grant: Grant, flag: Refusal | null): HoldVerdict => {
  if (flag !== null) return "admitsFlagged"
  return grant.wrapsUp && !agent.wrappingUp ? "admitsWrappingUp" : "admits"
}

/** A line is worth waiting in while only what others hold is in the way. */
const mayQueue = ({ queue = false }: HoldRequest, { never, retryAt }: Refusal): boolean =>
  queue && !never && retryAt === null

/** The same hold asked for again gets the same answer, and is held once. */
const repeatHold = (turned: Turned, open: Hold, request: HoldRequest): Decision<HoldVerdict> => {
  const { tokens } = mostOf(request, turned.budget.settings)
  return open.key === request.key && open.askedTokens === tokens
    ? conclude(turned, "admits", [])
    : conclude(turned, "unknown", [], closed("stale", true, tokens))
}

const placedRow = (
  { window, settings }: Budget,
  request: HoldRequest,
  at: Instant,
  grant: Grant,
  wouldRefuse: Refusal | null,
): Unnumbered => {
  const { holdId, key, isWatched = false, isBounded = true, claims } = request
  const askedTokens = mostOf(request, settings).tokens
  const expiresAt = at + Math.round(settings.holdTimeoutMinutes * MS_PER_MINUTE)
  return {
    kind: "hold_placed",
    holdId,
    key,
    windowId: window.id,
    tokens: grant.tokens,
    expiresAt: isWatched ? null : expiresAt,
    wouldRefuse,
    ...costOf(grant),
    ...(askedTokens === grant.tokens ? {} : { askedTokens }),
    ...("call" in request ? { outputTokens: grant.outputTokens } : {}),
    ...(grant.wrapsUp ? { wrapUp: true } : {}),
    ...(claims === "metered" || !isBounded ? { claims: "metered" } : {}),
  }
}

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
  ...askedBeside(mostOf(request, budget.settings).tokens, refusal),
})

/** A clamped ask, or one that met its limit in money, says what it asked for in tokens. */
const askedBeside = (askedTokens: Tokens, { asked }: Refusal) =>
  askedTokens === asked ? {} : { askedTokens }

/** What its own account or deadline refuses for good ends an agent; a bare account has no end. */
const verdictOf = (agent: LiveAgent, refusal: Refusal): HoldVerdict => {
  if (isActive(agent) && agent.slot) {
    if (refusal.never && isItsOwn(agent, refusal)) return "neverForAgent"
    if (agent.refusalsInARow + 1 >= REFUSALS_UNTIL_STOP) return "losesPatience"
  }
  return refusal.never ? "never" : "waits"
}

/** Whether its own account or deadline says so. A single call dearer than a whole day is not that. */
const isItsOwn = ({ cost }: LiveAgent, { reason, limit, used, held }: Refusal): boolean => {
  if (reason === "agent_token_limit" || reason === "duration_limit") return true
  if (reason !== "cost_limit") return false
  return cost.limit === limit && usedOf(cost) === used && cost.held === held
}

/** The ledger cannot be written: the refusal is told, and no row says so. */
export const refuseUnwritable = (before: Budget, request: HoldRequest): Decision<HoldVerdict> => ({
  verdict: "waits",
  rows: [],
  before,
  after: before,
  refusal: closed("ledger_unavailable", false, mostOf(request, before.settings).tokens),
})

export interface Settlement {
  readonly holdId: HoldId
  readonly usage: Usage
  readonly provenance: Provenance
  readonly model: string | null
  /** Null or not set: of a model without a price. */
  readonly costMicroUsd?: MicroUsd | null
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
      ...heldMoney(hold),
      ...costOf(settlement),
    },
  ])
  return stopIfFull(settled, "resolvesAndStops", hold.key, at)
}

const heldMoney = ({ costMicroUsd }: Hold) =>
  costMicroUsd === null ? {} : { heldCostMicroUsd: costMicroUsd }

const resolution = (kind: "hold_voided" | "hold_expired", hold: Hold): Unnumbered => ({
  kind,
  holdId: hold.id,
  key: hold.key,
  windowId: hold.windowId,
  heldTokens: hold.tokens,
  ...heldMoney(hold),
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
  return hold === undefined || hold.expiresAt === null || reached < hold.expiresAt
    ? conclude(turnDay(before, at), "unknown", [])
    : resolveAs("hold_expired", before, holdId, at)
}

/** The same at once: whoever watched its call knows that nobody can say what it came to. */
export const decideCharge = (
  before: Budget,
  holdId: HoldId,
  at: Instant,
): Decision<ResolveVerdict> => resolveAs("hold_expired", before, holdId, at)

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
  // What never left reports nothing: its agent is judged at its next report.
  if (kind === "hold_voided") return resolved
  return stopIfFull(resolved, "resolvesAndStops", hold.key, at)
}

/** The rows that expire every open hold of an agent, when it is reaped or lost. */
export const expiryRows = (budget: Budget, agent: LiveAgent): readonly Unnumbered[] =>
  agent.holds.flatMap((id) => {
    const hold = holdOf(budget, id)
    return hold === undefined ? [] : [resolution("hold_expired", hold)]
  })
