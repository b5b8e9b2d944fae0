/**
 * A call bounded before it is made: what its input can come to at most, and how far its answer
 * may be cut to fit. The arithmetic of such a bound; what may be granted is admission's business.
 */
import type { MicroUsd, Tokens } from "../vocabulary.ts"

export interface CallBound {
  /** No more input than this can be billed, whatever of it turns out to be cached. */
  readonly inputTokens: Tokens
  /** What one answer may have: as much of `most` as fits is granted, and nothing below `least`. */
  readonly outputTokens: { readonly least: Tokens; readonly most: Tokens }
  /** How many answers are asked for at once; each may be as long as was granted. */
  readonly answers: number
  /** Null: the model has no known price. */
  readonly price: CallPrice | null
}

/** The dearest that tokens of this call can be, per token in 10⁻¹² dollars, whole. */
export interface CallPrice {
  readonly inputPicoUsd: number
  readonly outputPicoUsd: number
  /** What the call costs whatever its size. */
  readonly perCallMicroUsd: MicroUsd
}
