/**
 * Where the members of a JSON object stand in its bytes, so that one of them can be changed and every
 * other byte stays. The text has one character a byte. One pass, no recursion; ends on anything.
 */
import { NAME_LENGTH_MAX } from "../../../meters/fields.ts"

export interface Span {
  /** The value's first character and the one after its last. */
  readonly start: number
  readonly end: number
}

export interface ObjectSpans {
  readonly members: ReadonlyMap<string, Span>
  /** A key that stands twice in one object, at any depth; null: none. */
  readonly repeated: string | null
  /** Containers within containers, this object counted; the pass ends where it grows too deep. */
  readonly depth: number
  /** Values that are strings longer than any name, with their quotes, in order. */
  readonly longTexts: readonly Span[]
}

/** Longer than any name, also one whose every letter is escaped (`\u0061`): no long text is one. */
const LONG_TEXT_BYTES = 6 * NAME_LENGTH_MAX + 2

/** Deeper than any request of a program, shallow enough that walking it needs no care. */
export const DEPTH_MAX = 128

/** The object that begins at `start`. */
export const spansOf = (text: string, start: number): ObjectSpans => {
  const scan = new Scan(text, start)
  while (scan.step()) {}
  return scan
}

/** The first place at or after `at` that is no white space. */
export const pastSpace = (text: string, at: number): number => {
  let place = at
  while (isSpace(text.charCodeAt(place))) place++
  return place
}

const QUOTE = 0x22
const COMMA = 0x2c
const COLON = 0x3a
const BACKSLASH = 0x5c
const OPEN_LIST = 0x5b
const CLOSE_LIST = 0x5d
const OPEN_OBJECT = 0x7b
const CLOSE_OBJECT = 0x7d

const isSpace = (code: number): boolean =>
  code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09

class Scan implements ObjectSpans {
  readonly members = new Map<string, Span>()
  readonly longTexts: Span[] = []
  repeated: string | null = null
  depth = 0

  readonly #text: string
  #at: number
  /** The keys seen in each open object, null for an open list; innermost last. */
  readonly #open: (Set<string> | null)[] = []
  #name: string | null = null
  #valueStart = 0
  #tokenEnd = 0

  constructor(text: string, start: number) {
    this.#text = text
    this.#at = start
  }

  /** One token on; false at the object's end. */
  step(): boolean {
    const code = this.#text.charCodeAt(this.#at)
    if (code === QUOTE) this.#string()
    else if (code === OPEN_OBJECT || code === OPEN_LIST) this.#enter(code === OPEN_OBJECT)
    else if (code === CLOSE_OBJECT || code === CLOSE_LIST) this.#leave()
    else if (code === COMMA) this.#endMember()
    else if (!isSpace(code)) this.#tokenEnd = this.#at + 1
    this.#at++
    return this.#open.length > 0 && this.depth <= DEPTH_MAX && this.#at < this.#text.length
  }

  #enter(isObject: boolean): void {
    this.#open.push(isObject ? new Set() : null)
    this.depth = Math.max(this.depth, this.#open.length)
  }

  #leave(): void {
    this.#endMember()
    this.#open.pop()
    this.#tokenEnd = this.#at + 1
  }

  #endMember(): void {
    if (this.#open.length !== 1 || this.#name === null) return
    this.members.set(this.#name, { start: this.#valueStart, end: this.#tokenEnd })
    this.#name = null
  }

  /** A string is a key when a colon follows; leaves the place at its last character, or the colon. */
  #string(): void {
    const end = stringEnd(this.#text, this.#at)
    const after = pastSpace(this.#text, end)
    const keys = this.#open.at(-1)
    if (this.#text.charCodeAt(after) !== COLON || !keys) {
      if (end - this.#at > LONG_TEXT_BYTES) this.longTexts.push({ start: this.#at, end })
      this.#at = end - 1
      this.#tokenEnd = end
      return
    }
    const name = nameIn(this.#text, this.#at, end)
    if (keys.has(name)) this.repeated ??= name
    keys.add(name)
    if (this.#open.length === 1) {
      this.#name = name
      this.#valueStart = pastSpace(this.#text, after + 1)
    }
    this.#at = after
  }
}

/** The place after the closing quote. Runs of backslashes are counted once each, so this is linear. */
const stringEnd = (text: string, start: number): number => {
  for (let from = start + 1; ; ) {
    const quote = text.indexOf('"', from)
    if (quote < 0) return text.length
    let first = quote
    while (first > from && text.charCodeAt(first - 1) === BACKSLASH) first--
    if ((quote - first) % 2 === 0) return quote + 1
    from = quote + 1
  }
}

/** The key as a parser reads it; as it stands where it is no JSON string, which the parser will tell. */
const nameIn = (text: string, start: number, end: number): string => {
  const inside = text.slice(start + 1, end - 1)
  if (PLAIN.test(inside)) return inside
  try {
    return String(JSON.parse(Buffer.from(text.slice(start, end), "latin1").toString("utf8")))
  } catch {
    return inside
  }
}

const PLAIN = /^[ -[\]-~]*$/
