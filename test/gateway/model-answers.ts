/** What the test's models say in each vendor's words: requests understood, answers written. */

export type Json = Readonly<Record<string, unknown>>

export type Api =
  | "anthropic-messages"
  | "openai-chat"
  | "openai-completions"
  | "openai-responses"
  | "openai-embeddings"
  | "gemini-generate"
  | "gemini-embed"

/** What a provider would bill. */
export interface Billed {
  readonly inputTokens: number
  readonly outputTokens: number
}

export interface Asked {
  readonly api: Api
  readonly model: string
  readonly streams: boolean
  /** Gemini's own stream without `alt=sse` is one JSON list. */
  readonly asList: boolean
  readonly cap: number | null
  readonly answers: number
  readonly wantsUsage: boolean
  readonly inputTokens: number
}

export const isObject = (value: unknown): value is Json =>
  typeof value === "object" && value !== null && !Array.isArray(value)

const numberIn = (value: unknown, name: string): number | null => {
  const found = isObject(value) ? value[name] : undefined
  return typeof found === "number" ? found : null
}

/** This provider's tokenizer: four bytes of the body are a token. */
export const countTokens = (body: Buffer): number => Math.ceil(body.length / 4)

const CAPS: Readonly<Record<Api, (body: Json) => number | null>> = {
  "anthropic-messages": (body) => numberIn(body, "max_tokens"),
  "openai-chat": (body) => numberIn(body, "max_completion_tokens") ?? numberIn(body, "max_tokens"),
  "openai-completions": (body) => numberIn(body, "max_tokens") ?? 16,
  "openai-responses": (body) => numberIn(body, "max_output_tokens"),
  "openai-embeddings": () => 0,
  "gemini-generate": (body) => numberIn(body.generationConfig, "maxOutputTokens"),
  "gemini-embed": () => 0,
}

const answersOf = (api: Api, body: Json): number => {
  if (api === "gemini-generate") return numberIn(body.generationConfig, "candidateCount") ?? 1
  const isCompletion = api === "openai-completions"
  const best = isCompletion ? (numberIn(body, "best_of") ?? 1) : 1
  return Math.max(best, numberIn(body, "n") ?? 1)
}

export const understand = (api: Api, path: string, query: string, bytes: Buffer): Asked | null => {
  const body: unknown = JSON.parse(bytes.toString("utf8"))
  if (!isObject(body)) return null
  const named = /models\/([^:]+):/.exec(path)?.[1]
  const streams = named === undefined ? body.stream === true : path.includes(":stream")
  return {
    api,
    model: named ?? (typeof body.model === "string" ? body.model : ""),
    streams,
    asList: named !== undefined && streams && !query.includes("alt=sse"),
    cap: CAPS[api](body),
    answers: answersOf(api, body),
    wantsUsage: isObject(body.stream_options) && body.stream_options.include_usage === true,
    inputTokens: countTokens(bytes),
  }
}

/** A token of text is four bytes. */
export const textOf = (tokens: number): string => "tok ".repeat(tokens)

const usageOf = (api: Api, { inputTokens, outputTokens }: Billed): Json => {
  switch (api) {
    case "anthropic-messages":
      return {
        input_tokens: inputTokens,
        cache_creation_input_tokens: 0,
        cache_read_input_tokens: 0,
        output_tokens: outputTokens,
      }
    case "openai-responses":
      return {
        input_tokens: inputTokens,
        input_tokens_details: { cached_tokens: 0 },
        output_tokens: outputTokens,
        output_tokens_details: { reasoning_tokens: 0 },
        total_tokens: inputTokens + outputTokens,
      }
    case "gemini-generate":
    case "gemini-embed":
      return {
        promptTokenCount: inputTokens,
        candidatesTokenCount: outputTokens,
        totalTokenCount: inputTokens + outputTokens,
      }
    case "openai-embeddings":
      return { prompt_tokens: inputTokens, total_tokens: inputTokens }
    default:
      return {
        prompt_tokens: inputTokens,
        completion_tokens: outputTokens,
        total_tokens: inputTokens + outputTokens,
        prompt_tokens_details: { cached_tokens: 0 },
      }
  }
}

const repeated = <A>(count: number, each: (index: number) => A): A[] =>
  Array.from({ length: count }, (_, index) => each(index))

/** One whole answer. */
export const wholeAnswer = (asked: Asked, id: string, billed: Billed): Json => {
  const { api, model, answers } = asked
  const text = textOf(Math.floor(billed.outputTokens / answers))
  const usage = usageOf(api, billed)
  switch (api) {
    case "anthropic-messages":
      return {
        ...{ id, type: "message", role: "assistant", model },
        ...{
          content: [{ type: "text", text }],
          stop_reason: "end_turn",
          stop_sequence: null,
          usage,
        },
      }
    case "openai-chat": {
      const message = { role: "assistant", content: text }
      const choices = repeated(answers, (index) => ({ index, message, finish_reason: "stop" }))
      return { id, object: "chat.completion", created: 1, model, choices, usage }
    }
    case "openai-completions": {
      const choices = repeated(answers, (index) => ({ index, text, finish_reason: "stop" }))
      return { id, object: "text_completion", created: 1, model, choices, usage }
    }
    case "openai-responses": {
      const content = [{ type: "output_text", text, annotations: [] }]
      const output = [{ type: "message", id: `${id}-0`, role: "assistant", content }]
      return { id, object: "response", status: "completed", model, output, usage }
    }
    case "openai-embeddings":
      return {
        ...{ object: "list", data: [{ object: "embedding", index: 0, embedding: [0.5] }] },
        ...{ model, usage },
      }
    case "gemini-generate": {
      const content = { role: "model", parts: [{ text }] }
      const candidates = repeated(answers, (index) => ({ content, index, finishReason: "STOP" }))
      return { candidates, usageMetadata: usage, modelVersion: model, responseId: id }
    }
    case "gemini-embed":
      return { embedding: { values: [0.5] }, usageMetadata: usage }
  }
}

const event = (data: unknown, name?: string): string =>
  `${name === undefined ? "" : `event: ${name}\n`}data: ${JSON.stringify(data)}\n\n`

const named = (data: Json): string => event(data, String(data.type))

/** Pieces of a stream; each says how many output tokens have been made when it is sent. */
export interface Piece {
  readonly text: string
  readonly outputTokens: number
}

const TOKENS_A_PIECE = 10

/** The answer's tokens, a few at a time. */
const steps = (tokens: number): readonly number[] =>
  repeated(Math.ceil(tokens / TOKENS_A_PIECE), (at) =>
    Math.min(TOKENS_A_PIECE, tokens - at * TOKENS_A_PIECE),
  )

export const streamedAnswer = (asked: Asked, id: string, billed: Billed): readonly Piece[] => {
  const { head, delta, tail } = streamWords(asked, id, billed)
  let made = 0
  const deltas = steps(billed.outputTokens).map((tokens) => {
    made += tokens
    return { text: delta(textOf(tokens), made), outputTokens: made }
  })
  return [
    ...head.map((text) => ({ text, outputTokens: 0 })),
    ...deltas,
    ...tail.map((text) => ({ text, outputTokens: billed.outputTokens })),
  ]
}

interface StreamWords {
  readonly head: readonly string[]
  readonly delta: (text: string, made: number) => string
  readonly tail: readonly string[]
}

const streamWords = (asked: Asked, id: string, billed: Billed): StreamWords => {
  const { api, model } = asked
  const usage = usageOf(api, billed)
  if (api === "anthropic-messages") return anthropicWords(asked, id, billed)
  if (api === "openai-responses") {
    const response = { id, object: "response", status: "in_progress", model, usage: null }
    const done = wholeAnswer(asked, id, billed)
    return {
      head: [named({ type: "response.created", response })],
      delta: (text) =>
        named({ type: "response.output_text.delta", item_id: `${id}-0`, delta: text }),
      tail: [named({ type: "response.completed", response: done })],
    }
  }
  if (api === "gemini-generate") return geminiWords(asked, id, billed)
  const chunk = (choices: readonly unknown[], rest: Json = {}): string =>
    event({ id, object: "chat.completion.chunk", created: 1, model, choices, ...rest })
  const isChat = api === "openai-chat"
  return {
    head: isChat ? [chunk([{ index: 0, delta: { role: "assistant", content: "" } }])] : [],
    delta: (text) =>
      chunk([{ index: 0, ...(isChat ? { delta: { content: text } } : { text }) }], {
        ...(asked.wantsUsage ? { usage: null } : {}),
      }),
    tail: [
      chunk([{ index: 0, ...(isChat ? { delta: {} } : { text: "" }), finish_reason: "stop" }]),
      ...(asked.wantsUsage ? [chunk([], { usage })] : []),
      "data: [DONE]\n\n",
    ],
  }
}

const anthropicWords = ({ model }: Asked, id: string, billed: Billed): StreamWords => {
  const begun = usageOf("anthropic-messages", { ...billed, outputTokens: 1 })
  const message = { id, type: "message", role: "assistant", model, content: [], usage: begun }
  return {
    head: [
      named({ type: "message_start", message }),
      named({ type: "content_block_start", index: 0, content_block: { type: "text", text: "" } }),
      named({ type: "ping" }),
    ],
    delta: (text) =>
      named({ type: "content_block_delta", index: 0, delta: { type: "text_delta", text } }),
    tail: [
      named({ type: "content_block_stop", index: 0 }),
      named({
        type: "message_delta",
        delta: { stop_reason: "end_turn", stop_sequence: null },
        usage: { output_tokens: billed.outputTokens },
      }),
      named({ type: "message_stop" }),
    ],
  }
}

/** With `alt=sse` as events, without it as one list that grows. */
const geminiWords = ({ model, asList }: Asked, id: string, billed: Billed): StreamWords => {
  const say = (text: string, made: number, finishReason?: string): Json => ({
    candidates: [{ content: { role: "model", parts: [{ text }] }, index: 0, finishReason }],
    usageMetadata: usageOf("gemini-generate", { ...billed, outputTokens: made }),
    modelVersion: model,
    responseId: id,
  })
  if (!asList) {
    return {
      head: [],
      delta: (text, made) => event(say(text, made)),
      tail: [event(say("", billed.outputTokens, "STOP"))],
    }
  }
  return {
    head: ["["],
    delta: (text, made) => `${JSON.stringify(say(text, made))}\n,\r\n`,
    tail: [`${JSON.stringify(say("", billed.outputTokens, "STOP"))}]`],
  }
}

export const errorBody = (api: Api, status: number, message: string): Json => {
  if (api === "anthropic-messages") {
    return { type: "error", error: { type: "api_error", message } }
  }
  if (api.startsWith("gemini")) return { error: { code: status, message, status: "UNAVAILABLE" } }
  return { error: { message, type: "server_error", param: null, code: null } }
}

/** An error inside a stream that began well. */
export const errorEvent = (api: Api): string => {
  const body = errorBody(api, 529, "overloaded")
  return api === "anthropic-messages" ? event(body, "error") : event(body)
}
