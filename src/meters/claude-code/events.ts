/** The few lines of a stream-json output that tell of calls; everything else is null. */
import type { Usage, UsageId } from "../../../machines/vocabulary.ts"
import { isName, isObject, type Json } from "../fields.ts"
import { readCounts, readMessageUsage, readModelCounts, SYNTHETIC_MODEL } from "./usage.ts"

/** Whose calls: null is the session itself, a sub-agent is named by the tool use that began it. */
export type Lineage = string | null

/** A turn began: its first call is under way. Printed again for each turn of the same process. */
export interface Began {
  readonly kind: "began"
  readonly sessionId: string | null
}

/** A part of an answer. The same call is told of once for each block of its content. */
export interface Spoke {
  readonly kind: "spoke"
  readonly lineage: Lineage
  /** Null where the line names no call. */
  readonly id: UsageId | null
  readonly model: string | null
  /** Cumulative for the call; its output is a placeholder until the answer is complete. */
  readonly usage: Usage
  /** Length of what is said here, in characters. */
  readonly printed: number
  readonly toolUses: readonly string[]
}

/** The true counts of the call that its lineage has under way; only with partial messages. */
export interface Counted {
  readonly kind: "counted"
  readonly lineage: Lineage
  /** Null: of the latest. */
  readonly id: UsageId | null
  readonly usage: Usage
}

/** Results of tools went back: the next call follows once none is missing. */
export interface Answered {
  readonly kind: "answered"
  readonly lineage: Lineage
  readonly toolUses: readonly string[]
}

/** One model's part in an account; `aka` is the name its calls may carry instead. */
export interface ModelAccount {
  readonly model: string
  readonly aka: string | null
  readonly usage: Usage
}

/** The account of a turn, or of all turns so far. */
export interface Concluded {
  readonly kind: "concluded"
  /** Names this very line. */
  readonly uuid: string | null
  readonly sessionId: string | null
  /** Since the process began, helper calls and sub-agents included; empty where it is not given. */
  readonly models: readonly ModelAccount[]
  /** The same since the last result; only newer versions tell. */
  readonly modelsSince: readonly ModelAccount[] | null
  /** Of this turn alone, helper calls left out. */
  readonly turn: Usage
  /** Interrupted while an answer was under way. */
  readonly isCut: boolean
}

export type ClaudeEvent = Began | Spoke | Counted | Answered | Concluded

/** Throws `UnreadableField` where a count is not what it should be. */
export const readEvent = (line: Json): ClaudeEvent | null => {
  switch (line.type) {
    case "system":
      return line.subtype === "init" ? { kind: "began", sessionId: textOf(line.session_id) } : null
    case "assistant":
      return readSpoken(line.message, line, lineageOf(line.parent_tool_use_id))
    case "progress":
      return readProgress(line)
    case "stream_event":
      return readPartial(line)
    case "user":
      return readAnswered(line)
    case "result":
      return readConcluded(line)
    default:
      return null
  }
}

const lineageOf = (parent: unknown): Lineage => textOf(parent)

const textOf = (value: unknown): string | null => (isName(value) ? value : null)

const readSpoken = (message: unknown, line: Json, lineage: Lineage): Spoke | null => {
  if (!isObject(message) || message.model === SYNTHETIC_MODEL) return null
  if (message.usage === undefined || message.usage === null) return null
  const blocks = blocksOf(message)
  return {
    kind: "spoke",
    lineage,
    id: textOf(message.id) ?? textOf(line.request_id) ?? textOf(line.requestId),
    model: textOf(message.model),
    usage: readMessageUsage(message.usage),
    printed: blocks.reduce((sum, block) => sum + lengthOf(block), 0),
    toolUses: blocks
      .filter((block) => block.type === "tool_use")
      .flatMap((block) => textOf(block.id) ?? []),
  }
}

const blocksOf = (message: Json): readonly Json[] =>
  Array.isArray(message.content) ? message.content.filter(isObject) : []

/** What a model had to write for a block: signatures and encrypted parts are not its words. */
const lengthOf = (block: Json): number =>
  lengthOfText(block.text) + lengthOfText(block.thinking) + lengthOfValue(block.input)

const lengthOfText = (text: unknown): number => (typeof text === "string" ? text.length : 0)

/** Without recursion: how deep a tool's input is nested is not ours to say. */
const lengthOfValue = (value: unknown): number => {
  const open: unknown[] = [value]
  let length = 0
  while (open.length > 0) {
    const next = open.pop()
    if (typeof next === "string") length += next.length
    else if (typeof next === "number" || typeof next === "boolean") length += String(next).length
    else if (typeof next === "object" && next !== null)
      for (const [key, inner] of Object.entries(next)) {
        length += Array.isArray(next) ? 1 : key.length
        open.push(inner)
      }
  }
  return length
}

/** A sub-agent's line, wrapped, as session logs have it. */
const readProgress = (line: Json): Spoke | null => {
  const data = line.data
  if (!isObject(data) || data.type !== "agent_progress" || !isObject(data.message)) return null
  const said = data.message
  const lineage = lineageOf(line.parentToolUseID ?? data.agentId)
  return said.type === "assistant" ? readSpoken(said.message, said, lineage) : null
}

/** The provider's own events, passed on with `--include-partial-messages`. */
const readPartial = (line: Json): Spoke | Counted | null => {
  const event = line.event
  if (!isObject(event)) return null
  const lineage = lineageOf(line.parent_tool_use_id)
  if (event.type === "message_start") return readSpoken(event.message, line, lineage)
  if (event.type !== "message_delta" || !isObject(event.usage)) return null
  const id = textOf(line.api_message_id)
  return { kind: "counted", lineage, id, usage: readMessageUsage(event.usage) }
}

const readAnswered = (line: Json): Answered | null => {
  if (!isObject(line.message)) return null
  const toolUses = blocksOf(line.message)
    .filter((block) => block.type === "tool_result")
    .flatMap((block) => textOf(block.tool_use_id) ?? [])
  if (toolUses.length === 0) return null
  return { kind: "answered", lineage: lineageOf(line.parent_tool_use_id), toolUses }
}

const readConcluded = (line: Json): Concluded | null => {
  if (!isObject(line.usage) && !isObject(line.modelUsage)) return null
  return {
    kind: "concluded",
    uuid: textOf(line.uuid),
    sessionId: textOf(line.session_id),
    models: isObject(line.modelUsage) ? readModels(line.modelUsage) : [],
    modelsSince: isObject(line.model_usage_since_last_result)
      ? readModels(line.model_usage_since_last_result)
      : null,
    // Its `iterations` are those of the last call only.
    turn: readCounts(isObject(line.usage) ? line.usage : {}),
    isCut: line.terminal_reason === "aborted_streaming",
  }
}

const readModels = (modelUsage: Json): readonly ModelAccount[] =>
  Object.entries(modelUsage).flatMap(([model, entry]) =>
    isObject(entry)
      ? { model, aka: textOf(entry.canonicalModel), usage: readModelCounts(entry) }
      : [],
  )
