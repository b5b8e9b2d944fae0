/** Requests of a storm: every text API, with and without caps, streamed and whole, of random size. */
import type { SeededRandom } from "../../simulation/seeded-random.ts"

export interface PlannedRequest {
  readonly provider: "anthropic" | "openai" | "google"
  readonly path: (model: string) => string
  readonly body: (model: string) => string
}

interface Wish {
  readonly text: string
  readonly streams: boolean
  /** Null: no cap at all. */
  readonly cap: number | null
  /** Null: not said. */
  readonly answers: number | null
  readonly random: SeededRandom
}

export const planRequest = (random: SeededRandom): PlannedRequest => {
  const wish = {
    text: planText(random),
    streams: random.chance(55),
    cap: random.pick([null, 1, 1 + random.below(400), 600, 5_000, 1_000_000]),
    answers: random.chance(70) ? null : 1 + random.below(4),
    random,
  }
  return random.pick([anthropic, chat, responses, gemini, completions])(wish)
}

const WORDS = [
  "a",
  "budget ",
  "of ",
  "tokens, ",
  "\n",
  '"quoted" ',
  "質問",
  "é",
  "🙂",
  "0123456789",
]

const planText = (random: SeededRandom): string =>
  Array.from({ length: 1 + random.below(80) }, () => random.oneOf(WORDS)).join("")

const given = (name: string, value: unknown): Record<string, unknown> =>
  value === null ? {} : { [name]: value }

/** This API demands a cap. */
const anthropic = ({ text, streams, cap }: Wish): PlannedRequest => {
  const messages = [{ role: "user", content: text }]
  const rest = { max_tokens: cap ?? 700, messages, ...given("stream", streams || null) }
  return {
    provider: "anthropic",
    path: () => "/v1/messages",
    body: (model) => JSON.stringify({ model, ...rest }),
  }
}

const chat = ({ text, streams, cap, answers, random }: Wish): PlannedRequest => {
  const asksUsage = streams && random.chance(30)
  const rest = {
    messages: [{ role: "user", content: text }],
    ...given(random.pick(["max_tokens", "max_completion_tokens"]), cap),
    ...given("n", answers),
    ...given("stream", streams || null),
    ...given("stream_options", asksUsage ? { include_usage: true } : null),
  }
  return {
    provider: "openai",
    path: () => "/v1/chat/completions",
    body: (model) => JSON.stringify({ model, ...rest }),
  }
}

const completions = ({ text, streams, cap, answers, random }: Wish): PlannedRequest => {
  const best = answers === null || streams || random.chance(50) ? null : answers + random.below(2)
  const rest = {
    prompt: text,
    ...given("max_tokens", cap),
    ...given("n", answers),
    ...given("best_of", best),
    ...given("stream", streams || null),
  }
  return {
    provider: "openai",
    path: () => "/v1/completions",
    body: (model) => JSON.stringify({ model, ...rest }),
  }
}

const responses = ({ text, streams, cap }: Wish): PlannedRequest => {
  const rest = {
    input: text,
    ...given("max_output_tokens", cap),
    ...given("stream", streams || null),
  }
  return {
    provider: "openai",
    path: () => "/v1/responses",
    body: (model) => JSON.stringify({ model, ...rest }),
  }
}

const gemini = ({ text, streams, cap, answers, random }: Wish): PlannedRequest => {
  const count = streams ? null : answers
  const config = { ...given("maxOutputTokens", cap), ...given("candidateCount", count) }
  const method = streams ? "streamGenerateContent" : "generateContent"
  const query = streams && random.chance(70) ? "?alt=sse" : ""
  const rest = {
    contents: [{ role: "user", parts: [{ text }] }],
    ...(Object.keys(config).length > 0 ? { generationConfig: config } : {}),
  }
  return {
    provider: "google",
    path: (model) => `/v1beta/models/${model}:${method}${query}`,
    body: () => JSON.stringify(rest),
  }
}

const INPUTS = ["messages", "prompt", "input", "contents", "system", "systemInstruction"] as const

/** Bytes of all text that goes into the model. */
export const textBytes = (body: Buffer): number => {
  const request: unknown = JSON.parse(body.toString("utf8"))
  if (typeof request !== "object" || request === null) return 0
  const said = new Map(Object.entries(request))
  return INPUTS.reduce((sum, name) => sum + bytesIn(said.get(name)), 0)
}

const bytesIn = (value: unknown): number => {
  if (typeof value === "string") return Buffer.byteLength(value)
  if (typeof value !== "object" || value === null) return 0
  return Object.values(value).reduce((sum: number, part) => sum + bytesIn(part), 0)
}
