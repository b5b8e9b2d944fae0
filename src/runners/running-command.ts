/** One started command: its streams, its end, and the steps to stop its tree. */
import type { ChildProcess } from "node:child_process"
import type { Readable, Writable } from "node:stream"
import type { ProcessIdentity } from "../../machines/vocabulary.ts"
import { endWhenDrained } from "./captured-output.ts"
import type { ChildStreams } from "./child-stdio.ts"
import { climb, type KillLadder, killLadder } from "./kill-ladder.ts"
import type { Signaller } from "./signals.ts"
import type { KillOutcome, SweptTree } from "./sweeper.ts"

/** How the leader ended: one of the two is null. */
export interface CommandExit {
  readonly exitCode: number | null
  readonly signal: NodeJS.Signals | null
}

export interface Tending {
  readonly streams: ChildStreams
  readonly identity: ProcessIdentity
  readonly swept: SweptTree
  readonly signaller: Signaller
  readonly stopSignal: NodeJS.Signals | undefined
  readonly contained: boolean
  readonly onReaped: () => void
}

export class RunningCommand {
  readonly started = true
  readonly identity: ProcessIdentity
  /** Null unless the stream is a pipe. Whoever asked for a pipe reads it. */
  readonly stdin: Writable | null
  readonly stdout: Readable | null
  readonly stderr: Readable | null
  /** The leader's end. Others of its tree may live on. */
  readonly exited: Promise<CommandExit>
  readonly #swept: SweptTree
  readonly #ladder: KillLadder

  constructor(child: ChildProcess, tending: Tending) {
    this.identity = tending.identity
    const { stdin, stdout, stderr } = tending.streams
    this.stdin = stdin
    this.stdout = stdout
    this.stderr = stderr
    this.#swept = tending.swept
    this.#ladder = killLadder(tending.swept, tending)
    this.exited = this.#watchExit(child)
    this.#swept.reaped.then(tending.onReaped)
    for (const stream of [stdout, stderr]) {
      if (stream !== null) endWhenDrained(stream, this.#swept.reaped)
    }
    // A child that reads no more is its own affair; without a listener the write would crash us.
    stdin?.on("error", () => {})
  }

  /** Asks the whole tree to end and wakes what is suspended; `signal` where the usual one is not meant. */
  requestStop(signal?: NodeJS.Signals): void {
    this.#ladder.requestStop(signal)
  }

  /** Kills the tree until nothing lives; resolves at the end, or with what survives after 5 s, and goes on. */
  killTree(): Promise<KillOutcome> {
    return this.#ladder.killTree()
  }

  /** Resolves when the leader has ended and no process of the tree is alive. Stops nobody. */
  async reaped(): Promise<void> {
    await Promise.all([this.exited, this.#swept.reaped])
  }

  /** For when the leader has ended by itself: what it left behind gets the whole ladder. */
  sweepAfterExit(graceMs: number): Promise<KillOutcome> {
    return climb(this.#ladder, graceMs)
  }

  /** Stops the whole tree in its tracks. Not SIGTSTP, which a session without a terminal ignores. */
  suspend(): void {
    this.#ladder.signal("SIGSTOP")
  }

  resume(): void {
    this.#ladder.signal("SIGCONT")
  }

  /** Who of the tree lives now. */
  members(): readonly ProcessIdentity[] {
    const { bootId } = this.identity
    return this.#swept.members().map(({ pid, startTime }) => ({ pid, startTime, bootId }))
  }

  #watchExit(child: ChildProcess): Promise<CommandExit> {
    const exit = Promise.withResolvers<CommandExit>()
    child.once("exit", (exitCode, signal) => {
      this.#swept.tree.leaderEnded()
      this.#swept.expectEnd()
      exit.resolve({ exitCode, signal })
    })
    // A failed kill is reported by the ladder, not here.
    child.on("error", () => {})
    return exit.promise
  }
}
