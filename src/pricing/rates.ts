/** What one model costs at one moment, sort of token by sort, and what a call comes to by it. */
import { dearest, type Rate } from "./exact.ts"
import type { PricedUsage } from "./price-book.ts"

/** One sort's rate: the base, or that of the last tier whose `above` the call's input passes. */
export interface TieredRate {
  readonly base: Rate
  /** Ascending. The whole call is at the tier's rate, not only what lies above. */
  readonly tiers: readonly { readonly above: number; readonly rate: Rate }[]
}

/** A sort that has no price of its own stands here at the one it is billed at; null: at none. */
export interface Rates {
  readonly input: TieredRate | null
  readonly inputAudio: TieredRate | null
  /** Pictures and film. */
  readonly inputMedia: TieredRate | null
  readonly cacheRead: TieredRate | null
  readonly cacheReadAudio: TieredRate | null
  readonly cacheWrite: TieredRate | null
  readonly cacheWriteHour: TieredRate | null
  readonly output: TieredRate | null
  readonly outputAudio: TieredRate | null
  readonly outputMedia: TieredRate | null
  readonly perSearch: Rate | null
  /** Whatever the call's size. */
  readonly perCall: Rate
}

const FREE: TieredRate = { base: 0n, tiers: [] }

export const FREE_RATES: Rates = {
  input: FREE,
  inputAudio: FREE,
  inputMedia: FREE,
  cacheRead: FREE,
  cacheReadAudio: FREE,
  cacheWrite: FREE,
  cacheWriteHour: FREE,
  output: FREE,
  outputAudio: FREE,
  outputMedia: FREE,
  perSearch: 0n,
  perCall: 0n,
}

const rateAt = ({ base, tiers }: TieredRate, inputTokens: number): Rate =>
  tiers.findLast(({ above }) => inputTokens > above)?.rate ?? base

/** The dearest that a call of at most so much input can be billed at: any tier it can reach. */
const reachable = (sort: TieredRate | null, inputTokens: number): readonly Rate[] =>
  sort === null
    ? []
    : [sort.base, ...sort.tiers.filter(({ above }) => inputTokens > above).map(({ rate }) => rate)]

const TEXT_INPUT = ["input", "cacheRead", "cacheWrite", "cacheWriteHour"] as const
const ANY_INPUT = [...TEXT_INPUT, "inputAudio", "inputMedia", "cacheReadAudio"] as const
const ANY_OUTPUT = ["output", "outputAudio", "outputMedia"] as const

export const dearestInput = (rates: Rates, inputTokens: number, isText: boolean): Rate =>
  dearest((isText ? TEXT_INPUT : ANY_INPUT).flatMap((sort) => reachable(rates[sort], inputTokens)))

export const dearestOutput = (rates: Rates, inputTokens: number): Rate =>
  dearest(ANY_OUTPUT.flatMap((sort) => reachable(rates[sort], inputTokens)))

/** Exact; null where a token or a search of it has no price. */
export const costOfPart = (part: PricedUsage, rates: Rates): Rate | null => {
  const { inputTokens, cacheWriteTokens, cacheReadTokens } = part.usage
  const allInput = inputTokens + cacheWriteTokens + cacheReadTokens
  let sum = rates.perCall
  for (const [sort, tokens] of sortsOf(part)) {
    const rate = rates[sort]
    if (tokens === 0) continue
    if (rate === null) return null
    sum += BigInt(tokens) * rateAt(rate, allInput)
  }
  if (part.webSearches === 0) return sum
  return rates.perSearch === null ? null : sum + BigInt(part.webSearches) * rates.perSearch
}

type Sort = Exclude<keyof Rates, "perSearch" | "perCall">

/** Parts that claim more than the whole are cut to it: no token is billed twice. */
const sortsOf = (part: PricedUsage): readonly (readonly [sort: Sort, tokens: number])[] => {
  const { inputTokens, outputTokens, cacheWriteTokens, cacheReadTokens } = part.usage
  // Sound beyond the uncached input can only have been read from the cache.
  const cachedAudio = Math.min(
    Math.max(part.cacheReadAudioTokens ?? 0, part.inputAudioTokens - inputTokens),
    cacheReadTokens,
  )
  const inputAudio = Math.min(Math.max(part.inputAudioTokens - cachedAudio, 0), inputTokens)
  const inputMedia = Math.min(part.inputMediaTokens ?? 0, inputTokens - inputAudio)
  const hour = Math.min(part.cacheWriteHourTokens, cacheWriteTokens)
  const outputAudio = Math.min(part.outputAudioTokens, outputTokens)
  const notAudio = outputTokens - outputAudio
  const outputMedia = Math.min(part.outputMediaTokens ?? notAudio, notAudio)
  return [
    ["input", inputTokens - inputAudio - inputMedia],
    ["inputAudio", inputAudio],
    ["inputMedia", inputMedia],
    ["cacheRead", cacheReadTokens - cachedAudio],
    ["cacheReadAudio", cachedAudio],
    ["cacheWrite", cacheWriteTokens - hour],
    ["cacheWriteHour", hour],
    ["output", notAudio - outputMedia],
    ["outputAudio", outputAudio],
    ["outputMedia", outputMedia],
  ]
}
