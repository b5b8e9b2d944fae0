/** Bytes put together from chunks: copied, because a chunk's memory belongs to its stream. */
const SMALLEST = 1024
const NONE: Buffer = Buffer.alloc(0)

export class GrowingBytes {
  #room = NONE
  #length = 0

  get length(): number {
    return this.#length
  }

  /** A view, valid until the next change. */
  get bytes(): Buffer {
    return this.#room.subarray(0, this.#length)
  }

  add(chunk: Buffer, from = 0, to = chunk.length): void {
    const length = this.#length + (to - from)
    if (length > this.#room.length) this.#makeRoom(length)
    chunk.copy(this.#room, this.#length, from, to)
    this.#length = length
  }

  /** Empties it, and lets the memory go unless it is small. */
  clear(): void {
    if (this.#room.length > SMALLEST * 64) this.#room = NONE
    this.#length = 0
  }

  /** Twice what is needed, so that what comes byte by byte is not copied as often. */
  #makeRoom(length: number): void {
    const room = Buffer.allocUnsafeSlow(Math.max(SMALLEST, length * 2))
    this.#room.copy(room, 0, 0, this.#length)
    this.#room = room
  }
}
