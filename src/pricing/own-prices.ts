/** Prices that a settings file states: they come before any list's. */
import type { OwnPrice } from "../config/prices.ts"
import { rateOf } from "./exact.ts"
import type { ProviderName } from "./price-book.ts"
import type { Rates, TieredRate } from "./rates.ts"

const flat = (usdPerMTok: number): TieredRate => ({ base: rateOf(usdPerMTok), tiers: [] })

/** What is not stated of the cache costs as input does; searches cost what the list says. */
export const ratesOfOwn = (price: OwnPrice, perSearch: Rates["perSearch"]): Rates => {
  const input = flat(price.inputUsdPerMTok)
  const output = flat(price.outputUsdPerMTok)
  const cacheRead = flat(price.cacheReadUsdPerMTok ?? price.inputUsdPerMTok)
  const write = price.cacheWriteUsdPerMTok ?? price.inputUsdPerMTok
  return {
    input,
    inputAudio: input,
    inputMedia: input,
    cacheRead,
    cacheReadAudio: cacheRead,
    cacheWrite: flat(write),
    cacheWriteHour: flat(price.cacheWriteHourUsdPerMTok ?? write),
    output,
    outputAudio: output,
    outputMedia: output,
    perSearch,
    perCall: rateOf(price.perCallUsd ?? 0) * 1_000_000n,
  }
}

/**
 * The one that applies: of exact names before patterns, of patterns the longest, and one for the
 * provider before one for any.
 */
export const ownPriceOf = (
  prices: readonly OwnPrice[],
  provider: ProviderName,
  model: string,
  isSame: (a: ProviderName, b: ProviderName) => boolean,
): OwnPrice | undefined =>
  prices
    .filter((price) => price.provider === undefined || isSame(price.provider, provider))
    .filter((price) => matches(price.model, model))
    .sort((a, b) => closeness(b) - closeness(a))[0]

const matches = (pattern: string, model: string): boolean =>
  pattern.endsWith("*") ? model.startsWith(pattern.slice(0, -1)) : pattern === model

/** Twice the length, so that a provider decides only between patterns of one length. */
const closeness = ({ model, provider }: OwnPrice): number => {
  const exact = model.endsWith("*") ? 2 * model.length : Number.MAX_SAFE_INTEGER - 1
  return provider === undefined ? exact : exact + 1
}
