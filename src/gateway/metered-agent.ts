/**
 * What the gateway needs of an agent: the port to whoever decides about it, here or at the holder
 * of a shared day. Every answer is the supervisor's; the gateway compares nothing with a limit.
 */
import type { CallBound } from "../../machines/budget/call-bound.ts"
import type { AgentId, MicroUsd, Provenance, Usage } from "../../machines/vocabulary.ts"
import type { RefusalReport } from "../host/errors.ts"

export interface CallAsk {
  readonly bound: CallBound
  /** Why its cost cannot be bounded; null for a call that is. In hard mode such a call is refused. */
  readonly unboundable: string | null
  /** Wait in line while only held tokens are in the way. */
  readonly queue: boolean
  /**
   * A tighter bound is asked for if this one does not fit: its refusal is no row, counts for nothing
   * and stops nobody. A grant is a grant.
   */
  readonly tentative: boolean
}

export interface CallReport {
  readonly usage: Usage
  readonly provenance: Provenance
  readonly model: string | null
  /** Null: the model has no price. */
  readonly costMicroUsd: MicroUsd | null
}

/** A call set aside, durable before this is known. Exactly one of `settle` and `void` counts. */
export interface HeldCall {
  readonly id: string
  /** What each answer may have: the cap to send. */
  readonly outputTokens: number
  /** Only what is set aside for winding down is left: this call uses it. Tokens left then. */
  readonly wrapUp: { readonly remainingTokens: number } | null
  readonly settle: (report: CallReport) => Promise<unknown>
  /** Nobody can say what it came to: charge what was held. */
  readonly charge: () => Promise<unknown>
  /** Only when it provably never left. */
  readonly void: () => Promise<unknown>
}

export type CallAnswer =
  | { readonly granted: true; readonly held: HeldCall }
  | { readonly granted: false; readonly refusal: RefusalReport }

export interface MeteredAgent {
  readonly agentId: AgentId
  /** Never rejects; a request withdrawn by `signal` is answered as refused. */
  readonly hold: (ask: CallAsk, signal: AbortSignal) => Promise<CallAnswer>
  /** A call that was let through without a hold, counted afterwards. */
  readonly recordCall: (report: CallReport) => void
}
