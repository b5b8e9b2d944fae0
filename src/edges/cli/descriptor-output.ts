/**
 * Our standard output and error, written without ever waiting.
 *
 * Node writes to terminals synchronously, and to a pipe as well once a child shares its open file:
 * a reader that stalls would then stall the whole of Stint, its limits too. Here the thread pool
 * waits. The descriptor is not made non-blocking either, which would show in whoever shares it.
 */
import { write, writeSync } from "node:fs"
import { Writable } from "node:stream"
import { isatty } from "node:tty"
import { letGo } from "./chunk-memory.ts"

/** Between attempts at a pipe that somebody else made non-blocking. */
const FULL_PIPE_PACE_MS = 10

type Written = (error?: Error | null) => void

export class DescriptorOutput extends Writable {
  readonly isTTY: boolean
  readonly #fd: number
  readonly #size: () => { readonly columns?: number; readonly rows?: number }

  /** `size` is asked on a terminal only. */
  constructor(fd: number, size: () => { readonly columns?: number; readonly rows?: number }) {
    super({ decodeStrings: true })
    this.#fd = fd
    this.#size = size
    this.isTTY = isatty(fd)
    // Whoever reads may leave; who wants to know listens as well.
    this.on("error", () => {})
  }

  get columns(): number | undefined {
    return this.isTTY ? this.#size().columns : undefined
  }

  get rows(): number | undefined {
    return this.isTTY ? this.#size().rows : undefined
  }

  /** For the last moment of the process, when nothing asynchronous happens any more. */
  writeNow(text: string): void {
    try {
      writeSync(this.#fd, text)
    } catch {
      // The reader is gone, or full: nobody is there to read it.
    }
  }

  /** Writes a chunk that nobody else uses, and lets its memory go as soon as it is written. */
  give(chunk: Buffer): boolean {
    return this.write(chunk, () => letGo(chunk))
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, written: Written): void {
    this.#put(chunk, written)
  }

  override _writev(chunks: { readonly chunk: Buffer }[], written: Written): void {
    const all = Buffer.concat(chunks.map(({ chunk }) => chunk))
    this.#put(all, (error) => {
      letGo(all)
      written(error)
    })
  }

  #put(bytes: Buffer, written: Written): void {
    write(this.#fd, bytes, 0, bytes.length, null, (error, count) => {
      if (error?.code === "EAGAIN") setTimeout(() => this.#put(bytes, written), FULL_PIPE_PACE_MS)
      else if (error !== null || count === bytes.length) written(error)
      else this.#put(bytes.subarray(count), written)
    })
  }
}

export const standardOutput = (): DescriptorOutput => new DescriptorOutput(1, () => process.stdout)
export const standardError = (): DescriptorOutput => new DescriptorOutput(2, () => process.stderr)
