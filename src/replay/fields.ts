/** Fields of a recorded line: read strictly, because a number misread is worse than a line skipped. */
import type { Instant } from "../../machines/vocabulary.ts"
import { readCount, unreadableField as unreadable } from "../meters/fields.ts"

export { isObject, readCount, UnreadableField } from "../meters/fields.ts"

/** The same from text, as a CSV field has it; empty is 0. */
export const readCountText = (text: string | undefined, name: string): number => {
  const trimmed = text?.trim() ?? ""
  if (trimmed === "") return 0
  return readCount(/^\d{1,16}$/.test(trimmed) ? Number(trimmed) : trimmed, name)
}

/** Leaves room for the `#2` that a later stretch of the same agent is named by. */
const NAME_MAX = 240

export const readName = (value: unknown, name: string): string =>
  typeof value === "string" && value.length > 0 && value.length <= NAME_MAX
    ? value
    : unreadable(name, value, `a name of 1 to ${NAME_MAX} characters`)

export const readOptionalName = (value: unknown, name: string): string | null =>
  value === undefined || value === null || value === "" ? null : readName(value, name)

/** Milliseconds below this are in 1973 or before: seconds, mistaken. */
const EARLIEST_MS = 100_000_000_000
/** The end of the year 9999. */
const LATEST_MS = 253_402_300_799_999

/** An instant: ISO 8601 (UTC where it names no zone), or milliseconds since the epoch. */
export const readInstant = (value: unknown, name: string): Instant => {
  const ms = typeof value === "string" ? parseInstant(value.trim()) : value
  if (typeof ms !== "number" || !Number.isInteger(ms) || ms > LATEST_MS)
    return unreadable(name, value, "a time, ISO 8601 or milliseconds since 1970")
  if (ms < EARLIEST_MS)
    return unreadable(name, value, "milliseconds since 1970 (this looks like seconds)")
  return ms
}

const ISO =
  /^(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d:\d\d(?::\d\d)?)(?:[.,](\d{1,9}))?\s?(Z|[+-]\d\d:?\d\d)?)?$/i

const parseInstant = (text: string): number | null => {
  if (/^\d{1,15}$/.test(text)) return Number(text)
  const parts = ISO.exec(text)
  if (parts === null) return null
  const [, year, month, day, time = "00:00", fraction = "", zone = "Z"] = parts
  const ms = `${fraction}000`.slice(0, 3)
  const clock = time.length === 5 ? `${time}:00` : time
  const offset = zone.length === 5 ? `${zone.slice(0, 3)}:${zone.slice(3)}` : zone.toUpperCase()
  // The parser rolls February 30 over into March; a date that is not kept is no date.
  const isDay = new Date(`${year}-${month}-${day}T00:00:00Z`).getUTCDate() === Number(day)
  return isDay ? Date.parse(`${year}-${month}-${day}T${clock}.${ms}${offset}`) : null
}
