/**
 * Whether the test's model calls a tool: as long as it is offered some and has seen fewer results
 * than its script says. It takes a shell where it finds one, and makes up what else is required.
 */
import type { Api, Json } from "./model-answers.ts"

export interface Script {
  readonly toolCalls: number
  /** For a shell; every other text argument says it too. */
  readonly command: string
}

export interface ToolCall {
  readonly name: string
  readonly input: Json
}

interface Tool {
  readonly name: string
  readonly schema: Json
}

const SHELLS = ["Bash", "bash", "exec_command", "shell_command", "shell", "run_shell_command"]

const listOf = (value: unknown): readonly Json[] => (Array.isArray(value) ? value : [])
const mapOf = (value: unknown): Json =>
  typeof value === "object" && value !== null ? (value as Json) : {}

const toolOf = (name: unknown, schema: unknown): readonly Tool[] =>
  typeof name === "string" ? [{ name, schema: mapOf(schema) }] : []

const partsOf = (messages: unknown, field: string): readonly Json[] =>
  listOf(messages).flatMap((message) => listOf(message[field]))

interface Offer {
  readonly tools: (body: Json) => readonly Tool[]
  readonly results: (body: Json) => readonly unknown[]
}

const OFFERS: Partial<Readonly<Record<Api, Offer>>> = {
  "anthropic-messages": {
    tools: ({ tools }) => listOf(tools).flatMap((tool) => toolOf(tool.name, tool.input_schema)),
    results: ({ messages }) =>
      partsOf(messages, "content").filter(({ type }) => type === "tool_result"),
  },
  "openai-chat": {
    tools: ({ tools }) =>
      listOf(tools).flatMap((tool) => {
        const { name, parameters } = mapOf(tool.function)
        return toolOf(name, parameters)
      }),
    results: ({ messages }) => listOf(messages).filter(({ role }) => role === "tool"),
  },
  "openai-responses": {
    tools: ({ tools }) => listOf(tools).flatMap((tool) => toolOf(tool.name, tool.parameters)),
    results: ({ input }) => listOf(input).filter(({ type }) => type === "function_call_output"),
  },
  "gemini-generate": {
    tools: ({ tools }) =>
      partsOf(tools, "functionDeclarations").flatMap((tool) =>
        toolOf(tool.name, tool.parametersJsonSchema ?? tool.parameters),
      ),
    results: ({ contents }) =>
      partsOf(contents, "parts").filter(({ functionResponse }) => functionResponse !== undefined),
  },
}

/** Null when it is time for words, or nothing was offered. */
export const toolCallFor = (api: Api, body: Json, script: Script): ToolCall | null => {
  const offer = OFFERS[api]
  if (offer === undefined || offer.results(body).length >= script.toolCalls) return null
  const tools = offer.tools(body)
  const tool = tools.find(({ name }) => SHELLS.includes(name)) ?? tools[0]
  return tool === undefined ? null : { name: tool.name, input: inputFor(tool, script.command) }
}

const inputFor = ({ schema }: Tool, command: string): Json => {
  const properties = mapOf(schema.properties)
  const required: readonly unknown[] = Array.isArray(schema.required) ? schema.required : []
  const shell = ["cmd", "command"].find((name) => name in properties)
  const names =
    shell === undefined
      ? Object.keys(properties).filter((name) => required.includes(name))
      : [shell, ...("description" in properties ? ["description"] : [])]
  return Object.fromEntries(
    names.map((name) => [name, argumentFor(name, mapOf(properties[name]), command)]),
  )
}

const argumentFor = (name: string, { type }: Json, command: string): unknown => {
  switch (String(type).toLowerCase()) {
    case "array":
      return ["bash", "-c", command]
    case "number":
    case "integer":
      return 1
    case "boolean":
      return false
    default:
      return name === "description" ? "run it" : command
  }
}
