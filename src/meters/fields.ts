/** Fields of a printed line: read strictly, because a number misread is worse than a line skipped. */
import { isAmount } from "../../machines/budget/amounts.ts"

export type Json = Readonly<Record<string, unknown>>

/** A field that cannot be what it should be; caught by the reader of the line. */
export class UnreadableField extends Error {}

const SHOWN_MAX = 40

export const unreadableField = (name: string, found: unknown, expected: string): never => {
  throw new UnreadableField(`${name} is ${shown(found)}, expected ${expected}`)
}

/** Never a nested value: its text could be long, and a prompt. */
const shown = (found: unknown): string => {
  if (Array.isArray(found)) return "a list"
  if (typeof found === "object" && found !== null) return "an object"
  // JSON has no NaN and no bigint, which a caller in this process may hand over.
  if (typeof found === "number" || typeof found === "bigint")
    return String(found).slice(0, SHOWN_MAX)
  return JSON.stringify(found)?.slice(0, SHOWN_MAX) ?? "nothing"
}

export const isObject = (value: unknown): value is Json =>
  typeof value === "object" && value !== null && !Array.isArray(value)

export const objectIn = (value: Json, name: string): Json | null => {
  const found = value[name]
  return isObject(found) ? found : null
}

/** The objects of a list; none where there is no list. */
export const objectsIn = (value: Json, name: string): readonly Json[] => {
  const found = value[name]
  return Array.isArray(found) ? found.filter(isObject) : []
}

/** A whole number of tokens; absent and null are 0. */
export const readCount = (value: unknown, name: string): number => {
  if (value === undefined || value === null) return 0
  return isAmount(value) ? value : unreadableField(name, value, "a whole number from 0 to 2^53 - 1")
}

/** As long as a name may be anywhere in the product. */
export const NAME_LENGTH_MAX = 256

export const isName = (value: unknown): value is string =>
  typeof value === "string" && value.length > 0 && value.length <= NAME_LENGTH_MAX

/** The line as a JSON object; null for anything else. */
export const parseObject = (line: string): Json | null => {
  try {
    const parsed: unknown = JSON.parse(line)
    return isObject(parsed) ? parsed : null
  } catch {
    return null
  }
}
