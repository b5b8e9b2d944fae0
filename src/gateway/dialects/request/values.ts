/** The values a bound rests on, read from the text itself: `100`, and not `1e2`, `100.0` or `"100"`. */
import { isName } from "../../../meters/fields.ts"
import type { CallPath } from "../dialect.ts"
import type { Fields } from "./fields.ts"

/** A request under reading: what is wrong with it is collected, so that all of it is told at once. */
export interface Reading {
  readonly text: string
  readonly fields: Fields
  readonly problems: string[]
}

const DIGITS = /^(?:0|[1-9]\d{0,15})$/

/**
 * A whole number from `least` on; null where the field is absent or null. Servers disagree on `1e2`,
 * `100.0` and `"100"`, so those are problems: some would take them for a count, some for none.
 */
export const readWhole = (
  { text, problems }: Reading,
  fields: Fields,
  name: string,
  least = 0,
): number | null => {
  const value = fields.value(name)
  if (value === undefined || value === null) return null
  const span = fields.span(name)
  const written = span === null ? "" : text.slice(span.start, span.end)
  if (DIGITS.test(written) && Number.isSafeInteger(value) && Number(value) >= least)
    return Number(value)
  problems.push(
    `\`${fields.path}${name}\` is ${shown(value, written)}; expected a whole number of ${least} or more, in digits`,
  )
  return null
}

/** True or false; anything else is a problem, because a lenient server would take `"true"` or 1. */
export const readFlag = ({ problems }: Reading, fields: Fields, name: string): boolean => {
  const value = fields.value(name)
  if (value === undefined || value === null) return false
  if (typeof value === "boolean") return value
  problems.push(`\`${fields.path}${name}\` is ${shown(value, "")}; expected true or false`)
  return false
}

/** The model of the path where the API names it there, else the body's. */
export const readModel = ({ fields, problems }: Reading, path: CallPath): string => {
  const model = path.model ?? fields.value("model")
  if (isName(model) && model.isWellFormed() && !CONTROL.test(model)) return model
  problems.push(
    `\`model\` is ${shown(model, "")}; expected a model's name of at most 256 characters`,
  )
  return ""
}

const CONTROL = /\p{Cc}/u
const SHOWN_MAX = 40

/** Short, and never a nested value: its text could be a prompt. */
const shown = (value: unknown, written: string): string => {
  if (value === undefined) return "missing"
  if (Array.isArray(value)) return "a list"
  if (typeof value === "object" && value !== null) return "an object"
  const text = written === "" || typeof value === "string" ? JSON.stringify(value) : written
  return text.length <= SHOWN_MAX ? text : `${text.slice(0, SHOWN_MAX)}…`
}
