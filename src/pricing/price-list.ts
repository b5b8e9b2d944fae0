/**
 * The bundled list of providers' prices, as rates. It is data of a package, read from the disk
 * once: nothing is fetched, and an update is a new version of the package.
 */
import type { Instant } from "../../machines/vocabulary.ts"
import { dearest, type Rate, rateOf } from "./exact.ts"
import type { ProviderName } from "./price-book.ts"
import { FREE_RATES, type Rates, type TieredRate } from "./rates.ts"

type Package = typeof import("@pydantic/genai-prices")
type Found = NonNullable<ReturnType<Package["calcPrice"]>>
type Prices = Found["model_price"]
type Model = Found["model"]

export interface PriceList {
  readonly ratesOf: (provider: ProviderName, model: string, at: Instant) => Rates | null
  /** The list's own name of a provider; null where it has none. */
  readonly nameOf: (provider: ProviderName) => string | null
  readonly ownerOf: (url: URL) => string | null
}

/** A megabyte of data: loaded by the first who asks for prices, and by nobody else. */
export const loadPriceList = async (): Promise<PriceList> => {
  const list = await import("@pydantic/genai-prices")
  const foundAs = remembered(list)
  const rated = new Map<Prices, Rates | null>()
  const ratesFor = (found: Found): Rates | null => {
    const known = rated.get(found.model_price)
    if (known !== undefined) return known
    const rates = ratesFrom(found)
    rated.set(found.model_price, rates)
    return rates
  }
  return {
    ratesOf: (provider, model, at) => {
      const first = foundAs(provider, model)
      if (first === null) return null
      if (!Array.isArray(first.model.prices)) return ratesFor(first)
      const alone = { ...first.provider, models: [first.model] }
      const found = list.calcPrice({}, model, { provider: alone, timestamp: new Date(at) })
      return found === null ? null : ratesFor(found)
    },
    nameOf: (provider) => list.findProvider({ providerId: provider })?.id ?? null,
    ownerOf: (url) => list.findProvider({ providerApiUrl: url.href })?.id ?? null,
  }
}

/** Names come from outside: past so many, all are looked up anew. */
const NAMES_MAX = 1_000

/** A search through hundreds of patterns, done once a name; the model may have prices by date. */
const remembered = (list: Package) => {
  const known = new Map<string, Found | null>()
  return (provider: ProviderName, model: string): Found | null => {
    const name = JSON.stringify([provider, model])
    const before = known.get(name)
    if (before !== undefined) return before
    const found = list.calcPrice({}, model, { providerId: provider })
    if (known.size >= NAMES_MAX) known.clear()
    known.set(name, found)
    return found
  }
}

const ratesFrom = ({ model, model_price: prices }: Found): Rates | null => {
  if (Object.values(prices).every((price) => price === undefined))
    return isSaidFree(model) ? FREE_RATES : null
  const rates = tokenRates(prices)
  return rates.input === null ? null : rates
}

/**
 * The list gives free models no prices at all, and a few models besides that it has no price
 * for: only words tell the two apart.
 */
const isSaidFree = ({ id, name, description, price_comments }: Model): boolean =>
  id.endsWith(":free") ||
  [name, description, price_comments].some((words) =>
    /\(free\)|\bfree of charge\b|\bincluded in the subscription\b/i.test(words ?? ""),
  )

const tokenRates = (prices: Prices): Rates => {
  const of = (...keys: readonly string[]) => dearestOf(prices, keys)
  const input = of("input_mtok")
  const cacheRead = of("cache_read_mtok") ?? input
  const anyWrite = of("cache_write_mtok") ?? input
  // Reasoning and citations are part of the output, which is not told apart by them.
  const output = of("output_mtok", "output_reasoning_mtok", "output_citation_mtok")
  return {
    input,
    inputAudio: of("input_audio_mtok") ?? input,
    inputMedia: of("input_image_mtok", "input_video_mtok") ?? input,
    cacheRead,
    cacheReadAudio: of("cache_audio_read_mtok") ?? cacheRead,
    cacheWrite: of("cache_write_5m_mtok") ?? anyWrite,
    cacheWriteHour: of("cache_write_1h_mtok") ?? anyWrite,
    output,
    outputAudio: of("output_audio_mtok") ?? output,
    outputMedia: of("output_image_mtok", "output_video_mtok") ?? output,
    perSearch: perThousand(prices.web_searches_kcount),
    perCall: perThousand(prices.requests_kcount) ?? 0n,
  }
}

/** Of several sorts that are not told apart: at each size the dearest of them. */
const dearestOf = (prices: Prices, keys: readonly string[]): TieredRate | null => {
  const sorts = keys.flatMap((key) => tieredRate(prices[key]) ?? [])
  const starts = new Set(sorts.flatMap(({ tiers }) => tiers.map(({ above }) => above)))
  const at = (above: number): Rate =>
    dearest(sorts.map(({ base, tiers }) => tiers.findLast((t) => t.above <= above)?.rate ?? base))
  if (sorts.length === 0) return null
  return {
    base: dearest(sorts.map(({ base }) => base)),
    tiers: [...starts].sort((a, b) => a - b).map((above) => ({ above, rate: at(above) })),
  }
}

const tieredRate = (price: Prices[string]): TieredRate | null => {
  if (price === undefined) return null
  if (typeof price === "number") return { base: rateOf(price), tiers: [] }
  const tiers = [...price.tiers].sort((a, b) => a.start - b.start)
  return {
    base: rateOf(price.base),
    tiers: tiers.map(({ start, price: dollars }) => ({ above: start, rate: rateOf(dollars) })),
  }
}

/** Dollars a thousand are a thousand micro-dollars each; tiers by input are not for counts. */
const perThousand = (price: Prices[string]): Rate | null => {
  const tiered = tieredRate(price)
  return tiered === null
    ? null
    : dearest([tiered.base, ...tiered.tiers.map(({ rate }) => rate)]) * 1000n
}
