/** Rows as a supervisor writes them, for the ledger's tests and measurements. */
import type { Corrected, Row, Unnumbered } from "../../machines/budget/row.ts"
import type { KeptValues } from "../../machines/budget/settings.ts"
import { AgentKey, HoldId, RequestId, type Usage } from "../../machines/vocabulary.ts"

export const NOON = Date.UTC(2026, 0, 1, 12)
export const TODAY = "2026-01-01"

export const agentKey = (name: string): AgentKey => AgentKey.make(name)
export const holdId = (name: string): HoldId => HoldId.make(name)

export const usageOf = (tokens: number): Usage => ({
  inputTokens: tokens,
  outputTokens: 2 * tokens,
  cacheWriteTokens: 3,
  cacheReadTokens: 4,
})

export const windowOpened = (id: string): Unnumbered => ({
  kind: "window_opened",
  window: { id, startsAt: Date.parse(id), endsAt: Date.parse(id) + 86_400_000, timeZone: "UTC" },
})

export const defaultsKept = (values: KeptValues): Unnumbered => ({ kind: "defaults_kept", values })

export const admitted = (key: string, windowId = TODAY): Unnumbered => ({
  kind: "admitted",
  key: agentKey(key),
  agentId: `agent ${key}`,
  taskId: `task ${key}`,
  requestId: RequestId.make(`spawn ${key}`),
  windowId,
  tokenLimit: null,
  ownLimit: null,
  deadlineAt: null,
  graceMs: 5_000,
  enforcement: "reserved",
  slot: true,
  wouldRefuse: null,
})

export const holdPlaced = (id: string, key: string, windowId = TODAY): Unnumbered => ({
  kind: "hold_placed",
  holdId: holdId(id),
  key: agentKey(key),
  windowId,
  tokens: 1_000,
  expiresAt: NOON + 900_000,
  wouldRefuse: null,
})

interface Call {
  readonly windowId?: string
  readonly tokens?: number
  readonly model?: string | null
  readonly costMicroUsd?: number | null
}

export const holdSettled = (
  id: string,
  key: string,
  { windowId = TODAY, tokens = 400, model = "model-a", ...money }: Call = {},
): Unnumbered => ({
  ...money,
  kind: "hold_settled",
  holdId: holdId(id),
  key: agentKey(key),
  windowId,
  heldTokens: 1_000,
  usage: usageOf(tokens),
  tokens,
  provenance: "reported",
  model,
})

export const holdExpired = (
  id: string,
  key: string,
  windowId = TODAY,
  money: { readonly heldCostMicroUsd?: number } = {},
): Unnumbered => ({
  ...money,
  kind: "hold_expired",
  holdId: holdId(id),
  key: agentKey(key),
  windowId,
  heldTokens: 1_000,
})

export const usageRecorded = (
  usageId: string | null,
  key: string,
  { windowId = TODAY, tokens = 400, model = "model-a", ...money }: Call = {},
): Unnumbered => ({
  ...money,
  kind: "usage_recorded",
  key: agentKey(key),
  usageId,
  windowId,
  usage: usageOf(tokens),
  tokens,
  provenance: "reported",
  model,
})

/** A correction of 400 tokens to `tokens`. */
export const corrected = (
  ref: { readonly usageId: string } | { readonly holdId: string },
  key: string,
  tokens: number,
  windowId = TODAY,
  money: Pick<Corrected, "cost"> = {},
): Unnumbered => ({
  ...money,
  kind: "corrected",
  key: agentKey(key),
  ref: "holdId" in ref ? { holdId: holdId(ref.holdId) } : ref,
  windowId,
  usage: usageOf(tokens),
  tokens,
  tokensBefore: 400,
  uncertainBefore: 0,
  usageBefore: usageOf(400),
})

export const stopRequested = (key: string): Unnumbered => ({
  kind: "stop_requested",
  key: agentKey(key),
  reason: "cancelled",
})

export const ended = (key: string): Unnumbered => ({
  kind: "ended",
  key: agentKey(key),
  reason: "completed",
  mechanism: "exited",
  exitCode: 0,
  signal: null,
  error: null,
})

/** Numbers rows on from `after`, one millisecond apart. */
export const numbered = (after: number, rows: readonly Unnumbered[]): readonly Row[] =>
  rows.map((row, index) => ({ ...row, seq: after + index + 1, at: NOON + after + index }))

export const never = (): never => {
  throw new Error("This cannot happen.")
}
