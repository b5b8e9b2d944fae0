/**
 * A model on the loopback that works by script: as long as it is offered tools and has seen fewer
 * than `toolCalls` results it calls the shell, then it says that it is done. It speaks to Anthropic's,
 * OpenAI's and Google's clients below any path, bills every call the same, and keeps a log.
 */
import { createServer, type IncomingHttpHeaders, type ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"
import { zstdDecompressSync } from "node:zlib"

type Json = Readonly<Record<string, unknown>>

export interface Served {
  readonly method: string
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly isModelCall: boolean
}

export interface ScriptedModel {
  readonly address: string
  readonly served: readonly Served[]
  /** What the shell is asked to do, and how often. */
  readonly script: { command: string; toolCalls: number }
  readonly close: () => Promise<void>
}

/** Billed for each call, by the provider's own words. */
export const BILLED = { input: 1000, output: 50, cacheRead: 200, cacheWrite: 300, thought: 10 }

export const startScriptedModel = async (): Promise<ScriptedModel> => {
  const served: Served[] = []
  const script = { command: "echo hello", toolCalls: 2 }
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on("data", (chunk: Buffer) => chunks.push(chunk))
    request.on("end", () => {
      const { method = "", url = "", headers } = request
      const path = url.split("?")[0] ?? ""
      const answer = method === "POST" ? ANSWERS.find(([end]) => end.test(path))?.[1] : undefined
      served.push({ method, path, headers, isModelCall: answer !== undefined })
      const body = Buffer.concat(chunks)
      if (answer === undefined) return send(response, { data: [], models: [], input_tokens: 1000 })
      const isZstd = headers["content-encoding"] === "zstd"
      const asked = JSON.parse((isZstd ? zstdDecompressSync(body) : body).toString()) as Json
      answer(asked, script, response, path)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  const { port } = server.address() as AddressInfo
  return {
    address: `http://127.0.0.1:${port}`,
    served,
    script,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

type Answer = (
  asked: Json,
  script: ScriptedModel["script"],
  response: ServerResponse,
  path: string,
) => void

const send = (response: ServerResponse, body: object): void => {
  response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(body))
}

const stream = (response: ServerResponse, events: readonly Json[], named: boolean): void => {
  response.writeHead(200, { "content-type": "text/event-stream" })
  for (const event of events)
    response.write(
      `${named ? `event: ${String(event.type)}\n` : ""}data: ${JSON.stringify(event)}\n\n`,
    )
  response.end()
}

interface Tool {
  readonly name: string
  readonly properties: Json
}

const SHELLS = ["Bash", "bash", "exec_command", "shell_command", "shell", "run_shell_command"]

const listOf = (value: unknown): readonly Json[] => (Array.isArray(value) ? value : [])
const mapOf = (value: unknown): Json => (typeof value === "object" && value ? (value as Json) : {})

const toolOf = (name: unknown, schema: unknown): readonly Tool[] =>
  typeof name === "string" ? [{ name, properties: mapOf(mapOf(schema).properties) }] : []

/** The arguments for the shell; null when it is time to say that all is done. */
const shellCall = (
  tools: readonly Tool[],
  results: number,
  { command, toolCalls }: ScriptedModel["script"],
): { readonly name: string; readonly input: Json } | null => {
  const tool = tools.find(({ name }) => SHELLS.includes(name))
  if (tool === undefined || results >= toolCalls) return null
  const key = "cmd" in tool.properties ? "cmd" : "command"
  const isList = mapOf(tool.properties[key]).type === "array"
  const described = "description" in tool.properties ? { description: "run it" } : {}
  return {
    name: tool.name,
    input: { [key]: isList ? ["bash", "-c", command] : command, ...described },
  }
}

const DONE = "All done."
let nextId = 0
const idOf = (prefix: string): string => {
  nextId += 1
  return `${prefix}_${nextId}`
}

const anthropic: Answer = (asked, script, response) => {
  const tools = listOf(asked.tools).flatMap((tool) => toolOf(tool.name, tool.input_schema))
  const contents = listOf(asked.messages).flatMap(({ content }) => listOf(content))
  const call = shellCall(
    tools,
    contents.filter(({ type }) => type === "tool_result").length,
    script,
  )
  const usage = {
    input_tokens: BILLED.input,
    cache_creation_input_tokens: BILLED.cacheWrite,
    cache_read_input_tokens: BILLED.cacheRead,
  }
  const message = { id: idOf("msg"), type: "message", role: "assistant", model: asked.model }
  const block =
    call === null ? { type: "text", text: DONE } : { type: "tool_use", id: idOf("toolu"), ...call }
  const stop_reason = call === null ? "end_turn" : "tool_use"
  if (asked.stream !== true)
    return send(response, {
      ...message,
      content: [block],
      stop_reason,
      usage: { ...usage, output_tokens: BILLED.output },
    })
  const delta =
    call === null
      ? { type: "text_delta", text: DONE }
      : { type: "input_json_delta", partial_json: JSON.stringify(call.input) }
  const opened = call === null ? { type: "text", text: "" } : { ...block, input: {} }
  stream(
    response,
    [
      {
        type: "message_start",
        message: {
          ...message,
          content: [],
          stop_reason: null,
          usage: { ...usage, output_tokens: 1 },
        },
      },
      { type: "content_block_start", index: 0, content_block: opened },
      { type: "content_block_delta", index: 0, delta },
      { type: "content_block_stop", index: 0 },
      { type: "message_delta", delta: { stop_reason }, usage: { output_tokens: BILLED.output } },
      { type: "message_stop" },
    ],
    true,
  )
}

const responses: Answer = (asked, script, response) => {
  const tools = listOf(asked.tools).flatMap((tool) => toolOf(tool.name, tool.parameters))
  const results = listOf(asked.input).filter(({ type }) => type === "function_call_output").length
  const call = shellCall(tools, results, script)
  const item =
    call === null
      ? {
          id: idOf("msg"),
          type: "message",
          role: "assistant",
          status: "completed",
          content: [{ type: "output_text", text: DONE, annotations: [] }],
        }
      : {
          id: idOf("fc"),
          type: "function_call",
          status: "completed",
          call_id: idOf("call"),
          name: call.name,
          arguments: JSON.stringify(call.input),
        }
  const whole = {
    id: idOf("resp"),
    object: "response",
    created_at: 1,
    model: asked.model,
    status: "completed",
    output: [item],
    usage: {
      input_tokens: BILLED.input,
      input_tokens_details: { cached_tokens: BILLED.cacheRead },
      output_tokens: BILLED.output,
      output_tokens_details: { reasoning_tokens: BILLED.thought },
      total_tokens: BILLED.input + BILLED.output,
    },
  }
  stream(
    response,
    [
      {
        type: "response.created",
        response: { ...whole, status: "in_progress", output: [], usage: null },
      },
      {
        type: "response.output_item.added",
        output_index: 0,
        item: { ...item, status: "in_progress" },
      },
      { type: "response.output_item.done", output_index: 0, item },
      { type: "response.completed", response: whole },
    ],
    true,
  )
}

const gemini: Answer = (asked, script, response, path) => {
  const tools = listOf(asked.tools).flatMap(({ functionDeclarations }) =>
    listOf(functionDeclarations).flatMap((tool) => toolOf(tool.name, tool.parametersJsonSchema)),
  )
  const parts = listOf(asked.contents).flatMap((content) => listOf(content.parts))
  const results = parts.filter(({ functionResponse }) => functionResponse !== undefined).length
  const call = shellCall(tools, results, script)
  const part =
    call === null ? { text: DONE } : { functionCall: { name: call.name, args: call.input } }
  const body = {
    candidates: [{ index: 0, content: { role: "model", parts: [part] }, finishReason: "STOP" }],
    usageMetadata: {
      promptTokenCount: BILLED.input,
      cachedContentTokenCount: BILLED.cacheRead,
      candidatesTokenCount: BILLED.output,
      thoughtsTokenCount: BILLED.thought,
      totalTokenCount: BILLED.input + BILLED.output + BILLED.thought,
    },
    modelVersion: "scripted",
    responseId: idOf("r"),
  }
  if (path.endsWith(":streamGenerateContent")) stream(response, [body], false)
  else send(response, body)
}

const ANSWERS: readonly (readonly [end: RegExp, answer: Answer])[] = [
  [/\/messages$/, anthropic],
  [/\/responses$/, responses],
  [/:(?:streamGenerateContent|generateContent)$/, gemini],
]
