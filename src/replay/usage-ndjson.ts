/** NDJSON: `stint.usage` objects, one a line, as a program that meters itself prints them. */
import { isObject, readCount, readInstant, readName, readOptionalName } from "./fields.ts"
import type { RecordedCall } from "./recorded-call.ts"

type Json = Readonly<Record<string, unknown>>

/** The names a usage record has, in JSON and as the header of a CSV alike. */
export const COUNT_NAMES = [
  "inputTokens",
  "outputTokens",
  "cacheWriteTokens",
  "cacheReadTokens",
] as const

export const isUsageRecord = (line: unknown): line is Json =>
  isObject(line) &&
  (line.type === "stint.usage" || (line.type === undefined && line.at !== undefined))

/** Throws `UnreadableField` where a field is not what it should be. */
export const readUsageRecord = (line: Json): RecordedCall => {
  const agentId = readName(line.agentId, "agentId")
  const id = readOptionalName(line.id, "id")
  return {
    at: readInstant(line.at, "at"),
    agentId,
    taskId: readOptionalName(line.taskId, "taskId") ?? agentId,
    callId: id === null ? null : usageCallId(agentId, id),
    usage: {
      inputTokens: readCount(line.inputTokens, "inputTokens"),
      outputTokens: readCount(line.outputTokens, "outputTokens"),
      cacheWriteTokens: readCount(line.cacheWriteTokens, "cacheWriteTokens"),
      cacheReadTokens: readCount(line.cacheReadTokens, "cacheReadTokens"),
    },
    model: readOptionalName(line.model, "model"),
  }
}

/** An id names a call of its agent only: two agents may both count from 1. */
export const usageCallId = (agentId: string, id: string): string => JSON.stringify({ agentId, id })
