/** The usage objects of Claude Code: of one message, in logs and streams alike, and of a whole run. */
import { addUsage, largestOfEach, NO_USAGE } from "../../../machines/budget/amounts.ts"
import type { Usage } from "../../../machines/vocabulary.ts"
import { isObject, type Json, readCount, UnreadableField } from "../fields.ts"

/** A local error message that looks like an answer; nobody was called. */
export const SYNTHETIC_MODEL = "<synthetic>"

/** Throws `UnreadableField` where a count is not what it should be. */
export const readMessageUsage = (usage: unknown): Usage => {
  if (!isObject(usage)) throw new UnreadableField("usage is no object")
  const counted = readCounts(usage)
  if (!Array.isArray(usage.iterations)) return counted
  // Compaction and advisor calls are listed here and left out of the counts above.
  const summed = usage.iterations.filter(isObject).map(readCounts).reduce(addUsage, NO_USAGE)
  return largestOfEach(counted, summed)
}

/** The counts of the object itself. */
export const readCounts = (usage: Json): Usage => ({
  inputTokens: readCount(usage.input_tokens, "input_tokens"),
  outputTokens: readCount(usage.output_tokens, "output_tokens"),
  cacheWriteTokens: readCount(usage.cache_creation_input_tokens, "cache_creation_input_tokens"),
  cacheReadTokens: readCount(usage.cache_read_input_tokens, "cache_read_input_tokens"),
})

/** One model's entry of a result's `modelUsage`. */
export const readModelCounts = (entry: Json): Usage => ({
  inputTokens: readCount(entry.inputTokens, "modelUsage.inputTokens"),
  outputTokens: readCount(entry.outputTokens, "modelUsage.outputTokens"),
  cacheWriteTokens: readCount(
    entry.cacheCreationInputTokens,
    "modelUsage.cacheCreationInputTokens",
  ),
  cacheReadTokens: readCount(entry.cacheReadInputTokens, "modelUsage.cacheReadInputTokens"),
})
