/** Dialects whose requests are read in the plainest way that is right for what these tests send. */
import * as AnthropicAnswer from "../../src/gateway/dialects/anthropic/answer.ts"
import type {
  CallPath,
  CallRequest,
  Dialect,
  DialectName,
  Json,
  MalformedRequest,
  RequestChange,
} from "../../src/gateway/dialects/dialect.ts"
import * as GeminiEmbedAnswer from "../../src/gateway/dialects/gemini-embed/answer.ts"
import * as GeminiAnswer from "../../src/gateway/dialects/gemini-generate/answer.ts"
import * as ChatAnswer from "../../src/gateway/dialects/openai-chat/answer.ts"
import * as CompletionsAnswer from "../../src/gateway/dialects/openai-completions/answer.ts"
import * as EmbeddingsAnswer from "../../src/gateway/dialects/openai-embeddings/answer.ts"
import * as ResponsesAnswer from "../../src/gateway/dialects/openai-responses/answer.ts"

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value)

const parse = (body: Buffer): Record<string, unknown> | null => {
  try {
    const value: unknown = JSON.parse(body.toString("utf8"))
    return isObject(value) ? value : null
  } catch {
    return null
  }
}

const CAPS: Readonly<Record<DialectName, string | null>> = {
  "anthropic-messages": "max_tokens",
  "openai-chat": "max_completion_tokens",
  "openai-completions": "max_tokens",
  "openai-responses": "max_output_tokens",
  "openai-embeddings": null,
  "gemini-generate": "maxOutputTokens",
  "gemini-embed": null,
}

const capHolder = (name: DialectName, body: Record<string, unknown>): Record<string, unknown> => {
  if (name !== "gemini-generate") return body
  const config = isObject(body.generationConfig) ? body.generationConfig : {}
  body.generationConfig = config
  return config
}

const read =
  (name: DialectName) =>
  (bytes: Buffer, path: CallPath): CallRequest | MalformedRequest => {
    const body = parse(bytes)
    if (body === null) return { malformed: "the body is no JSON object" }
    const field = CAPS[name]
    const cap = field === null ? null : capHolder(name, body)[field]
    const options = isObject(body.stream_options) ? body.stream_options : {}
    const streams = path.streams || body.stream === true
    const asks = name === "openai-chat" || name === "openai-completions"
    const hasMedia = JSON.stringify(body).includes('"image"')
    return {
      model: path.model ?? String(body.model),
      streams,
      saysUsage: !asks || !streams || options.include_usage === true,
      inputBoundTokens: bytes.length + 100,
      inputBytes: bytes.length,
      outputCap: typeof cap === "number" ? cap : null,
      thinkingTokens: 0,
      hasOutput: field !== null,
      answers: typeof body.n === "number" ? body.n : 1,
      unboundable: hasMedia ? { rule: "media", why: "it has an image", countSettles: true } : null,
    }
  }

const rewrite =
  (name: DialectName) =>
  (bytes: Buffer, change: RequestChange): Buffer => {
    const body = parse(bytes) ?? {}
    const field = CAPS[name]
    if (change.outputCap !== null && field !== null) capHolder(name, body)[field] = change.outputCap
    if (change.askUsage) body.stream_options = { include_usage: true }
    if (change.note !== null) body.note = change.note
    return Buffer.from(JSON.stringify(body))
  }

const refusal =
  (name: DialectName): Dialect["refusal"] =>
  ({ status, code, message, details }): Json => {
    if (name === "anthropic-messages")
      return { type: "error", error: { type: code, message, details } }
    if (name.startsWith("gemini"))
      return { error: { code: status, message, status: code, details } }
    return { error: { message, type: code, param: null, code, details } }
  }

const never = { isAddedUsage: () => false, mayBeAddedUsage: () => false }

const dialect = (
  name: DialectName,
  provider: string,
  answer: Pick<Dialect, "meter"> & Partial<Pick<Dialect, "isAddedUsage" | "mayBeAddedUsage">>,
): Dialect => ({
  ...never,
  ...answer,
  name,
  provider,
  read: read(name),
  rewrite: rewrite(name),
  refusal: refusal(name),
})

export const DIALECTS: Readonly<Record<DialectName, Dialect>> = {
  "anthropic-messages": dialect("anthropic-messages", "anthropic", AnthropicAnswer),
  "openai-chat": dialect("openai-chat", "openai", ChatAnswer),
  "openai-completions": dialect("openai-completions", "openai", CompletionsAnswer),
  "openai-responses": dialect("openai-responses", "openai", ResponsesAnswer),
  "openai-embeddings": dialect("openai-embeddings", "openai", EmbeddingsAnswer),
  "gemini-generate": dialect("gemini-generate", "google", GeminiAnswer),
  "gemini-embed": dialect("gemini-embed", "google", GeminiEmbedAnswer),
}
