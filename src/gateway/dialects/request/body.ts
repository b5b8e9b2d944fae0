/**
 * A request's bytes as JSON that every parser reads alike: UTF-8 without a mark, one object, no key
 * twice anywhere. What one server takes for the first and another for the last is let through by none.
 */
import { isUtf8 } from "node:buffer"
import { isObject } from "../../../meters/fields.ts"
import type { Json, MalformedRequest } from "../dialect.ts"
import { DEPTH_MAX, pastSpace, type Span, spansOf } from "./json-spans.ts"

export interface JsonBody {
  readonly value: Json
  readonly decoded: string
  /** The body with one character a byte: places in it are places in the bytes. */
  readonly text: string
  /** The members of the body itself, as they stand in `text`. */
  readonly members: ReadonlyMap<string, Span>
}

export const openBody = (bytes: Buffer): JsonBody | MalformedRequest => {
  if (!isUtf8(bytes)) return { malformed: "the body is not UTF-8; expected JSON in UTF-8" }
  const text = textOf(bytes)
  if (text.startsWith(BYTE_ORDER_MARK))
    return { malformed: "the body begins with a byte order mark; expected JSON without one" }
  const { members, repeated, depth } = spansOf(text, pastSpace(text, 0))
  if (depth > DEPTH_MAX)
    return { malformed: `the body is nested deeper than ${DEPTH_MAX} objects and lists` }
  const decoded = bytes.toString("utf8")
  const value = parse(decoded)
  if (!isObject(value)) return { malformed: "the body is not a JSON object; expected one" }
  if (repeated !== null)
    return { malformed: `the key ${shownKey(repeated)} stands twice in one object; expected once` }
  return { value, decoded, text, members }
}

/** One character a byte: in UTF-8 no byte of a longer character looks like a quote or a bracket. */
export const textOf = (bytes: Buffer): string => bytes.toString("latin1")

const BYTE_ORDER_MARK = "\xef\xbb\xbf"

/** The parser's own words quote the body, so they are not passed on. */
const parse = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

const SHOWN_MAX = 40

export const shownKey = (key: string): string => JSON.stringify(key.slice(0, SHOWN_MAX))
