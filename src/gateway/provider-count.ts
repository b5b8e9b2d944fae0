/**
 * The provider's own count of a request's input, free of charge: tighter than its bytes, and so
 * worth a round trip near a limit. What each API calls it, what it wants, and what it answers.
 */
import type { DialectName, Json } from "./dialects/dialect.ts"
import type { UpstreamConnections, UpstreamRequest } from "./upstream.ts"

export interface CountApi {
  readonly path: (model: string) => string
  readonly body: (request: Json, model: string) => Json
  readonly tokens: (answer: Json) => unknown
}

/** Fields that are about the answer and that the counting paths do not take. */
const ANTHROPIC_COUNTED = [
  "model",
  "messages",
  "system",
  "tools",
  "tool_choice",
  "thinking",
  "mcp_servers",
  "context_management",
]
const RESPONSES_COUNTED = [
  "model",
  "input",
  "instructions",
  "tools",
  "tool_choice",
  "parallel_tool_calls",
  "previous_response_id",
  "conversation",
  "reasoning",
  "text",
  "truncation",
]

const only = (request: Json, names: readonly string[]): Json =>
  Object.fromEntries(Object.entries(request).filter(([name]) => names.includes(name)))

const COUNTS: Partial<Readonly<Record<DialectName, CountApi>>> = {
  "anthropic-messages": {
    path: () => "/messages/count_tokens",
    body: (request) => only(request, ANTHROPIC_COUNTED),
    tokens: (answer) => answer.input_tokens,
  },
  "openai-responses": {
    path: () => "/responses/input_tokens",
    body: (request) => only(request, RESPONSES_COUNTED),
    tokens: (answer) => answer.input_tokens,
  },
  "gemini-generate": {
    path: (model) => `/models/${encodeURIComponent(model)}:countTokens`,
    body: (request, model) => ({
      generateContentRequest: { ...request, model: `models/${model}` },
    }),
    tokens: (answer) => answer.totalTokens,
  },
}

export const countApiOf = (dialect: DialectName): CountApi | null => COUNTS[dialect] ?? null

/** Providers call their counts estimates; a twentieth and a little more is added to them. */
export const withMargin = (counted: number): number => Math.ceil(counted * 1.05) + 64

const ANSWER_BYTES_MAX = 1024 * 1024

export interface CountAsk {
  readonly api: CountApi
  readonly upstream: UpstreamConnections
  readonly model: string
  readonly body: Buffer
  readonly withinMs: number
  /** The request for this body, with the credential that the call itself has. */
  readonly asked: (path: string, body: Buffer) => UpstreamRequest
}

/** Null: the provider gave no count; the bound by bytes stands. */
export const countInput = async (ask: CountAsk, signal: AbortSignal): Promise<number | null> => {
  const request = objectIn(ask.body)
  if (request === null || signal.aborted) return null
  const body = Buffer.from(JSON.stringify(ask.api.body(request, ask.model)))
  const answer = await askOnce(ask, body, signal)
  const counted = answer === null ? null : ask.api.tokens(answer)
  return typeof counted === "number" && Number.isSafeInteger(counted) && counted >= 0
    ? withMargin(counted)
    : null
}

const askOnce = (ask: CountAsk, body: Buffer, signal: AbortSignal): Promise<Json | null> =>
  new Promise((resolve) => {
    let isOver = false
    let status = 0
    let length = 0
    const chunks: Buffer[] = []
    const over = (answer: Json | null): void => {
      isOver = true
      clearTimeout(timer)
      signal.removeEventListener("abort", giveUp)
      resolve(answer)
    }
    const giveUp = (): void => {
      over(null)
      sending.giveUp()
    }
    const timer = setTimeout(giveUp, ask.withinMs)
    signal.addEventListener("abort", giveUp)
    const sending = ask.upstream.send(ask.asked(ask.api.path(ask.model), body), {
      leaves: () => undefined,
      answered: (up) => {
        status = up.status
      },
      data: (chunk) => {
        length += chunk.length
        if (length <= ANSWER_BYTES_MAX) chunks.push(chunk)
        else if (!isOver) giveUp()
      },
      ended: () => over(status === 200 ? objectIn(Buffer.concat(chunks)) : null),
      failed: () => over(null),
    })
  })

const objectIn = (bytes: Buffer): Json | null => {
  try {
    const value: unknown = JSON.parse(bytes.toString("utf8"))
    return isObject(value) ? value : null
  } catch {
    return null
  }
}

const isObject = (value: unknown): value is Json =>
  typeof value === "object" && value !== null && !Array.isArray(value)
