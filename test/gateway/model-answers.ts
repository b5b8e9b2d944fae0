/** What the test's models say in each vendor's words: requests understood, whole answers written. */
import { type Script, type ToolCall, toolCallFor } from "./model-tools.ts"

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
  /** The answer calls this tool; null: it is words alone. */
  readonly tool: ToolCall | null
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

export const understand = (
  api: Api,
  path: string,
  query: string,
  bytes: Buffer,
  script: Script,
): Asked | null => {
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
    tool: toolCallFor(api, body, script),
  }
}

/** A token of text is four bytes. */
export const textOf = (tokens: number): string => "tok ".repeat(tokens)

export const usageOf = (api: Api, { inputTokens, outputTokens }: Billed): Json => {
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

export const repeated = <A>(count: number, each: (index: number) => A): A[] =>
  Array.from({ length: count }, (_, index) => each(index))

export const anthropicToolUse = (id: string, { name, input }: ToolCall): Json => ({
  ...{ type: "tool_use", id: `toolu_${id}`, name, input },
})

export const chatToolCalls = (id: string, { name, input }: ToolCall): readonly Json[] => [
  {
    ...{ index: 0, id: `call_${id}`, type: "function" },
    function: { name, arguments: JSON.stringify(input) },
  },
]

/** What a response is made of: its words, then the tool that it calls. */
export const responseItems = (
  { tool }: Asked,
  id: string,
  text: string,
): readonly [message: Json, ...calls: Json[]] => {
  const content = [{ type: "output_text", text, annotations: [], logprobs: [] }]
  const done = { status: "completed" }
  return [
    { type: "message", id: `msg_${id}`, role: "assistant", content, ...done },
    ...(tool === null
      ? []
      : [
          {
            ...{ type: "function_call", id: `fc_${id}`, call_id: `call_${id}`, name: tool.name },
            arguments: JSON.stringify(tool.input),
            ...done,
          },
        ]),
  ]
}

export const responseOf = ({ model }: Asked, id: string): Json => ({
  ...{ id, object: "response", created_at: 1, model, status: "in_progress", error: null },
  ...{ incomplete_details: null, instructions: null, metadata: {}, parallel_tool_calls: true },
  ...{ temperature: 1, top_p: 1, tool_choice: "auto", tools: [], output: [], usage: null },
})

export const geminiParts = ({ tool }: Asked, text: string): readonly Json[] => [
  { text },
  ...(tool === null ? [] : [{ functionCall: { name: tool.name, args: tool.input } }]),
]

/** One whole answer. */
export const wholeAnswer = (asked: Asked, id: string, billed: Billed): Json => {
  const { api, model, answers, tool } = asked
  const text = textOf(Math.floor(billed.outputTokens / answers))
  const usage = usageOf(api, billed)
  switch (api) {
    case "anthropic-messages":
      return {
        ...{ id, type: "message", role: "assistant", model },
        content: [{ type: "text", text }, ...(tool === null ? [] : [anthropicToolUse(id, tool)])],
        ...{ stop_reason: tool === null ? "end_turn" : "tool_use", stop_sequence: null, usage },
      }
    case "openai-chat": {
      const calls = tool === null ? {} : { tool_calls: chatToolCalls(id, tool) }
      const message = { role: "assistant", content: text, ...calls }
      const finish_reason = tool === null ? "stop" : "tool_calls"
      const choices = repeated(answers, (index) => ({ index, message, finish_reason }))
      return { id, object: "chat.completion", created: 1, model, choices, usage }
    }
    case "openai-completions": {
      const choices = repeated(answers, (index) => ({ index, text, finish_reason: "stop" }))
      return { id, object: "text_completion", created: 1, model, choices, usage }
    }
    case "openai-responses": {
      const output = responseItems(asked, id, text)
      return { ...responseOf(asked, id), status: "completed", output, usage }
    }
    case "openai-embeddings":
      return {
        ...{ object: "list", data: [{ object: "embedding", index: 0, embedding: [0.5] }] },
        ...{ model, usage },
      }
    case "gemini-generate": {
      const content = { role: "model", parts: geminiParts(asked, text) }
      const candidates = repeated(answers, (index) => ({ content, index, finishReason: "STOP" }))
      return { candidates, usageMetadata: usage, modelVersion: model, responseId: id }
    }
    case "gemini-embed":
      return { embedding: { values: [0.5] }, usageMetadata: usage }
  }
}

export const errorBody = (api: Api, status: number, message: string): Json => {
  if (api === "anthropic-messages") {
    return { type: "error", error: { type: "api_error", message } }
  }
  if (api.startsWith("gemini")) return { error: { code: status, message, status: "UNAVAILABLE" } }
  return { error: { message, type: "server_error", param: null, code: null } }
}
