/**
 * The elements of a JSON list as they come, before the list has ended: so Gemini streams where it is
 * not asked for server-sent events. Bytes in, one element's bytes out; at most `maxBytes` of one are
 * held, a longer one is passed by unread.
 */
import { GrowingBytes } from "./growing-bytes.ts"
import { EVENT_BYTES_MAX } from "./sse/event-reader.ts"

const QUOTE = 0x22
const BACKSLASH = 0x5c
const OPENING = [0x5b, 0x7b] as const
const CLOSING = [0x5d, 0x7d] as const
/** An element of the list, which must be an object or a list itself, lies at this depth. */
const ELEMENT_DEPTH = 2
const NONE = -1

export class JsonListReader {
  readonly #onElement: (element: Buffer) => void
  readonly #maxBytes: number
  readonly #element = new GrowingBytes()
  #isTooLong = false
  #depth = 0
  #isInString = false
  #isEscaped = false

  /** `onElement` gets a view, valid until it returns. */
  constructor(onElement: (element: Buffer) => void, maxBytes: number = EVENT_BYTES_MAX) {
    this.#onElement = onElement
    this.#maxBytes = maxBytes
  }

  push(chunk: Buffer): void {
    let start = this.#depth >= ELEMENT_DEPTH ? 0 : NONE
    for (let at = 0; at < chunk.length; at += 1) {
      const byte = chunk[at] ?? 0
      if (this.#isInString) {
        at = this.#stringEnd(chunk, at)
        continue
      }
      if (byte === QUOTE) this.#isInString = true
      else if (byte === OPENING[0] || byte === OPENING[1]) {
        this.#depth += 1
        if (this.#depth === ELEMENT_DEPTH) start = at
      } else if (byte === CLOSING[0] || byte === CLOSING[1]) {
        this.#depth -= 1
        if (this.#depth === ELEMENT_DEPTH - 1 && start !== NONE) {
          this.#end(chunk, start, at + 1)
          start = NONE
        }
      }
    }
    if (start !== NONE) this.#hold(chunk, start, chunk.length)
  }

  /** Where the string under way ends, or the chunk. */
  #stringEnd(chunk: Buffer, from: number): number {
    let at = from
    if (this.#isEscaped) {
      this.#isEscaped = false
      at += 1
    }
    for (; at < chunk.length; at += 1) {
      if (chunk[at] === BACKSLASH) {
        at += 1
        this.#isEscaped = at >= chunk.length
      } else if (chunk[at] === QUOTE) {
        this.#isInString = false
        return at
      }
    }
    return at
  }

  #hold(chunk: Buffer, from: number, to: number): void {
    if (this.#element.length + (to - from) > this.#maxBytes) {
      this.#isTooLong = true
      this.#element.clear()
    }
    if (!this.#isTooLong) this.#element.add(chunk, from, to)
  }

  #end(chunk: Buffer, from: number, to: number): void {
    this.#hold(chunk, from, to)
    if (!this.#isTooLong) this.#onElement(this.#element.bytes)
    this.#element.clear()
    this.#isTooLong = false
  }
}
