/**
 * Whole JSON documents of a byte stream, printed over many lines: from a line that is `{` alone to
 * one that is `}` alone. A document longer than the bound is let go, and so is one never closed.
 */
import { LINE_BYTES_MAX } from "./line-reader.ts"

const LF = 0x0a
/** A brace, a CR, and one byte more to know that the line goes on. */
const HEAD_BYTES = 3
const OPENING = Buffer.from("{")

export class DocumentReader {
  readonly #maxBytes: number
  readonly #onDocument: (text: string) => void
  /** How the line under way begins. */
  #head = ""
  /** What has come since an opening brace, without line ends; null outside of a document. */
  #parts: Buffer[] | null = null
  #bytes = 0

  constructor(onDocument: (text: string) => void, maxBytes: number = LINE_BYTES_MAX) {
    this.#onDocument = onDocument
    this.#maxBytes = maxBytes
  }

  push(chunk: Buffer): void {
    let start = 0
    while (start < chunk.length) {
      const end = chunk.indexOf(LF, start)
      this.#append(chunk.subarray(start, end === -1 ? chunk.length : end))
      if (end === -1) return
      this.#endLine()
      start = end + 1
    }
  }

  /** The last line needs no line end. */
  end(): void {
    this.#endLine()
    this.#parts = null
  }

  /** Copies, because the chunk's memory belongs to the stream. */
  #append(part: Buffer): void {
    if (this.#head.length < HEAD_BYTES)
      this.#head += part.toString("latin1", 0, HEAD_BYTES - this.#head.length)
    if (this.#parts === null) return
    this.#bytes += part.length
    if (this.#bytes > this.#maxBytes) this.#parts = null
    else this.#parts.push(Buffer.from(part))
  }

  #endLine(): void {
    const line = this.#head.endsWith("\r") ? this.#head.slice(0, -1) : this.#head
    this.#head = ""
    if (line === "{") {
      this.#parts = [OPENING]
      this.#bytes = OPENING.length
    } else if (line === "}" && this.#parts !== null) {
      const text = Buffer.concat(this.#parts).toString("utf8")
      this.#parts = null
      this.#onDocument(text)
    }
  }
}
