/**
 * A request's bytes as JSON that every parser reads alike: UTF-8 without a mark, one object, no key
 * twice anywhere. What one server takes for the first and another for the last is let through by none.
 */
import { isUtf8 } from "node:buffer"
import { isObject, NAME_LENGTH_MAX } from "../../../meters/fields.ts"
import type { Json, MalformedRequest } from "../dialect.ts"
import { DEPTH_MAX, pastSpace, type Span, spansOf } from "./json-spans.ts"

export interface JsonBody {
  /** Its long texts are blanked: they are checked where they stand, and nobody judges by them. */
  readonly value: Json
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
  const { members, repeated, depth, longTexts } = spansOf(text, pastSpace(text, 0))
  if (depth > DEPTH_MAX)
    return { malformed: `the body is nested deeper than ${DEPTH_MAX} objects and lists` }
  const value = parse(bytes, text, longTexts)
  if (!isObject(value)) return { malformed: "the body is not a JSON object; expected one" }
  if (repeated !== null)
    return { malformed: `the key ${shownKey(repeated)} stands twice in one object; expected once` }
  return { value, text, members }
}

/** One character a byte: in UTF-8 no byte of a longer character looks like a quote or a bracket. */
export const textOf = (bytes: Buffer): string => bytes.toString("latin1")

const BYTE_ORDER_MARK = "\xef\xbb\xbf"

/**
 * Long texts are nearly all of a body, and nobody judges by what they say: each is parsed where it
 * stands, one character a byte, and left out of what is decoded and kept. Any text in place of a text
 * leaves JSON what it is. The parser's own words quote the body, so they are not passed on.
 */
const parse = (bytes: Buffer, text: string, longTexts: readonly Span[]): unknown => {
  try {
    for (const { start, end } of longTexts) JSON.parse(text.slice(start, end))
    return JSON.parse(blanked(bytes, longTexts))
  } catch {
    return undefined
  }
}

/** Too long for a name, as what it stands for. */
const BLANK = JSON.stringify(" ".repeat(NAME_LENGTH_MAX + 1))

const blanked = (bytes: Buffer, longTexts: readonly Span[]): string => {
  let kept = ""
  let at = 0
  for (const { start, end } of longTexts) {
    kept += bytes.toString("utf8", at, start) + BLANK
    at = end
  }
  return kept + bytes.toString("utf8", at)
}

const SHOWN_MAX = 40

export const shownKey = (key: string): string => JSON.stringify(key.slice(0, SHOWN_MAX))
