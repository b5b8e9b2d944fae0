/** The three streams of a child: what it is given, and what we keep. */
import type { ChildProcess, StdioOptions } from "node:child_process"
import { closeSync } from "node:fs"
import { Socket } from "node:net"
import type { Writable } from "node:stream"
import type { CapturedPipe, PipesAhead } from "./captured-pipe.ts"

export type StdioKind = "inherit" | "pipe" | "ignore"
export type StdioKinds = readonly [stdin: StdioKind, stdout: StdioKind, stderr: StdioKind]

/** Null where the stream is not ours. */
export interface ChildStreams {
  readonly stdin: Writable | null
  readonly stdout: Socket | null
  readonly stderr: Socket | null
}

export interface ChildStdio {
  /** For `spawn`. */
  readonly forSpawn: StdioOptions
  /** Takes the streams of a started child, and lets go of the ends that are the child's alone. */
  readonly take: (child: ChildProcess) => ChildStreams
  /** When there is no child. */
  readonly release: () => void
}

/** How many pipes of ours that takes. */
export const capturedOf = ([_, stdout, stderr]: StdioKinds): number =>
  [stdout, stderr].filter((kind) => kind === "pipe").length

export const openChildStdio = async (kinds: StdioKinds, ahead: PipesAhead): Promise<ChildStdio> => {
  const [stdin, stdout, stderr] = kinds
  const pipes = [...((await ahead.take(capturedOf(kinds))) ?? [])]
  const out = stdout === "pipe" ? pipes.shift() : undefined
  const err = stderr === "pipe" ? pipes.shift() : undefined
  const letGo = (): void => {
    for (const pipe of [out, err]) if (pipe !== undefined) closeSync(pipe.writerFd)
  }
  return {
    forSpawn: [stdin, out?.writerFd ?? stdout, err?.writerFd ?? stderr],
    take: (child) => {
      letGo()
      return {
        stdin: child.stdin,
        stdout: readerOf(out, child.stdout),
        stderr: readerOf(err, child.stderr),
      }
    },
    release: () => {
      letGo()
      for (const pipe of [out, err]) pipe?.reader.destroy()
    },
  }
}

const readerOf = (pipe: CapturedPipe | undefined, own: unknown): Socket | null =>
  pipe?.reader ?? (own instanceof Socket ? own : null)
