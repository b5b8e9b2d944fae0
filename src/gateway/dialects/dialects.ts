/** Every dialect whole: what it asks, what it answers, and whose API it is. */
import { REQUEST_SIDES } from "./all.ts"
import * as AnthropicMessages from "./anthropic/answer.ts"
import type { Dialect, DialectName } from "./dialect.ts"
import * as GeminiEmbed from "./gemini-embed/answer.ts"
import * as GeminiGenerate from "./gemini-generate/answer.ts"
import * as OpenaiChat from "./openai-chat/answer.ts"
import * as OpenaiCompletions from "./openai-completions/answer.ts"
import * as OpenaiEmbeddings from "./openai-embeddings/answer.ts"
import * as OpenaiResponses from "./openai-responses/answer.ts"

type AnswerSide = Pick<Dialect, "meter"> &
  Partial<Pick<Dialect, "isAddedUsage" | "mayBeAddedUsage">>

/** Where usage is said unasked, nothing is ever added. */
const NOTHING_ADDED = { isAddedUsage: () => false, mayBeAddedUsage: () => false }

const dialect = (name: DialectName, provider: string, answer: AnswerSide): Dialect => ({
  ...NOTHING_ADDED,
  ...answer,
  ...REQUEST_SIDES[name],
  name,
  provider,
})

export const DIALECTS: Readonly<Record<DialectName, Dialect>> = {
  "anthropic-messages": dialect("anthropic-messages", "anthropic", AnthropicMessages),
  "openai-chat": dialect("openai-chat", "openai", OpenaiChat),
  "openai-completions": dialect("openai-completions", "openai", OpenaiCompletions),
  "openai-responses": dialect("openai-responses", "openai", OpenaiResponses),
  "openai-embeddings": dialect("openai-embeddings", "openai", OpenaiEmbeddings),
  "gemini-generate": dialect("gemini-generate", "google", GeminiGenerate),
  "gemini-embed": dialect("gemini-embed", "google", GeminiEmbed),
}
