/**
 * Claude Code session logs: one line per content block, each repeating its call's usage.
 *
 * A call is one (message.id, requestId); its counts grow from line to line, so the caller keeps
 * the largest of each. A sub-agent is seen in `progress` lines of its session's log, in a file
 * of its own (`isSidechain`, `agentId`), or in both: it has the same name in each.
 */
import { readMessageUsage, SYNTHETIC_MODEL } from "../meters/claude-code/usage.ts"
import { isObject, readInstant, readName } from "./fields.ts"
import { OTHER, type Reading } from "./recorded-call.ts"

type Json = Readonly<Record<string, unknown>>

/** Reads one parsed line; `fallbackSession` names the agent where the line names none. */
export const readClaudeCodeLine = (line: Json, fallbackSession: string): Reading => {
  if (line.type === "assistant") {
    const subAgent = line.isSidechain === true ? line.agentId : undefined
    return readAssistant({ line, said: line, subAgent, fallbackSession })
  }
  const data = line.data
  if (line.type !== "progress" || !isObject(data)) return OTHER
  const said = data.message
  if (data.type !== "agent_progress" || !isObject(said)) return OTHER
  if (said.type !== "assistant") return OTHER
  return readAssistant({ line, said, subAgent: data.agentId, fallbackSession })
}

interface Assistant {
  readonly line: Json
  /** The line itself, or what a progress line carries. */
  readonly said: Json
  readonly subAgent: unknown
  readonly fallbackSession: string
}

const readAssistant = ({ line, said, subAgent, fallbackSession }: Assistant): Reading => {
  const message = said.message
  if (!isObject(message) || message.model === SYNTHETIC_MODEL) return OTHER
  if (message.usage === undefined || message.usage === null) return OTHER
  const session = readName(line.sessionId ?? fallbackSession, "sessionId")
  const model = message.model
  return {
    kind: "call",
    call: {
      at: readInstant(said.timestamp ?? line.timestamp, "timestamp"),
      agentId: subAgent === undefined ? session : `${session}/${readName(subAgent, "agentId")}`,
      taskId: session,
      callId: callIdOf(message.id, said.requestId, said.uuid),
      usage: readMessageUsage(message.usage),
      model: typeof model === "string" ? model : null,
    },
  }
}

/** Behind some gateways one of the two ids is missing; the other still names the call. */
const callIdOf = (messageId: unknown, requestId: unknown, lineId: unknown): string | null => {
  const key = [messageId, requestId].map((id) => (typeof id === "string" ? id : null))
  if (key.some((id) => id !== null)) return JSON.stringify(key)
  return typeof lineId === "string" ? JSON.stringify([lineId]) : null
}
