/** What the test's models say as streams, a few tokens a piece, in each vendor's words. */
import {
  type Api,
  type Asked,
  anthropicToolUse,
  type Billed,
  chatToolCalls,
  errorBody,
  geminiParts,
  type Json,
  repeated,
  responseItems,
  responseOf,
  textOf,
  usageOf,
  wholeAnswer,
} from "./model-answers.ts"
import type { ToolCall } from "./model-tools.ts"

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
  const { api, model, tool } = asked
  const usage = usageOf(api, billed)
  if (api === "anthropic-messages") return anthropicWords(asked, id, billed)
  if (api === "openai-responses") return responsesWords(asked, id, billed)
  if (api === "gemini-generate") return geminiWords(asked, id, billed)
  const chunk = (choices: readonly unknown[], rest: Json = {}): string =>
    event({ id, object: "chat.completion.chunk", created: 1, model, choices, ...rest })
  const isChat = api === "openai-chat"
  const finish_reason = tool === null ? "stop" : "tool_calls"
  return {
    head: isChat ? [chunk([{ index: 0, delta: { role: "assistant", content: "" } }])] : [],
    delta: (text) =>
      chunk([{ index: 0, ...(isChat ? { delta: { content: text } } : { text }) }], {
        ...(asked.wantsUsage ? { usage: null } : {}),
      }),
    tail: [
      ...(tool === null
        ? []
        : [chunk([{ index: 0, delta: { tool_calls: chatToolCalls(id, tool) } }])]),
      chunk([{ index: 0, ...(isChat ? { delta: {} } : { text: "" }), finish_reason }]),
      ...(asked.wantsUsage ? [chunk([], { usage })] : []),
      "data: [DONE]\n\n",
    ],
  }
}

const anthropicWords = ({ model, tool }: Asked, id: string, billed: Billed): StreamWords => {
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
      ...(tool === null ? [] : anthropicToolWords(id, tool)),
      named({
        type: "message_delta",
        delta: { stop_reason: tool === null ? "end_turn" : "tool_use", stop_sequence: null },
        usage: { output_tokens: billed.outputTokens },
      }),
      named({ type: "message_stop" }),
    ],
  }
}

const anthropicToolWords = (id: string, tool: ToolCall): readonly string[] => [
  named({
    ...{ type: "content_block_start", index: 1 },
    content_block: { ...anthropicToolUse(id, tool), input: {} },
  }),
  named({
    ...{ type: "content_block_delta", index: 1 },
    delta: { type: "input_json_delta", partial_json: JSON.stringify(tool.input) },
  }),
  named({ type: "content_block_stop", index: 1 }),
]

const responsesWords = (asked: Asked, id: string, billed: Billed): StreamWords => {
  let nextNumber = 0
  const say = (type: string, rest: Json): string => {
    nextNumber += 1
    return named({ type, sequence_number: nextNumber, ...rest })
  }
  const [message, ...calls] = responseItems(asked, id, textOf(billed.outputTokens))
  const begun = (item: Json): Json => ({ ...item, status: "in_progress" })
  const at = { item_id: message.id, output_index: 0, content_index: 0 }
  const part = { type: "output_text", text: "", annotations: [], logprobs: [] }
  return {
    head: [
      say("response.created", { response: responseOf(asked, id) }),
      say("response.output_item.added", {
        output_index: 0,
        item: begun({ ...message, content: [] }),
      }),
      say("response.content_part.added", { ...at, part }),
    ],
    delta: (text) => say("response.output_text.delta", { ...at, delta: text, logprobs: [] }),
    tail: [
      say("response.output_item.done", { output_index: 0, item: message }),
      ...calls.flatMap((item) => [
        say("response.output_item.added", {
          output_index: 1,
          item: begun({ ...item, arguments: "" }),
        }),
        say("response.function_call_arguments.delta", {
          ...{ item_id: item.id, output_index: 1, delta: item.arguments },
        }),
        say("response.function_call_arguments.done", {
          ...{ item_id: item.id, output_index: 1, arguments: item.arguments, name: item.name },
        }),
        say("response.output_item.done", { output_index: 1, item }),
      ]),
      say("response.completed", { response: wholeAnswer(asked, id, billed) }),
    ],
  }
}

/** With `alt=sse` as events, without it as one list that grows. */
const geminiWords = (asked: Asked, id: string, billed: Billed): StreamWords => {
  const { model, asList } = asked
  const said = (parts: readonly Json[], made: number, finishReason?: string): Json => ({
    candidates: [{ content: { role: "model", parts }, index: 0, finishReason }],
    usageMetadata: usageOf("gemini-generate", { ...billed, outputTokens: made }),
    modelVersion: model,
    responseId: id,
  })
  const say = (text: string, made: number): Json => said([{ text }], made)
  const last = said(geminiParts(asked, ""), billed.outputTokens, "STOP")
  if (!asList) {
    return {
      head: [],
      delta: (text, made) => event(say(text, made)),
      tail: [event(last)],
    }
  }
  return {
    head: ["["],
    delta: (text, made) => `${JSON.stringify(say(text, made))}\n,\r\n`,
    tail: [`${JSON.stringify(last)}]`],
  }
}

/** An error inside a stream that began well. */
export const errorEvent = (api: Api): string => {
  if (api === "openai-responses") {
    return named({ type: "error", code: "server_error", message: "overloaded", param: null })
  }
  const body = errorBody(api, 529, "overloaded")
  return api === "anthropic-messages" ? event(body, "error") : event(body)
}
