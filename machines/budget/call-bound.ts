/**
 * A call bounded before it is made: what its input can come to at most, and how far its answer
 * may be cut to fit. The arithmetic of such a bound; what may be granted is admission's business.
 */
import type { MicroUsd, Tokens } from "../vocabulary.ts"
import { MAX_AMOUNT, weigh } from "./amounts.ts"
import type { TokenWeights } from "./settings.ts"

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

/** What is asked of every account on the path at once. Money is null where no price is known. */
export interface Amounts {
  readonly tokens: Tokens
  readonly costMicroUsd: MicroUsd | null
}

const PICO_PER_MICRO = 1_000_000

/** What the call comes to if its input is of the dearest kind and each answer has `outputTokens`. */
export const boundAt = (
  { inputTokens, answers, price }: CallBound,
  outputTokens: Tokens,
  weights: TokenWeights,
): Amounts => {
  const allOutput = timesAtMost(answers, outputTokens)
  const { input, cacheWrite, cacheRead } = weights
  const usage = { inputTokens, outputTokens: allOutput, cacheWriteTokens: 0, cacheReadTokens: 0 }
  return {
    // Whether input hits a cache is known only afterwards.
    tokens: weigh(usage, { ...weights, input: Math.max(input, cacheWrite, cacheRead) }),
    costMicroUsd: price === null ? null : costAt(price, inputTokens, allOutput),
  }
}

const costAt = (price: CallPrice, inputTokens: Tokens, outputTokens: Tokens): MicroUsd => {
  const pico = inputTokens * price.inputPicoUsd + outputTokens * price.outputPicoUsd
  const micro =
    pico <= MAX_AMOUNT
      ? Math.ceil(pico / PICO_PER_MICRO)
      : exactCost(price, inputTokens, outputTokens)
  return Math.min(micro + price.perCallMicroUsd, MAX_AMOUNT)
}

/** Past 2^53 products lose their last digits, and a bound must not. */
const exactCost = (price: CallPrice, inputTokens: Tokens, outputTokens: Tokens): MicroUsd => {
  const pico =
    BigInt(inputTokens) * BigInt(price.inputPicoUsd) +
    BigInt(outputTokens) * BigInt(price.outputPicoUsd)
  const micro = (pico + BigInt(PICO_PER_MICRO - 1)) / BigInt(PICO_PER_MICRO)
  return Math.min(Number(micro), MAX_AMOUNT)
}

const timesAtMost = (answers: number, tokens: Tokens): Tokens =>
  Math.min(answers * tokens, MAX_AMOUNT)

/** The longest answer that `fits`, found by halving; null when not even the least does. */
export const longestAnswer = (
  { least, most }: CallBound["outputTokens"],
  fits: (outputTokens: Tokens) => boolean,
): Tokens | null => {
  if (fits(most)) return most
  if (most <= least || !fits(least)) return null
  let low = least
  let high = most
  // Invariant: `low` fits, `high` does not.
  while (high - low > 1) {
    const middle = low + Math.floor((high - low) / 2)
    if (fits(middle)) low = middle
    else high = middle
  }
  return low
}
