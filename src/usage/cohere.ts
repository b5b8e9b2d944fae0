/** Cohere's usage in the four disjoint kinds, as its API spells it and as its SDK does. */
import { add, NO_USAGE } from "../../machines/budget/amounts.ts"
import type { Usage } from "../../machines/vocabulary.ts"
import { type Json, objectIn, readCount } from "../meters/fields.ts"

/**
 * What is billed, which is less than what was read and written in all (`tokens`). That stands in,
 * count by count, where no bill is told; it alone has cached tokens inside. Null: no tokens are told.
 */
export const cohereUsage = (said: Json): Usage | null => {
  const billed = part(said, "billed_units", "billedUnits")
  const all = part(said, "tokens", "tokens")
  const billedInput = sumOfSaid(
    count(billed, "input_tokens", "inputTokens"),
    count(billed, "image_tokens", "imageTokens"),
  )
  const outputTokens =
    count(billed, "output_tokens", "outputTokens") ?? count(all, "output_tokens", "outputTokens")
  const input = billedInput ?? count(all, "input_tokens", "inputTokens")
  if (input === null) return null
  const cached = count(said, "cached_tokens", "cachedTokens") ?? 0
  const cacheReadTokens = billedInput === null ? cached : 0
  return {
    ...NO_USAGE,
    // Where they cannot be inside, nothing is taken off: too much is the safe side.
    inputTokens: cacheReadTokens > input ? input : input - cacheReadTokens,
    outputTokens: outputTokens ?? 0,
    cacheReadTokens,
  }
}

const part = (said: Json, name: string, inSdk: string): Json =>
  objectIn(said, name) ?? objectIn(said, inSdk) ?? {}

/** Null where it is not said, which is not 0. */
const count = (of: Json, name: string, inSdk: string): number | null => {
  const value = of[name] ?? of[inSdk] ?? null
  return value === null ? null : readCount(value, name)
}

const sumOfSaid = (one: number | null, other: number | null): number | null =>
  one === null && other === null ? null : add(one ?? 0, other ?? 0)
