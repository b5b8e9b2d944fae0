/** `prices` of a settings file: what models cost where no list knows it, or another price holds. */
import { hasPlaces } from "./decimal.ts"
import { isMap } from "./explain.ts"
import { MapReader } from "./map-reader.ts"
import type { Problem } from "./problem.ts"
import type { NamedValues, Path } from "./source.ts"

/** Dollars per million tokens, as price lists write them. */
export interface OwnPrice {
  /** A model's exact id, or the beginning of several and `*`. */
  readonly model: string
  /** Absent: whoever sells it. */
  readonly provider?: string
  readonly inputUsdPerMTok: number
  readonly outputUsdPerMTok: number
  readonly cacheReadUsdPerMTok?: number
  readonly cacheWriteUsdPerMTok?: number
  readonly cacheWriteHourUsdPerMTok?: number
  readonly perCallUsd?: number
}

const REQUIRED = ["inputUsdPerMTok", "outputUsdPerMTok"] as const
const OPTIONAL = [
  "cacheReadUsdPerMTok",
  "cacheWriteUsdPerMTok",
  "cacheWriteHourUsdPerMTok",
  "perCallUsd",
] as const
const KEYS = ["model", "provider", ...REQUIRED, ...OPTIONAL]

const USD_MAX = 1_000_000
/** With these a token's price is a whole number of 10⁻¹² dollars. */
const PLACES = 6
const PRICE = `dollars as a decimal from 0 to ${USD_MAX} with at most six places`

export interface DecodedPrices {
  readonly prices: readonly OwnPrice[]
  readonly problems: readonly Problem[]
}

/** `value` is the list itself; no prices when there are problems. */
export const decodePrices = (given: NamedValues): DecodedPrices => {
  const reader = new PriceReader(given)
  const prices = reader.prices()
  return { prices: reader.problems.length === 0 ? prices : [], problems: reader.problems }
}

class PriceReader extends MapReader {
  prices(): readonly OwnPrice[] {
    const { value } = this.source
    if (!Array.isArray(value)) {
      this.wrong([], value, `a list of maps of ${KEYS.join(", ")}`)
      return []
    }
    const seen = new Set<string>()
    return value.flatMap((entry, index) => {
      const path = [String(index)]
      if (!isMap(entry)) return this.wrong(path, entry, `a map of ${KEYS.join(", ")}`) ?? []
      const price = this.price(path, entry)
      const { model, provider = "" } = price
      const name = JSON.stringify([model, provider.toLowerCase()])
      if (model !== "" && seen.has(name))
        this.add("duplicate_key", path, `${model} a second time`, "each model once")
      seen.add(name)
      return [price]
    })
  }

  private price(path: Path, map: Readonly<Record<string, unknown>>): OwnPrice {
    this.knownKeys(path, map, KEYS)
    const price: { -readonly [Key in keyof OwnPrice]: OwnPrice[Key] } = {
      model: this.model([...path, "model"], map.model),
      inputUsdPerMTok: this.dollars([...path, "inputUsdPerMTok"], map.inputUsdPerMTok),
      outputUsdPerMTok: this.dollars([...path, "outputUsdPerMTok"], map.outputUsdPerMTok),
    }
    if (map.provider !== undefined)
      price.provider = this.provider([...path, "provider"], map.provider)
    for (const key of OPTIONAL)
      if (map[key] !== undefined) price[key] = this.dollars([...path, key], map[key])
    return price
  }

  private model(path: Path, value: unknown): string {
    if (typeof value === "string" && /^[^\s*]+\*?$|^\*$/.test(value)) return value
    this.wrong(path, value, "a model's id, or the beginning of one and `*`")
    return ""
  }

  private provider(path: Path, value: unknown): string {
    if (typeof value === "string" && /^\S+$/.test(value)) return value
    this.wrong(path, value, "a provider's name, such as openrouter")
    return ""
  }

  private dollars(path: Path, value: unknown): number {
    const isPrice =
      typeof value === "number" && value >= 0 && value <= USD_MAX && hasPlaces(value, PLACES)
    if (isPrice) return value
    this.wrong(path, value, PRICE)
    return 0
  }
}
