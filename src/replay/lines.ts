/** Lines of a byte stream: constant memory, whatever the length of the file or of a line. */

/** `bytes` is a view that is only valid until the next batch is asked for; null: the line was too long. */
export interface Line {
  readonly number: number
  readonly bytes: Buffer | null
}

const LF = 0x0a
const CR = 0x0d
const BOM = Buffer.from([0xef, 0xbb, 0xbf])

/** The longest line that is read; longer ones are told by their number alone. */
export const MAX_LINE_BYTES = 64 * 1024 * 1024

export const LINE_TOO_LONG = "the line is too long to be read"

/** Batches of lines without their ends (LF or CRLF) and without the byte order mark of the file. */
export async function* readLines(
  chunks: AsyncIterable<Buffer>,
  maxBytes: number = MAX_LINE_BYTES,
): AsyncGenerator<readonly Line[]> {
  const splitter = new LineSplitter(maxBytes)
  for await (const chunk of chunks) {
    const lines = splitter.push(chunk)
    if (lines.length > 0) yield lines
  }
  const last = splitter.end()
  if (last !== null) yield [last]
}

class LineSplitter {
  readonly #maxBytes: number
  #number = 0
  /** Pieces of a line whose end has not come yet; empty again once it is too long. */
  #pieces: Buffer[] = []
  #length = 0

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  push(chunk: Buffer): readonly Line[] {
    const lines: Line[] = []
    let start = 0
    for (let end = chunk.indexOf(LF); end !== -1; end = chunk.indexOf(LF, start)) {
      this.#take(chunk.subarray(start, end))
      lines.push(this.#finish())
      start = end + 1
    }
    // Copied, because the chunk may be one of a pool and its memory used again.
    if (start < chunk.length) this.#take(Buffer.from(chunk.subarray(start)))
    return lines
  }

  end(): Line | null {
    return this.#length === 0 ? null : this.#finish()
  }

  #take(piece: Buffer): void {
    this.#length += piece.length
    if (this.#length > this.#maxBytes) this.#pieces = []
    else this.#pieces.push(piece)
  }

  #finish(): Line {
    this.#number += 1
    const bytes = this.#length > this.#maxBytes ? null : trim(this.#joined(), this.#number === 1)
    this.#pieces = []
    this.#length = 0
    return { number: this.#number, bytes }
  }

  #joined(): Buffer {
    const [only] = this.#pieces
    return only !== undefined && this.#pieces.length === 1 ? only : Buffer.concat(this.#pieces)
  }
}

const trim = (line: Buffer, isFirst: boolean): Buffer => {
  const start = isFirst && line.subarray(0, 3).equals(BOM) ? 3 : 0
  const end = line.at(-1) === CR ? line.length - 1 : line.length
  return line.subarray(start, Math.max(start, end))
}
