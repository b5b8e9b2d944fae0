/** What the meters of agents that print JSON lines share: reading a line, and telling of calls. */
import { NO_USAGE } from "../../machines/budget/amounts.ts"
import type { Usage } from "../../machines/vocabulary.ts"
import { type Json, parseObject, UnreadableField } from "./fields.ts"
import { type MeterReading, NOTHING, type UsageReading, unreadableLine } from "./meter.ts"

/** `whose` names the agent where a count cannot be read; a line that is no object is its own text. */
export const readAgentLine = (
  whose: string,
  line: string,
  take: (parsed: Json) => readonly MeterReading[],
): readonly MeterReading[] => {
  const parsed = parseObject(line)
  if (parsed === null) return NOTHING
  try {
    return take(parsed)
  } catch (error) {
    if (error instanceof UnreadableField)
      return unreadableLine(`a line of ${whose}: ${error.message}`)
    throw error
  }
}

/** A call, or several in one sum, by the agent's own account. */
export const reportedCall = (
  usage: Usage,
  about: Partial<Pick<UsageReading, "usageId" | "model" | "completes">> = {},
): MeterReading => ({
  kind: "usage",
  usageId: null,
  model: null,
  completes: false,
  ...about,
  usage,
  provenance: "reported",
})

/**
 * A call that was cut before the agent gave its account. The size of the call before it is the best
 * there is, and never zero.
 */
export const unknownCall = (before: Usage | null, model: string | null = null): MeterReading => ({
  kind: "usage",
  usageId: null,
  usage: before ?? { ...NO_USAGE, outputTokens: 1 },
  model,
  provenance: "unknown",
  completes: true,
})
