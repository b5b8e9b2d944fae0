/**
 * A request's bytes as JSON that every parser reads alike: UTF-8 without a mark, one object, no key
 * twice anywhere. What one server takes for the first and another for the last is let through by none.
 */
import { isObject } from "../../../meters/fields.ts"
import type { Json, MalformedRequest } from "../dialect.ts"
import { DEPTH_MAX, pastSpace, type Span, spansOf } from "./json-spans.ts"

export interface JsonBody {
  readonly text: string
  readonly value: Json
  /** The members of the body itself, as they stand in `text`. */
  readonly members: ReadonlyMap<string, Span>
}

export const openBody = (bytes: Buffer): JsonBody | MalformedRequest => {
  const text = decode(bytes)
  if (text === null)
    return { malformed: "the body is not UTF-8; expected JSON in UTF-8 (no text was replaced)" }
  if (text.startsWith("\uFEFF"))
    return { malformed: "the body begins with a byte order mark; expected JSON without one" }
  const { members, repeated, depth } = spansOf(text, pastSpace(text, 0))
  if (depth > DEPTH_MAX)
    return { malformed: `the body is nested deeper than ${DEPTH_MAX} objects and lists` }
  const value = parse(text)
  if (!isObject(value)) return { malformed: "the body is not a JSON object; expected one" }
  if (repeated !== null)
    return { malformed: `the key ${shownKey(repeated)} stands twice in one object; expected once` }
  return { text, value, members }
}

/** For bytes that `openBody` has let through: the text alone. */
export const textOf = (bytes: Buffer): string => bytes.toString("utf8")

const STRICT = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true })

/** Decoding that refuses is lossless: the same text encoded gives the same bytes. */
const decode = (bytes: Buffer): string | null => {
  try {
    return STRICT.decode(bytes)
  } catch {
    return null
  }
}

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
