/** Requests in the shapes that real programs send, trimmed: what a plain call of each API looks like. */
import { REQUEST_SIDES } from "../../../src/gateway/dialects/all.ts"
import type {
  CallPath,
  CallRequest,
  DialectName,
  Json,
  MalformedRequest,
} from "../../../src/gateway/dialects/dialect.ts"

export const PATHS: Readonly<Record<DialectName, CallPath>> = {
  "anthropic-messages": { model: null, streams: false },
  "openai-chat": { model: null, streams: false },
  "openai-completions": { model: null, streams: false },
  "openai-responses": { model: null, streams: false },
  "openai-embeddings": { model: null, streams: false },
  "gemini-generate": { model: "gemini-2.5-flash", streams: true },
  "gemini-embed": { model: "gemini-embedding-001", streams: false },
}

const SCHEMA = {
  type: "object",
  required: ["command"],
  properties: { command: { type: "string" } },
}

/** One call a dialect, bounded in every respect. */
export const PLAIN: Readonly<Record<DialectName, Json>> = {
  "anthropic-messages": {
    model: "claude-sonnet-4-5",
    messages: [
      { role: "user", content: [{ type: "text", text: "list files" }] },
      {
        role: "assistant",
        content: [
          { type: "text", text: "I will run a command." },
          { type: "tool_use", id: "toolu_1", name: "Bash", input: { command: "ls" } },
        ],
      },
      {
        role: "user",
        content: [{ type: "tool_result", tool_use_id: "toolu_1", content: "README" }],
      },
    ],
    system: [{ type: "text", text: "You are an agent.", cache_control: { type: "ephemeral" } }],
    tools: [{ name: "Bash", description: "Runs a command.", input_schema: SCHEMA }],
    metadata: { user_id: "u" },
    max_tokens: 32000,
    thinking: { budget_tokens: 31999, type: "enabled", display: "updates" },
    context_management: { edits: [{ type: "clear_thinking_20251015", keep: "all" }] },
    stream: true,
  },
  "openai-chat": {
    model: "gpt-5.4",
    messages: [
      { role: "system", content: "You are an agent." },
      { role: "user", content: [{ type: "text", text: "list files" }] },
      {
        role: "assistant",
        content: null,
        tool_calls: [{ id: "c", type: "function", function: { name: "bash", arguments: "{}" } }],
      },
      { role: "tool", tool_call_id: "c", content: "README" },
    ],
    tools: [{ type: "function", function: { name: "bash", parameters: SCHEMA } }],
    max_completion_tokens: 8000,
    stream: true,
    stream_options: { include_usage: true },
  },
  "openai-completions": { model: "gpt-3.5-turbo-instruct", prompt: "Once upon", max_tokens: 100 },
  "openai-responses": {
    model: "gpt-5.5",
    stream: true,
    input: [
      { type: "message", role: "user", content: [{ type: "input_text", text: "list files" }] },
      { type: "reasoning", id: "rs_1", summary: [], encrypted_content: "gAAAAABo" },
      { type: "function_call", id: "fc_1", call_id: "c", name: "exec_command", arguments: "{}" },
      { type: "function_call_output", call_id: "c", output: "README" },
    ],
    tools: [
      { type: "function", name: "exec_command", parameters: SCHEMA, strict: false },
      { type: "custom", name: "apply_patch", format: { type: "grammar" } },
      { type: "tool_search", execution: "client", parameters: {} },
    ],
    tool_choice: "auto",
    parallel_tool_calls: true,
    reasoning: { effort: "medium" },
    store: false,
    include: ["reasoning.encrypted_content"],
    prompt_cache_key: "01a2",
    text: { verbosity: "low" },
    client_metadata: { turn: "1" },
  },
  "openai-embeddings": { model: "text-embedding-3-small", input: "a text" },
  "gemini-generate": {
    contents: [
      { role: "user", parts: [{ text: "list files" }] },
      {
        role: "model",
        parts: [{ functionCall: { name: "bash", args: {} }, thoughtSignature: "c2ln" }],
      },
      { role: "user", parts: [{ functionResponse: { name: "bash", response: { output: "a" } } }] },
    ],
    systemInstruction: { role: "user", parts: [{ text: "You are an agent." }] },
    tools: [{ functionDeclarations: [{ name: "bash", parametersJsonSchema: SCHEMA }] }],
    generationConfig: {
      temperature: 1,
      topP: 0.95,
      topK: 64,
      thinkingConfig: { includeThoughts: true, thinkingBudget: 8192 },
    },
  },
  "gemini-embed": {
    requests: [
      { model: "models/gemini-embedding-001", content: { parts: [{ text: "one" }] } },
      { model: "models/gemini-embedding-001", content: { parts: [{ text: "two" }] } },
    ],
  },
}

export const DIALECTS = Object.keys(PLAIN).filter((name): name is DialectName => name in PLAIN)

/** Bytes and text as they are, a value as JSON. */
export const bytesOf = (body: unknown): Buffer => {
  if (Buffer.isBuffer(body)) return body
  return Buffer.from(typeof body === "string" ? body : JSON.stringify(body))
}

export const readAs = (
  dialect: DialectName,
  body: unknown,
  path: CallPath = PATHS[dialect],
): CallRequest | MalformedRequest => REQUEST_SIDES[dialect].read(bytesOf(body), path)

/** For bodies that must be readable. */
export const callOf = (dialect: DialectName, body: unknown, path?: CallPath): CallRequest => {
  const read = readAs(dialect, body, path)
  if ("malformed" in read) throw new Error(`${dialect}: ${read.malformed}`)
  return read
}

/** What is wrong with a body; "" for one that can be read. */
export const malformed = (dialect: DialectName, body: unknown, path?: CallPath): string => {
  const read = readAs(dialect, body, path)
  return "malformed" in read ? read.malformed : ""
}
