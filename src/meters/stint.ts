/** The meter of programs that meter themselves: one `stint.usage` JSON line for each call. */
import type { Provenance, Usage } from "../../machines/vocabulary.ts"
import {
  isName,
  isObject,
  type Json,
  NAME_LENGTH_MAX,
  readCount,
  UnreadableField,
  unreadableField,
} from "./fields.ts"
import { type Meter, type MeterReading, NOTHING, unreadableLine } from "./meter.ts"

export const STINT_USAGE = "stint.usage"

const COUNTS = ["inputTokens", "outputTokens", "cacheWriteTokens", "cacheReadTokens"] as const
const PROVENANCES: readonly Provenance[] = ["reported", "estimated", "unknown"]
/** `at`, `agentId` and `taskId` are for `stint replay`, which reads the same lines from a file. */
const KEYS: readonly string[] = [
  "type",
  "id",
  ...COUNTS,
  "model",
  "provenance",
  "at",
  "agentId",
  "taskId",
]

export const stintMeter = (): Meter => ({
  concerns: mayBeStint,
  read: readStintLine,
  end: () => NOTHING,
})

export const mayBeStint = (line: Buffer): boolean => line.includes(STINT_USAGE)

/** Nothing for a line that is not of this kind. */
export const readStintLine = (line: string): readonly MeterReading[] => {
  const record = parseStint(line)
  if (record === null) return NOTHING
  if (record === "broken") return unreadableLine(`a ${STINT_USAGE} line that is ${flawOf(line)}`)
  try {
    return [readRecord(record)]
  } catch (error) {
    if (error instanceof UnreadableField) return unreadableLine(`${STINT_USAGE}: ${error.message}`)
    throw error
  }
}

/** In a text that quotes such a line the quotes would be escaped. */
const MEANT = /"type"\s*:\s*"stint\.usage"/

const parseStint = (line: string): Json | "broken" | null => {
  try {
    const parsed: unknown = JSON.parse(line)
    return isObject(parsed) && parsed.type === STINT_USAGE ? parsed : null
  } catch {
    return MEANT.test(line) ? "broken" : null
  }
}

/** What printers of other languages write for numbers that JSON does not have. */
const NO_NUMBER = /"(\w{1,40})"\s*:\s*([+-]?(?:NaN|nan|Infinity|inf))\b/

const flawOf = (line: string): string => {
  const [, name, found] = NO_NUMBER.exec(line) ?? []
  return name === undefined ? "no JSON" : `no JSON: ${name} is ${found}, expected a whole number`
}

const readRecord = (record: Json): MeterReading => {
  for (const key of Object.keys(record))
    if (!KEYS.includes(key)) throw new UnreadableField(unknownKey(key))
  if (COUNTS.every((name) => record[name] === undefined || record[name] === null))
    throw new UnreadableField(`no count is given, expected one of ${COUNTS.join(", ")}`)
  return {
    kind: "usage",
    usageId: readOptional(record, "id"),
    usage: readUsage(record),
    model: readOptional(record, "model"),
    provenance: readProvenance(record),
    completes: false,
  }
}

const unknownKey = (key: string): string =>
  `${JSON.stringify(key.slice(0, 40))} is no key of it, expected ${KEYS.join(", ")}`

const readUsage = (record: Json): Usage => ({
  inputTokens: readCount(record.inputTokens, "inputTokens"),
  outputTokens: readCount(record.outputTokens, "outputTokens"),
  cacheWriteTokens: readCount(record.cacheWriteTokens, "cacheWriteTokens"),
  cacheReadTokens: readCount(record.cacheReadTokens, "cacheReadTokens"),
})

const readOptional = (record: Json, name: "id" | "model"): string | null => {
  const value = record[name]
  if (value === undefined || value === null) return null
  const expected = `a text of 1 to ${NAME_LENGTH_MAX} characters`
  return isName(value) ? value : unreadableField(name, value, expected)
}

const readProvenance = (record: Json): Provenance => {
  const value = record.provenance ?? "reported"
  const known = PROVENANCES.find((provenance) => provenance === value)
  return known ?? unreadableField("provenance", value, `one of ${PROVENANCES.join(", ")}`)
}
