/** Anthropic's usage in the four disjoint kinds, one part a model that took part in the answer. */
import { add, NO_USAGE, subtract } from "../../machines/budget/amounts.ts"
import type { Usage } from "../../machines/vocabulary.ts"
import { isName, type Json, objectIn, objectsIn, readCount } from "../meters/fields.ts"
import type { PricedUsage } from "../pricing/price-book.ts"

interface Counts extends Usage {
  readonly cacheWriteHourTokens: number
}

const NO_COUNTS: Counts = { ...NO_USAGE, cacheWriteHourTokens: 0 }

/** Rounds of the answer that its own counts leave out. */
const OUTSIDE = new Set<unknown>(["compaction", "advisor_message"])

/**
 * The counts at the top are those of the answer's own rounds. What else was done for it (compaction,
 * advice of another model) is in `iterations` alone; all rounds are counted, and what is above them
 * at the top. `searchesBegun` counts where the provider has not said how many.
 */
export const anthropicParts = (
  said: Json,
  model: string,
  searchesBegun: number,
): readonly PricedUsage[] => {
  const byModel = new Map<string, Counts>([[model, NO_COUNTS]])
  const count = (of: string, counts: Counts): void => {
    byModel.set(of, combine(add, byModel.get(of) ?? NO_COUNTS, counts))
  }
  let inside = NO_COUNTS
  for (const round of objectsIn(said, "iterations")) {
    const counts = countsOf(round)
    if (!OUTSIDE.has(round.type)) inside = combine(add, inside, counts)
    count(isName(round.model) ? round.model : model, counts)
  }
  count(model, combine(subtract, countsOf(said), inside))
  const webSearches = webSearchesIn(said) ?? searchesBegun
  return [...byModel].map(([name, counts]) =>
    partOf(name, counts, name === model ? webSearches : 0),
  )
}

const partOf = (
  model: string,
  { cacheWriteHourTokens, ...usage }: Counts,
  webSearches: number,
): PricedUsage => ({
  model,
  usage,
  cacheWriteHourTokens: Math.min(cacheWriteHourTokens, usage.cacheWriteTokens),
  inputAudioTokens: 0,
  outputAudioTokens: 0,
  webSearches,
})

/** Cache reads and writes are outside the input here; a write is for five minutes or for an hour. */
const countsOf = (said: Json): Counts => {
  const split = objectIn(said, "cache_creation") ?? {}
  const minutes = readCount(split.ephemeral_5m_input_tokens, "ephemeral_5m_input_tokens")
  const hour = readCount(split.ephemeral_1h_input_tokens, "ephemeral_1h_input_tokens")
  const written = readCount(said.cache_creation_input_tokens, "cache_creation_input_tokens")
  const cacheWriteTokens = Math.max(written, add(minutes, hour))
  return {
    inputTokens: readCount(said.input_tokens, "input_tokens"),
    outputTokens: readCount(said.output_tokens, "output_tokens"),
    cacheReadTokens: readCount(said.cache_read_input_tokens, "cache_read_input_tokens"),
    cacheWriteTokens,
    // What was written after the split was told counts as for the hour where any of it was.
    cacheWriteHourTokens: hour === 0 ? 0 : subtract(cacheWriteTokens, minutes),
  }
}

const combine = (by: (a: number, b: number) => number, one: Counts, other: Counts): Counts => ({
  inputTokens: by(one.inputTokens, other.inputTokens),
  outputTokens: by(one.outputTokens, other.outputTokens),
  cacheWriteTokens: by(one.cacheWriteTokens, other.cacheWriteTokens),
  cacheReadTokens: by(one.cacheReadTokens, other.cacheReadTokens),
  cacheWriteHourTokens: by(one.cacheWriteHourTokens, other.cacheWriteHourTokens),
})

const webSearchesIn = (said: Json): number | null => {
  const tools = objectIn(said, "server_tool_use")
  return tools === null ? null : readCount(tools.web_search_requests, "web_search_requests")
}
