/** Arithmetic on amounts: whole numbers, 0 ≤ n < 2^53. Total: never negative, never NaN. */
import type { Tokens, Usage } from "../vocabulary.ts"
import type { TokenWeights } from "./settings.ts"

export const MAX_AMOUNT = Number.MAX_SAFE_INTEGER

export const NO_USAGE: Usage = {
  inputTokens: 0,
  outputTokens: 0,
  cacheWriteTokens: 0,
  cacheReadTokens: 0,
}

/** Sums saturate: past 2^53 a count would silently lose units, and a full account is the safe side. */
export const add = (a: number, b: number): number => Math.min(a + b, MAX_AMOUNT)

export const subtract = (a: number, b: number): number => Math.max(a - b, 0)

export const isAmount = (value: unknown): value is number =>
  typeof value === "number" && Number.isSafeInteger(value) && value >= 0

/** The plain sum of the four kinds. */
export const rawTokens = (usage: Usage): Tokens =>
  add(
    add(usage.inputTokens, usage.outputTokens),
    add(usage.cacheWriteTokens, usage.cacheReadTokens),
  )

const thousandths = (weight: number): number => Math.round(weight * 1000)

/** What one call counts: Σ weight × kind in thousandths, rounded up to a whole token once. */
export const weigh = (usage: Usage, weights: TokenWeights): Tokens => {
  const sum =
    usage.inputTokens * thousandths(weights.input) +
    usage.outputTokens * thousandths(weights.output) +
    usage.cacheWriteTokens * thousandths(weights.cacheWrite) +
    usage.cacheReadTokens * thousandths(weights.cacheRead)
  if (sum > MAX_AMOUNT) return weighExactly(usage, weights)
  const rest = sum % 1000
  return (sum - rest) / 1000 + (rest > 0 ? 1 : 0)
}

const weighExactly = (usage: Usage, weights: TokenWeights): Tokens => {
  const sum =
    BigInt(usage.inputTokens) * BigInt(thousandths(weights.input)) +
    BigInt(usage.outputTokens) * BigInt(thousandths(weights.output)) +
    BigInt(usage.cacheWriteTokens) * BigInt(thousandths(weights.cacheWrite)) +
    BigInt(usage.cacheReadTokens) * BigInt(thousandths(weights.cacheRead))
  return Math.min(Number((sum + 999n) / 1000n), MAX_AMOUNT)
}

export const addUsage = (a: Usage, b: Usage): Usage => ({
  inputTokens: add(a.inputTokens, b.inputTokens),
  outputTokens: add(a.outputTokens, b.outputTokens),
  cacheWriteTokens: add(a.cacheWriteTokens, b.cacheWriteTokens),
  cacheReadTokens: add(a.cacheReadTokens, b.cacheReadTokens),
})

export const subtractUsage = (a: Usage, b: Usage): Usage => ({
  inputTokens: subtract(a.inputTokens, b.inputTokens),
  outputTokens: subtract(a.outputTokens, b.outputTokens),
  cacheWriteTokens: subtract(a.cacheWriteTokens, b.cacheWriteTokens),
  cacheReadTokens: subtract(a.cacheReadTokens, b.cacheReadTokens),
})

/** Of two reports about one call, the largest of each count. */
export const largestOfEach = (a: Usage, b: Usage): Usage => ({
  inputTokens: Math.max(a.inputTokens, b.inputTokens),
  outputTokens: Math.max(a.outputTokens, b.outputTokens),
  cacheWriteTokens: Math.max(a.cacheWriteTokens, b.cacheWriteTokens),
  cacheReadTokens: Math.max(a.cacheReadTokens, b.cacheReadTokens),
})

export const sameUsage = (a: Usage, b: Usage): boolean =>
  a.inputTokens === b.inputTokens &&
  a.outputTokens === b.outputTokens &&
  a.cacheWriteTokens === b.cacheWriteTokens &&
  a.cacheReadTokens === b.cacheReadTokens

/** `part` of `whole` in percent, two decimals; null of unlimited, 100 of a limit of 0. */
export const percentOf = (part: number, whole: number | null): number | null => {
  if (whole === null) return null
  if (whole === 0) return 100
  return Math.round((part / whole) * 10_000) / 100
}

/** The narrower of two limits; null is none. */
export const narrowerLimit = (a: number | null, b: number | null): number | null =>
  a === null ? b : b === null ? a : Math.min(a, b)
