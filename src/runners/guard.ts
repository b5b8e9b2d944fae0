/**
 * The supervisor's side of its guard: starts it, tells it of every tree, and replaces it when it dies.
 */
import { type ChildProcess, spawn } from "node:child_process"
import { Socket } from "node:net"
import { extname } from "node:path"
import { fileURLToPath } from "node:url"
import type { ProcessIdentity } from "../../machines/vocabulary.ts"
import {
  encodeMessage,
  type GuardedTree,
  type GuardMessage,
  type TreeGuard,
} from "./guard-messages.ts"

/** The guard keeps dying: while there is none, our own death would leave agents behind. */
export interface GuardLost {
  readonly message: string
}

export interface GuardOptions {
  /** Called each time a dead guard has been replaced. */
  readonly onReplaced?: (pid: number) => void
}

const NAME = "./guard-main"
/** The program lies beside this file, as source or compiled. */
const PROGRAM = fileURLToPath(new URL(NAME + extname(import.meta.url), import.meta.url))
/** A guard holds a few kilobytes; the bound keeps a mistake in it from growing. */
const NODE_FLAGS = ["--no-warnings", "--max-old-space-size=32"]
/** More deaths than this within the window are no accident, and are reported. */
const MOST_DEATHS = 5
const DEATHS_WITHIN_MS = 60_000
/** The first death is answered at once, each further one within the window twice as late. */
const FIRST_PAUSE_MS = 100
const LONGEST_PAUSE_MS = 10_000

export class Guard implements TreeGuard {
  /** Resolves when the guard cannot be kept alive. It is still tried, more and more slowly. */
  readonly lost: Promise<GuardLost>
  readonly #onReplaced: (pid: number) => void
  readonly #lost = Promise.withResolvers<GuardLost>()
  readonly #trees = new Map<string, GuardedTree>()
  readonly #seen = new Map<string, readonly ProcessIdentity[]>()
  #process: ChildProcess | null = null
  #deathsMs: readonly number[] = []
  #isReplacing = false
  #ended = false

  constructor(options: GuardOptions = {}) {
    this.lost = this.#lost.promise
    this.#onReplaced = options.onReplaced ?? (() => {})
  }

  /** Of the present guard; null when it could not be started, or nobody has needed it yet. */
  get pid(): number | null {
    return this.#process?.pid ?? null
  }

  /** Launches it, where it is not yet: it takes as long as a small program to begin. */
  start(): void {
    if (!this.#ended && !this.#isReplacing) this.#process ??= this.#launch()
  }

  /** Makes the guard stop this tree should we die. Said again, it replaces what was said before. */
  watch(tree: GuardedTree): void {
    this.start()
    this.#trees.set(tree.tag, tree)
    this.#tell({ tree })
  }

  /** Tells of a tree's processes which its record alone would not find; replaces what was told before. */
  seen(tag: string, identities: readonly ProcessIdentity[]): void {
    this.#seen.set(tag, identities)
    this.#tell({ seen: { tag, identities } })
  }

  /** The tree is over. */
  forget(tag: string): void {
    this.#trees.delete(tag)
    this.#seen.delete(tag)
    this.#tell({ gone: tag })
  }

  /**
   * Ends the guard without harm to any tree; resolves when it is gone. It is told, and then killed:
   * what it was told makes it end as well, only later, and it may not even have begun.
   */
  async goodbye(): Promise<void> {
    if (this.#ended) return
    this.#ended = true
    const guard = this.#process
    if (guard?.pid === undefined || guard.exitCode !== null || guard.signalCode !== null) return
    const over = new Promise((resolve) => guard.once("exit", resolve))
    guard.ref()
    this.#tell({ bye: true })
    guard.stdin?.end()
    guard.kill("SIGKILL")
    await over
  }

  #tell(message: GuardMessage): void {
    this.#process?.stdin?.write(encodeMessage(message))
  }

  /** Null where the system would not even hear of it; then, as after a death, it is tried again. */
  #launch(): ChildProcess | null {
    try {
      return this.#attended(spawnGuard())
    } catch {
      this.#tryAgain()
      return null
    }
  }

  #attended(child: ChildProcess): ChildProcess {
    // Both may come for one death; the second finds the guard replaced.
    child.once("error", () => this.#replace(child))
    child.once("exit", () => this.#replace(child))
    // There is no pipe where no descriptor is left: the error is still to come then, as for any other.
    child.stdin?.on("error", () => {})
    // A guard is no reason for its supervisor to stay.
    child.unref()
    if (child.stdin instanceof Socket) child.stdin.unref()
    return child
  }

  #replace(dead: ChildProcess): void {
    if (dead === this.#process) this.#tryAgain()
  }

  #tryAgain(): void {
    if (this.#ended || this.#isReplacing) return
    const nowMs = performance.now()
    this.#deathsMs = [...this.#deathsMs, nowMs].filter((at) => at > nowMs - DEATHS_WITHIN_MS)
    const deaths = this.#deathsMs.length
    if (deaths > MOST_DEATHS) this.#lost.resolve({ message: lostMessage(deaths) })
    const pauseMs = deaths === 1 ? 0 : FIRST_PAUSE_MS * 2 ** (deaths - 2)
    this.#isReplacing = true
    setTimeout(() => this.#relaunch(), Math.min(pauseMs, LONGEST_PAUSE_MS)).unref()
  }

  #relaunch(): void {
    this.#isReplacing = false
    if (this.#ended) return
    const guard = this.#launch()
    this.#process = guard
    for (const tree of this.#trees.values()) this.#tell({ tree })
    for (const [tag, identities] of this.#seen) this.#tell({ seen: { tag, identities } })
    if (guard?.pid !== undefined) this.#onReplaced(guard.pid)
  }
}

const spawnGuard = (): ChildProcess => {
  // Loaders and debuggers of ours are not for the guard.
  const { NODE_OPTIONS: _, ...env } = process.env
  return spawn(process.execPath, [...NODE_FLAGS, PROGRAM], {
    cwd: "/",
    env,
    // Its own session: what the terminal sends to the supervisor does not reach it.
    detached: true,
    stdio: ["pipe", "ignore", "ignore"],
  })
}

const lostMessage = (deaths: number): string =>
  `The guard (${PROGRAM}) ended ${deaths} times within ${DEATHS_WITHIN_MS / 1000} s. Until it stays up, agents outlive a crash of this program and are stopped at its next start. Check memory and process limits.`

/** Starts the guard of this process. */
export const startGuard = (options: GuardOptions = {}): Guard => {
  const guard = new Guard(options)
  guard.start()
  return guard
}
