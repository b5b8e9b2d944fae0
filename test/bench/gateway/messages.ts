/** What the bench of the gateway sends and gets: requests of two sizes, and their fixed answers. */

export type Shape = "JSON" | "SSE"
export type Size = "700 B" | "88 KB"

/** In the prompt of a stream whose words after the first come later: for the first byte alone. */
export const PACED = "word by word"

const MODEL = "claude-sonnet-4-5"
const LARGE_TURNS = 38

/** As an agent's turn reads a file: lines, quotes, tabs, now and then a sign beyond ASCII. */
const FILE = Array.from(
  { length: 26 },
  (_, line) => `\t${line}: const answer${line} = read("file-${line}.ts") // → see the “notes”\n`,
).join("")

const turns = (count: number): readonly unknown[] =>
  Array.from({ length: count }, (_, turn) => [
    {
      role: "assistant",
      content: [{ type: "tool_use", id: `toolu_${turn}`, name: "read", input: { path: "a.ts" } }],
    },
    {
      role: "user",
      content: [{ type: "tool_result", tool_use_id: `toolu_${turn}`, content: FILE }],
    },
  ]).flat()

export const requestBody = (shape: Shape, size: Size, isPaced = false): Buffer => {
  const words = `Fix the test that fails. ${isPaced ? PACED : ""}`
  const first = { role: "user", content: size === "88 KB" ? words : words.padEnd(520, " and") }
  const messages = size === "88 KB" ? [first, ...turns(LARGE_TURNS)] : [first]
  const system = "You are a careful programmer."
  const rest = { max_tokens: 1_024, ...(shape === "SSE" ? { stream: true } : {}), system, messages }
  return Buffer.from(JSON.stringify({ model: MODEL, ...rest }))
}

const USAGE = { input_tokens: 100, cache_creation_input_tokens: 0, cache_read_input_tokens: 50 }
const HEAD = { id: "msg_1", type: "message", role: "assistant", model: MODEL }
const WORDS = Array.from({ length: 20 }, (_, at) => `Some words of answer number ${at}. `)

export const WHOLE_ANSWER: Buffer = Buffer.from(
  JSON.stringify({
    ...HEAD,
    content: [{ type: "text", text: WORDS.join("") }],
    stop_reason: "end_turn",
    stop_sequence: null,
    usage: { ...USAGE, output_tokens: 120 },
  }),
)

const event = (said: { readonly type: string; readonly [name: string]: unknown }): string =>
  `event: ${said.type}\ndata: ${JSON.stringify(said)}\n\n`

export const FIRST_EVENT: Buffer = Buffer.from(
  event({
    type: "message_start",
    message: { ...HEAD, content: [], stop_reason: null, usage: { ...USAGE, output_tokens: 1 } },
  }),
)

export const OTHER_EVENTS: Buffer = Buffer.from(
  [
    event({ type: "content_block_start", index: 0, content_block: { type: "text", text: "" } }),
    ...WORDS.map((text) =>
      event({ type: "content_block_delta", index: 0, delta: { type: "text_delta", text } }),
    ),
    event({ type: "content_block_stop", index: 0 }),
    event({
      type: "message_delta",
      delta: { stop_reason: "end_turn", stop_sequence: null },
      usage: { output_tokens: 120 },
    }),
    event({ type: "message_stop" }),
  ].join(""),
)
