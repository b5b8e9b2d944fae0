/** Small streams in the shapes of each API, with what was to be counted of them. */
import type { Usage } from "../../../machines/vocabulary.ts"
import { events, namedEvents } from "../answers.ts"
import type { Shape } from "./stage.ts"

export interface Fixture {
  readonly name: string
  readonly shape: Shape
  readonly bytes: Buffer
  /** Null: the stream never says. */
  readonly usage: Usage | null
}

const usage = (input: number, output: number, cacheRead = 0, cacheWrite = 0): Usage => ({
  inputTokens: input,
  outputTokens: output,
  cacheReadTokens: cacheRead,
  cacheWriteTokens: cacheWrite,
})

const MESSAGES = namedEvents(
  {
    type: "message_start",
    message: {
      id: "msg_1",
      model: "m",
      usage: {
        input_tokens: 25,
        cache_creation_input_tokens: 7,
        cache_read_input_tokens: 90,
        output_tokens: 1,
      },
    },
  },
  { type: "content_block_start", index: 0, content_block: { type: "text", text: "" } },
  { type: "content_block_delta", index: 0, delta: { type: "text_delta", text: "質問 é 🙂" } },
  { type: "message_delta", delta: { stop_reason: "end_turn" }, usage: { output_tokens: 15 } },
  { type: "message_stop" },
)

const ANSWER = { id: "c1", model: "m" }
const COUNTS = {
  prompt_tokens: 40,
  completion_tokens: 12,
  total_tokens: 52,
  prompt_tokens_details: { cached_tokens: 30 },
}

const CHAT = events(
  { ...ANSWER, choices: [{ index: 0, delta: { role: "assistant", content: "質問" } }] },
  { ...ANSWER, choices: [{ index: 0, delta: {}, finish_reason: "stop" }] },
  { ...ANSWER, choices: [], usage: COUNTS },
  "[DONE]",
)

const COMPLETIONS = events(
  { ...ANSWER, choices: [{ index: 0, text: "🙂", finish_reason: "stop" }] },
  { ...ANSWER, choices: [], usage: COUNTS },
  "[DONE]",
)

const RESPONSES = namedEvents(
  { type: "response.created", response: { id: "r1", model: "m", usage: null } },
  { type: "response.output_text.delta", item_id: "i1", delta: "質問" },
  {
    type: "response.completed",
    response: {
      id: "r1",
      model: "m",
      status: "completed",
      usage: {
        input_tokens: 60,
        input_tokens_details: { cached_tokens: 20 },
        output_tokens: 33,
        output_tokens_details: { reasoning_tokens: 10 },
        total_tokens: 93,
      },
    },
  },
)

const part = (text: string, more: object = {}) => ({
  candidates: [{ content: { role: "model", parts: [{ text }] }, index: 0, ...more }],
})

const GEMINI = events(
  { ...part("é"), usageMetadata: { promptTokenCount: 11, totalTokenCount: 11 } },
  {
    ...part("🙂", { finishReason: "STOP" }),
    usageMetadata: {
      promptTokenCount: 11,
      candidatesTokenCount: 4,
      thoughtsTokenCount: 5,
      totalTokenCount: 20,
    },
    modelVersion: "m",
    responseId: "g1",
  },
)

const fixture = (name: string, shape: Shape, text: string, counted: Usage): Fixture => ({
  name,
  shape,
  bytes: Buffer.from(text),
  usage: counted,
})

const crlf = (text: string): string => text.replaceAll("\n", "\r\n")

export const FIXTURES: readonly Fixture[] = [
  fixture("a message", "messages", MESSAGES, usage(25, 15, 90, 7)),
  fixture("a chat", "chat", CHAT, usage(10, 12, 30)),
  fixture("a completion", "completions", COMPLETIONS, usage(10, 12, 30)),
  fixture("a response", "responses", RESPONSES, usage(40, 33, 20)),
  fixture("Gemini's", "gemini", crlf(GEMINI), usage(11, 9)),
]
