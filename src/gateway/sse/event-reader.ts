/**
 * Server-sent events out of bytes, by the WHATWG standard: chunks in, cut wherever they are, events
 * out. An event that lies within one chunk is never copied; of one that does not, at most
 * `maxBytes` are held: a longer one is passed by unread.
 *
 * In one thing it is more patient than the standard: a last event without its blank line counts.
 */
import type { StreamEvent } from "../dialects/dialect.ts"
import { GrowingBytes } from "../growing-bytes.ts"

/** Longer lines and events are passed on and not metered. */
export const EVENT_BYTES_MAX = 16 * 1024 * 1024

/** Where an event lies in the stream: from its first field's line on, its blank line included. */
export interface EventSpan {
  readonly start: number
  readonly blankLineAt: number
  readonly end: number
}

export type OnEvent = (event: StreamEvent, span: EventSpan) => void

const LF = 0x0a
const CR = 0x0d
const COLON = 0x3a
const SPACE = 0x20
const NEWLINE: Buffer = Buffer.from("\n")
const BYTE_ORDER_MARK = [0xef, 0xbb, 0xbf] as const
const NO_BYTES: Buffer = Buffer.alloc(0)
const NONE = -1

export class EventReader {
  readonly #onEvent: OnEvent
  readonly #maxBytes: number
  /** How many bytes came before the chunk in hand. */
  #before = 0
  /** Bytes of a byte order mark seen; past it, or without one: all of them. */
  #markSeen = 0
  /** The last byte was a CR: a LF that follows belongs to it. */
  #isAfterCr = false
  /** A line whose end has not come; `#isPassing` when there is no need of it. */
  readonly #line = new GrowingBytes()
  #isPassing = false
  #lineStart = NONE
  /** The event under way: where it starts, its name, its data so far. */
  #start = NONE
  #name: string | null = null
  #hasData = false
  #isTooLong = false
  /** Its only data line so far, as long as the chunk it lies in is in hand; else in `#data`. */
  #view: Buffer | null = null
  readonly #data = new GrowingBytes()

  constructor(onEvent: OnEvent, maxBytes: number = EVENT_BYTES_MAX) {
    this.#onEvent = onEvent
    this.#maxBytes = maxBytes
  }

  /** Where the event under way starts in the stream; null between events. */
  get openAt(): number | null {
    if (this.#start !== NONE) return this.#start
    return this.#lineStart !== NONE && !this.#isPassing ? this.#lineStart : null
  }

  /** The data of the event under way as far as it has come, between two chunks. */
  get begun(): Buffer {
    const value = this.#isPassing ? null : begunDataValue(this.#line.bytes, this.#line.length)
    if (value === null) return this.#data.bytes
    if (!this.#hasData) return value
    return Buffer.concat([this.#data.bytes, NEWLINE, value])
  }

  push(chunk: Buffer): void {
    let at = this.#skipMark(chunk)
    if (this.#isAfterCr && at < chunk.length) {
      this.#isAfterCr = false
      if (chunk[at] === LF) at += 1
    }
    // The next of each kind of line end, searched for only once it has been passed.
    let lf = at
    let cr = at
    while (at < chunk.length) {
      if (lf !== NONE && (lf < at || chunk[lf] !== LF)) lf = chunk.indexOf(LF, at)
      if (cr !== NONE && (cr < at || chunk[cr] !== CR)) cr = chunk.indexOf(CR, at)
      const end = lf === NONE ? cr : cr === NONE ? lf : Math.min(lf, cr)
      if (end === NONE) {
        this.#hold(chunk, at)
        break
      }
      const next = end === cr && chunk[end + 1] === LF ? end + 2 : end + 1
      this.#endLine(chunk, at, end, next)
      this.#isAfterCr = end === cr && next === chunk.length && next === end + 1
      at = next
    }
    if (this.#view !== null) this.#keepView()
    this.#before += chunk.length
  }

  end(): void {
    if (this.#lineStart !== NONE) this.#endLine(NO_BYTES, 0, 0, 0)
    this.#dispatch(this.#before, this.#before)
  }

  #skipMark(chunk: Buffer): number {
    let at = 0
    while (this.#markSeen < BYTE_ORDER_MARK.length && at < chunk.length) {
      if (chunk[at] !== BYTE_ORDER_MARK[this.#markSeen]) {
        this.#startWithoutMark(at)
        break
      }
      this.#markSeen += 1
      at += 1
    }
    return at
  }

  /** What had begun like a mark is the beginning of a line. */
  #startWithoutMark(at: number): void {
    if (this.#markSeen > 0) {
      this.#line.add(Buffer.from(BYTE_ORDER_MARK.slice(0, this.#markSeen)))
      this.#lineStart = this.#before + at
    }
    this.#markSeen = BYTE_ORDER_MARK.length
  }

  /** The rest of a chunk is the beginning of a line, or goes on with one. */
  #hold(chunk: Buffer, from: number): void {
    if (this.#lineStart === NONE) {
      this.#lineStart = this.#before + from
      this.#isPassing = chunk[from] === COLON
    }
    if (this.#isPassing) return
    if (this.#line.length + (chunk.length - from) > this.#maxBytes) this.#passLongLine()
    else this.#line.add(chunk, from)
  }

  #passLongLine(): void {
    this.#isTooLong = true
    this.#isPassing = true
    if (this.#start === NONE) this.#start = this.#lineStart
    this.#line.clear()
  }

  /** A line has ended: its last part is `chunk[from, to)`, the next line starts at `next`. */
  #endLine(chunk: Buffer, from: number, to: number, next: number): void {
    if (this.#lineStart === NONE) {
      if (from === to) this.#dispatch(this.#before + to, this.#before + next)
      else if (chunk[from] !== COLON) this.#field(chunk, from, to, this.#before + from, true)
      return
    }
    if (!this.#isPassing && this.#line.length + (to - from) > this.#maxBytes) this.#passLongLine()
    if (!this.#isPassing) {
      this.#line.add(chunk, from, to)
      this.#field(this.#line.bytes, 0, this.#line.length, this.#lineStart, false)
    }
    this.#line.clear()
    this.#lineStart = NONE
    this.#isPassing = false
  }

  /** A line, from where it starts in the stream; a view of it is valid while its chunk is in hand. */
  #field(bytes: Buffer, from: number, to: number, start: number, isInChunk: boolean): void {
    if (this.#start === NONE) this.#start = start
    if (to - from > this.#maxBytes) this.#isTooLong = true
    if (this.#isTooLong) return
    const value = dataValue(bytes, from, to)
    if (value !== null) this.#addData(value, isInChunk)
    else if (isField(bytes, from, to, EVENT)) this.#name = nameIn(bytes, from, to)
  }

  #addData(value: Buffer, isInChunk: boolean): void {
    if (!this.#hasData && isInChunk) {
      this.#hasData = true
      this.#view = value
      return
    }
    if (this.#view !== null) this.#keepView()
    if (this.#data.length + value.length + 1 > this.#maxBytes) {
      this.#isTooLong = true
      this.#data.clear()
      return
    }
    if (this.#hasData) this.#data.add(NEWLINE)
    this.#data.add(value)
    this.#hasData = true
  }

  #keepView(): void {
    if (this.#view !== null) this.#data.add(this.#view)
    this.#view = null
  }

  #dispatch(blankLineAt: number, end: number): void {
    const start = this.#start
    const data = this.#view ?? this.#data.bytes
    const isEvent = this.#hasData && !this.#isTooLong
    const event = this.#name
    this.#start = NONE
    this.#name = null
    this.#hasData = false
    this.#isTooLong = false
    this.#view = null
    if (isEvent) this.#onEvent({ event, data }, { start, blankLineAt, end })
    this.#data.clear()
  }
}

const DATA: Buffer = Buffer.from("data")
const EVENT: Buffer = Buffer.from("event")

/** The line is this field: its name whole, then a colon or nothing. */
const isField = (bytes: Buffer, from: number, to: number, name: Buffer): boolean => {
  const end = from + name.length
  if (to < end || (to > end && bytes[end] !== COLON)) return false
  for (let at = 0; at < name.length; at += 1) if (bytes[from + at] !== name[at]) return false
  return true
}

const dataValue = (bytes: Buffer, from: number, to: number): Buffer | null =>
  isField(bytes, from, to, DATA) ? bytes.subarray(valueStart(bytes, from, to, DATA), to) : null

/** Of a line whose end has not come: without its colon, `data` may still become another name. */
const begunDataValue = (bytes: Buffer, length: number): Buffer | null =>
  length > DATA.length ? dataValue(bytes, 0, length) : null

/** One space after the colon is no part of the value. */
const valueStart = (bytes: Buffer, from: number, to: number, name: Buffer): number => {
  const start = from + name.length + 1
  return Math.min(start < to && bytes[start] === SPACE ? start + 1 : start, to)
}

/** An empty name is none. */
const nameIn = (bytes: Buffer, from: number, to: number): string | null =>
  bytes.toString("utf8", valueStart(bytes, from, to, EVENT), to) || null
