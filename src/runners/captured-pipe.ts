/**
 * Real pipes for captured output.
 *
 * Node captures through sockets, and a socket cannot be opened by name: a script that writes to
 * `/dev/stderr`, or `tee /dev/stdout`, fails under it. Whoever runs under us must not notice, so
 * the pipes are made as named ones, opened, and unlinked before the child is born.
 */
import { execFile } from "node:child_process"
import { closeSync, constants, openSync } from "node:fs"
import { mkdtemp, rm } from "node:fs/promises"
import { Socket } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { promisify } from "node:util"

/** One end is ours to read; the other, a descriptor, is for the child and is closed once it has it. */
export interface CapturedPipe {
  readonly reader: Socket
  readonly writerFd: number
}

/** Pipes made before they are needed: making them runs a program, which takes its time. */
export class PipesAhead {
  #made: Promise<readonly CapturedPipe[] | null> | null = null
  #count = 0

  prepare(count: number): void {
    if (this.#made !== null || count === 0) return
    this.#count = count
    this.#made = openPipes(count)
  }

  /** Those that were prepared, if they are as many; otherwise new ones. */
  take(count: number): Promise<readonly CapturedPipe[] | null> {
    if (this.#made === null || this.#count !== count) return openPipes(count)
    const made = this.#made
    this.#made = null
    return made
  }

  /** Gives back what nobody took. */
  async close(): Promise<void> {
    const made = this.#made
    this.#made = null
    for (const { reader, writerFd } of (await made) ?? []) {
      closeSync(writerFd)
      reader.destroy()
    }
  }
}

/** Null where this system offers none: Node's own capture has to do then. */
export const openPipes = async (count: number): Promise<readonly CapturedPipe[] | null> => {
  if (count === 0 || process.platform !== "linux") return null
  const folder = await mkdtemp(join(tmpdir(), "stint-pipe-")).catch(() => null)
  if (folder === null) return null
  try {
    const paths = Array.from({ length: count }, (_, index) => join(folder, String(index)))
    await promisify(execFile)("mkfifo", ["-m", "600", ...paths])
    return openAll(paths)
  } catch {
    return null
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** Opens all or none: with some descriptors left and others not, what was opened is given back. */
const openAll = (paths: readonly string[]): readonly CapturedPipe[] => {
  const fds: number[] = []
  const open = (path: string, flags: number): number => {
    const fd = openSync(path, flags)
    fds.push(fd)
    return fd
  }
  try {
    // Without a reader the writer's opening would block, so the reader comes first and does not wait.
    const ends = paths.map((path) => ({
      readerFd: open(path, constants.O_RDONLY | constants.O_NONBLOCK),
      writerFd: open(path, constants.O_WRONLY),
    }))
    return ends.map(({ readerFd, writerFd }) => ({
      reader: new Socket({ fd: readerFd, readable: true, writable: false }),
      writerFd,
    }))
  } catch (error) {
    for (const fd of fds) closeSync(fd)
    throw error
  }
}
