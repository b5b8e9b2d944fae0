/** OpenAI's usage, and that of the many that speak its APIs, in the four disjoint kinds. */
import { add, NO_USAGE } from "../../machines/budget/amounts.ts"
import { isName, type Json, objectIn, objectsIn, readCount } from "../meters/fields.ts"
import type { PricedUsage } from "../pricing/price-book.ts"

/** The chat and the responses API name the same things differently. */
interface UsageNames {
  readonly input: string
  readonly inputDetails: string
  readonly output: string
  readonly outputDetails: string
}

export const CHAT_USAGE: UsageNames = {
  input: "prompt_tokens",
  inputDetails: "prompt_tokens_details",
  output: "completion_tokens",
  outputDetails: "completion_tokens_details",
}

export const RESPONSES_USAGE: UsageNames = {
  input: "input_tokens",
  inputDetails: "input_tokens_details",
  output: "output_tokens",
  outputDetails: "output_tokens_details",
}

const NO_EXTRAS: Omit<PricedUsage, "model" | "usage"> = {
  cacheWriteHourTokens: 0,
  inputAudioTokens: 0,
  outputAudioTokens: 0,
  webSearches: 0,
}

/** Null: no usage, whatever else the object is. */
export const openAiUsage = (said: Json, names: UsageNames, model: string): PricedUsage | null => {
  if (!isPresent(said[names.input]) && !isPresent(said[names.output])) return null
  const details = objectIn(said, names.inputDetails) ?? {}
  const input = readCount(said[names.input], names.input)
  const cacheReadTokens = readCount(
    details.cached_tokens ?? said.prompt_cache_hit_tokens,
    "cached_tokens",
  )
  const cacheWriteTokens = readCount(details.cache_write_tokens, "cache_write_tokens")
  const cached = add(cacheReadTokens, cacheWriteTokens)
  // Both are inside the input. Where they cannot be, nothing is taken off: too much is the safe side.
  const inputTokens = cached > input ? input : input - cached
  const outputTokens = outputOf(said, names, input)
  const audio = (of: string): number => readCount(objectIn(said, of)?.audio_tokens, "audio_tokens")
  return {
    ...NO_EXTRAS,
    model,
    usage: { ...NO_USAGE, inputTokens, outputTokens, cacheReadTokens, cacheWriteTokens },
    inputAudioTokens: Math.min(audio(names.inputDetails), inputTokens),
    outputAudioTokens: Math.min(audio(names.outputDetails), outputTokens),
    webSearches: webSearchesIn(said),
  }
}

/**
 * Reasoning is inside the output, though the detail may be larger than the whole. Some that speak
 * this API leave thinking out of it (Gemini, xAI): then only the total has it.
 */
const outputOf = (said: Json, names: UsageNames, input: number): number => {
  const output = readCount(said[names.output], names.output)
  const total = readCount(said.total_tokens, "total_tokens")
  return Math.max(output, total - input)
}

const webSearchesIn = (said: Json): number => {
  const tools = objectIn(said, "server_tool_use") ?? objectIn(said, "server_tool_use_details") ?? {}
  return readCount(tools.web_search_requests, "web_search_requests")
}

/** Images made by a tool are another model's tokens, and outside the response's own. */
export const imagesIn = (response: Json): readonly PricedUsage[] => {
  const said = objectIn(objectIn(response, "tool_usage") ?? {}, "image_gen")
  if (said === null) return []
  const inputTokens = readCount(said.input_tokens, "image_gen.input_tokens")
  const outputTokens = readCount(said.output_tokens, "image_gen.output_tokens")
  if (inputTokens + outputTokens === 0) return []
  const tool = objectsIn(response, "tools").find(({ type }) => type === "image_generation")
  const model = isName(tool?.model) ? tool.model : null
  return [{ ...NO_EXTRAS, model, usage: { ...NO_USAGE, inputTokens, outputTokens } }]
}

const isPresent = (value: unknown): boolean => value !== undefined && value !== null
