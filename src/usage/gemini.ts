/** Gemini's `usageMetadata` in the four disjoint kinds. */
import { add, NO_USAGE, subtract } from "../../machines/budget/amounts.ts"
import { type Json, objectsIn, readCount } from "../meters/fields.ts"
import type { PricedUsage } from "../pricing/price-book.ts"

/**
 * Cached tokens are inside the prompt; those that tools were given are outside it, and thoughts are
 * outside the candidates.
 */
export const geminiUsage = (said: Json, model: string, webSearches: number): PricedUsage => {
  const count = (name: string): number => readCount(said[name], name)
  const prompt = count("promptTokenCount")
  const cacheReadTokens = count("cachedContentTokenCount")
  // Where they cannot be inside, nothing is taken off: too much is the safe side.
  const uncached = cacheReadTokens > prompt ? prompt : prompt - cacheReadTokens
  const inputTokens = add(uncached, count("toolUsePromptTokenCount"))
  const outputTokens = add(count("candidatesTokenCount"), count("thoughtsTokenCount"))
  const inputAudio = add(
    audioIn(said, "promptTokensDetails"),
    audioIn(said, "toolUsePromptTokensDetails"),
  )
  return {
    model,
    usage: { ...NO_USAGE, inputTokens, outputTokens, cacheReadTokens },
    cacheWriteHourTokens: 0,
    inputAudioTokens: Math.min(
      subtract(inputAudio, audioIn(said, "cacheTokensDetails")),
      inputTokens,
    ),
    outputAudioTokens: Math.min(audioIn(said, "candidatesTokensDetails"), outputTokens),
    webSearches,
  }
}

const audioIn = (said: Json, details: string): number =>
  objectsIn(said, details)
    .filter(({ modality }) => modality === "AUDIO")
    .reduce((sum, { tokenCount }) => add(sum, readCount(tokenCount, "tokenCount")), 0)
