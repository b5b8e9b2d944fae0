/**
 * The usage in an answer, for agents that are functions and call their provider themselves. Which API
 * it is of shows in its counts: each names its own, and none is read that leaves out what it always has.
 */
import * as Schema from "effect/Schema"
import { add, addUsage, NO_USAGE, rawTokens, subtract } from "../../machines/budget/amounts.ts"
import type { Usage } from "../../machines/vocabulary.ts"
import {
  isName,
  isObject,
  type Json,
  objectIn,
  readCount,
  UnreadableField,
} from "../meters/fields.ts"
import type { PricedUsage } from "../pricing/price-book.ts"
import { anthropicParts } from "./anthropic.ts"
import { bedrockUsage } from "./bedrock.ts"
import { cohereUsage } from "./cohere.ts"
import { geminiUsage } from "./gemini.ts"
import { CHAT_USAGE, imagesIn, openAiUsage, RESPONSES_USAGE } from "./openai.ts"

/** The four disjoint kinds, as `recordUsage` and `settle` take them. */
export interface AnswerUsage extends Usage {
  /** As the answer names it; not there where it does not. */
  readonly model?: string
}

/** No usage, of no API that is known, or with a count that is none: `message` says which. */
export class UnreadableUsage extends Schema.TaggedError<UnreadableUsage>()("UnreadableUsage", {
  message: Schema.String,
}) {}

/**
 * The usage in a provider's answer, in the last word of its stream, or its usage object alone.
 *
 * Never throws, and never gives 0 for what it could not read. An answer whose usage is unreadable was
 * still paid for: charge what was held for it.
 */
export const usageFrom = (answer: unknown): AnswerUsage | UnreadableUsage => {
  if (!isObject(answer)) return unreadable(`an answer is an object, found ${kindOf(answer)}`)
  try {
    return readAnswer(answer)
  } catch (problem) {
    if (problem instanceof UnreadableField) return unreadable(problem.message)
    // An SDK's answer may be an object that reads itself, and fails at it.
    return unreadable("the answer failed while it was read")
  }
}

const readAnswer = (answer: Json): AnswerUsage | UnreadableUsage => {
  const said = USAGE_NAMES.map((name) => objectIn(answer, name)).find((found) => found !== null)
  const usage = readUsage(said ?? answer)
  if (usage === null) return unreadable(`no counts of a known API in ${namesIn(said ?? answer)}`)
  const whole = addUsage(usage, sumOf(imagesIn(answer)))
  const model = [answer.model, answer.modelVersion].find(isName)
  return model === undefined ? whole : { ...whole, model }
}

/** Where an answer has its usage; Cohere's embeddings have it in `meta`. */
const USAGE_NAMES = ["usage", "usageMetadata", "meta"]

/** Null: another shape. */
type ReadShape = (said: Json) => Usage | null

const SHAPES: readonly ReadShape[] = [
  (said) => (says(said, "promptTokenCount") ? geminiUsage(said, "", 0).usage : null),
  // Embeddings have a total and nothing written.
  (said) =>
    says(said, "prompt_tokens") && (says(said, "completion_tokens") || says(said, "total_tokens"))
      ? (openAiUsage(said, CHAT_USAGE, "")?.usage ?? null)
      : null,
  (said) =>
    says(said, "input_tokens", "output_tokens", "input_tokens_details")
      ? (openAiUsage(said, RESPONSES_USAGE, "")?.usage ?? null)
      : null,
  (said) =>
    says(said, "input_tokens", "output_tokens") ? sumOf(anthropicParts(said, "", 0)) : null,
  (said) =>
    says(said, "inputTokens", "outputTokens", "totalTokens") && !isOfAiSdk(said)
      ? bedrockUsage(said)
      : null,
  cohereUsage,
]

const says = (said: Json, ...names: readonly string[]): boolean =>
  names.every((name) => said[name] !== undefined && said[name] !== null)

/** Vercel's SDK has Bedrock's words for other things: what was cached is inside its input. */
const isOfAiSdk = (said: Json): boolean =>
  "inputTokenDetails" in said || "cachedInputTokens" in said

const readUsage = (said: Json): Usage | null => {
  for (const read of SHAPES) {
    const usage = read(said)
    if (usage !== null) return withTotal(usage, said)
  }
  return null
}

/** What only the total has is thinking, or a kind not known yet: the dearer output, so as not to lose it. */
const withTotal = (usage: Usage, said: Json): Usage => {
  const totals = ["total_tokens", "totalTokens", "totalTokenCount"]
  const total = Math.max(...totals.map((name) => readCount(said[name], name)))
  const outputTokens = add(usage.outputTokens, subtract(total, rawTokens(usage)))
  return { ...usage, outputTokens }
}

const sumOf = (parts: readonly PricedUsage[]): Usage =>
  parts.reduce((sum, { usage }) => addUsage(sum, usage), NO_USAGE)

const unreadable = (message: string): UnreadableUsage => new UnreadableUsage({ message })

/** Never the value itself: a text that is no answer may be one's prompt. */
const kindOf = (value: unknown): string => {
  if (value === undefined || value === null) return "nothing"
  return Array.isArray(value) ? "a list" : `a ${typeof value}`
}

const NAMES_LENGTH_MAX = 200

const namesIn = (said: Json): string => {
  const names = Object.keys(said)
  return names.length === 0 ? "an empty object" : names.join(", ").slice(0, NAMES_LENGTH_MAX)
}
