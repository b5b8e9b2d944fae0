/** What a command that prints and is done needs of the world around it. */
import { Readable, type Writable } from "node:stream"
import { pipeline } from "node:stream/promises"
import type { Environment } from "../../config/environment.ts"
import { ConfigurationError } from "../../config/problem.ts"
import { LedgerUnavailable } from "../../ledger/ledger.ts"
import { BadCall } from "./arguments.ts"
import { EXIT } from "./exit-status.ts"

export type Output = Writable & { readonly isTTY?: boolean }

export interface CommandIo {
  readonly stdout: Output
  readonly stderr: Output
  readonly env: Environment
  readonly cwd: string
  /** Width of the terminal, where there is one. */
  readonly columns: number | undefined
  /** Standard output is a terminal. */
  readonly isTTY: boolean
}

export const wantsColour = (env: Environment, isTerminal: boolean): boolean => {
  if (env.NO_COLOR) return false
  if (env.FORCE_COLOR) return env.FORCE_COLOR !== "0"
  return isTerminal && env.TERM !== "dumb"
}

/** As fast as it is read on the other side; the stream stays open. */
export const write = (
  stream: Writable,
  chunks: Iterable<string> | AsyncIterable<string>,
): Promise<void> => pipeline(Readable.from(chunks), stream, { end: false })

export const say = (io: Pick<CommandIo, "stderr">, text: string): Promise<void> =>
  write(
    io.stderr,
    text.split("\n").map((line) => `stint: ${line}\n`),
  )

/** Runs a command: mistakes and circumstances are told in words, anything else is a bug. */
export const told = async (
  io: Pick<CommandIo, "stderr">,
  command: () => Promise<number>,
): Promise<number> => {
  try {
    return await command()
  } catch (error) {
    // Whoever read the output has seen enough of it.
    if (isBrokenPipe(error)) return EXIT.completed
    if (!isTold(error)) throw error
    await say(io, error.message)
    return EXIT.stintFailed
  }
}

const isTold = (error: unknown): error is Error =>
  error instanceof BadCall ||
  error instanceof ConfigurationError ||
  error instanceof LedgerUnavailable

const isBrokenPipe = (error: unknown): boolean =>
  error instanceof Error && "code" in error && error.code === "EPIPE"
