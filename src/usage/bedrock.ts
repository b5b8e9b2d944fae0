/** Usage of Bedrock's Converse in the four disjoint kinds. */
import { add } from "../../machines/budget/amounts.ts"
import type { Usage } from "../../machines/vocabulary.ts"
import { type Json, objectsIn, readCount } from "../meters/fields.ts"

/** What the cache gave and took is outside the input, and may be said under two names. */
export const bedrockUsage = (said: Json): Usage => {
  const count = (name: string): number => readCount(said[name], name)
  const largest = (...names: readonly string[]): number => Math.max(...names.map(count))
  return {
    inputTokens: count("inputTokens"),
    outputTokens: count("outputTokens"),
    cacheReadTokens: largest("cacheReadInputTokens", "cacheReadInputTokenCount"),
    cacheWriteTokens: Math.max(
      largest("cacheWriteInputTokens", "cacheWriteInputTokenCount"),
      writtenByLifetime(said),
    ),
  }
}

const writtenByLifetime = (said: Json): number =>
  objectsIn(said, "cacheDetails").reduce(
    (sum, { inputTokens }) => add(sum, readCount(inputTokens, "cacheDetails.inputTokens")),
    0,
  )
