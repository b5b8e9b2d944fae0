/** How a value that was found is shown in a message: short, on one line, as its author knows it. */
import { InexactNumber } from "./decimal.ts"

const LENGTH_MAX = 80
const DEPTH_MAX = 2

const shorten = (text: string): string =>
  text.length > LENGTH_MAX ? `${text.slice(0, LENGTH_MAX)}…` : text

/** Text of the command line or the environment: quoted unless every character is plain to see. */
export const showText = (text: string): string =>
  /^[\w.:/,=+-]+$/.test(text) ? shorten(text) : JSON.stringify(shorten(text))

const showNumber = (value: number): string => (Object.is(value, -0) ? "-0" : String(value))

const showObject = (value: object, depth: number): string => {
  const kind = Object.prototype.toString.call(value).slice("[object ".length, -1)
  if (kind !== "Object" && kind !== "Array") return `a ${kind}`
  if (depth === 0) return "…"
  if (Array.isArray(value)) return `[${value.map((item) => show(item, depth - 1)).join(", ")}]`
  const entries = Object.entries(value).map(([name, item]) => `${name}: ${show(item, depth - 1)}`)
  return `{${entries.join(", ")}}`
}

const show = (value: unknown, depth: number): string => {
  if (value instanceof InexactNumber) return showText(value.text)
  if (typeof value === "number") return showNumber(value)
  if (typeof value === "string") return JSON.stringify(shorten(value))
  if (typeof value === "bigint") return `${value}n`
  if (typeof value === "function") return "a function"
  if (typeof value !== "object" || value === null) return String(value)
  return showObject(value, depth)
}

export const showValue = (value: unknown): string => shorten(show(value, DEPTH_MAX))
