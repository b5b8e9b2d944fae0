/** What a call cost of which only its model and its counts are known, as a log or a program tells it. */
import type { Instant, MicroUsd, Usage } from "../../machines/vocabulary.ts"
import type { PriceBook } from "./price-book.ts"

/** Null: no price is known. Cache writes count as those for five minutes. */
export const costByModel = (
  prices: PriceBook,
  usage: Usage,
  model: string | null,
  at: Instant,
): MicroUsd | null =>
  prices.costOf({
    provider: ownerOf(model),
    at,
    parts: [
      {
        ...{ model, usage },
        ...{ cacheWriteHourTokens: 0, inputAudioTokens: 0, outputAudioTokens: 0, webSearches: 0 },
      },
    ],
  })

/** A log names the model, not who sells it. */
const ownerOf = (model: string | null): string => {
  if (model?.startsWith("claude") === true) return "anthropic"
  return model?.startsWith("gemini") === true ? "google" : "openai"
}
