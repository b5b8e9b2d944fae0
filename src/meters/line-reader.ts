/**
 * JSON lines of a byte stream, beside the stream: bytes in, lines out, the bytes themselves untouched.
 *
 * Only lines that open with `{` are of interest, so nothing else is ever held: most output passes
 * with one search per chunk. So do whole chunks of such lines where nobody can want any of them. Of a line that has not ended yet at most `maxBytes` are kept; a longer
 * one is let go. Memory is bounded by that, whatever the child prints.
 */

/** Longer lines are passed on and not metered. */
export const LINE_BYTES_MAX = 1024 * 1024

const LF = 0x0a
const CR = 0x0d
const OPENING_BRACE = 0x7b
const NO_BYTES: Buffer = Buffer.alloc(0)
const SMALLEST_HOLD = 1024

export class LineReader {
  readonly #maxBytes: number
  readonly #onLine: (line: Buffer) => void
  readonly #mayMatter: (chunk: Buffer) => boolean
  /** The beginning, from its brace on, of a line whose end has not come; its first `#heldBytes`. */
  #held = NO_BYTES
  #heldBytes = 0
  /** The line under way is of no interest, or too long: all up to its end is let pass. */
  #isPassing = false

  /**
   * `onLine` gets each line without its end (LF or CRLF), as a view valid until it returns. Of a chunk
   * that `mayMatter` denies, lines that both begin and end in it may be left out.
   */
  constructor(
    onLine: (line: Buffer) => void,
    maxBytes: number = LINE_BYTES_MAX,
    mayMatter: (chunk: Buffer) => boolean = () => true,
  ) {
    this.#onLine = onLine
    this.#maxBytes = maxBytes
    this.#mayMatter = mayMatter
  }

  push(chunk: Buffer): void {
    let start = this.#isPassing || this.#heldBytes > 0 ? this.#resume(chunk) : 0
    if (start < chunk.length && !this.#mayMatter(chunk))
      start = Math.max(start, chunk.lastIndexOf(LF) + 1)
    while (start < chunk.length) start = this.#next(chunk, start)
  }

  /** The last line needs no line end. */
  end(): void {
    const line = this.#held.subarray(0, this.#heldBytes)
    this.#forget()
    if (line.length > 0) this.#tell(line)
  }

  /** Finds the next line that matters; returns where to go on. `start` is where a line starts. */
  #next(chunk: Buffer, start: number): number {
    const opening = chunk.indexOf(OPENING_BRACE, start)
    if (opening === -1) {
      this.#leave(chunk, start)
      return chunk.length
    }
    const lineStart = Math.max(start, chunk.lastIndexOf(LF, opening) + 1)
    const isOpened = isBlank(chunk, lineStart, opening)
    const end = chunk.indexOf(LF, opening)
    if (end !== -1) {
      if (isOpened) this.#tell(chunk.subarray(opening, end))
      return end + 1
    }
    if (isOpened) this.#hold(chunk, opening, chunk.length)
    else this.#pass()
    return chunk.length
  }

  /** Goes on with the line under way; returns where the next one starts. */
  #resume(chunk: Buffer): number {
    const end = chunk.indexOf(LF)
    if (!this.#isPassing) this.#hold(chunk, 0, end === -1 ? chunk.length : end)
    if (end === -1) return chunk.length
    this.end()
    return end + 1
  }

  /** No brace from here on: what matters is whether a line has begun, with something else. */
  #leave(chunk: Buffer, start: number): void {
    const lineStart = Math.max(start, chunk.lastIndexOf(LF) + 1)
    if (!isBlank(chunk, lineStart, chunk.length)) this.#pass()
  }

  /** Copies, because the chunk's memory belongs to the stream. */
  #hold(chunk: Buffer, from: number, to: number): void {
    const bytes = this.#heldBytes + (to - from)
    if (bytes > this.#maxBytes) {
      this.#pass()
      return
    }
    if (bytes > this.#held.length) this.#makeRoom(bytes)
    chunk.copy(this.#held, this.#heldBytes, from, to)
    this.#heldBytes = bytes
  }

  /** Twice what is needed, so that a line that comes byte by byte is not copied as often. */
  #makeRoom(bytes: number): void {
    const room = Buffer.allocUnsafeSlow(
      Math.min(this.#maxBytes, Math.max(SMALLEST_HOLD, bytes * 2)),
    )
    this.#held.copy(room, 0, 0, this.#heldBytes)
    this.#held = room
  }

  #pass(): void {
    this.#forget()
    this.#isPassing = true
  }

  #forget(): void {
    this.#held = NO_BYTES
    this.#heldBytes = 0
    this.#isPassing = false
  }

  #tell(line: Buffer): void {
    if (line.length > this.#maxBytes) return
    this.#onLine(line[line.length - 1] === CR ? line.subarray(0, -1) : line)
  }
}

/** Nothing but spaces, tabs, and bytes of a byte order mark. */
const isBlank = (bytes: Buffer, from: number, to: number): boolean => {
  for (let at = from; at < to; at += 1) if (!isBlankByte(bytes[at])) return false
  return true
}

const isBlankByte = (byte: number | undefined): boolean =>
  byte === 0x20 || byte === 0x09 || byte === 0xef || byte === 0xbb || byte === 0xbf
