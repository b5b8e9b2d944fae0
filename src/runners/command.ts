/**
 * Starts an agent that is a program, with a tree of processes of its own.
 *
 * Captured, it gets its own session and group. On a terminal it stays in the terminal's foreground
 * group, as under `timeout --foreground`, so interactive programs work; its tree then has no group
 * and is known by lineage and tag.
 */
import { type ChildProcess, spawn } from "node:child_process"
import type { ProcessIdentity } from "../../machines/vocabulary.ts"
import { PipesAhead } from "./captured-pipe.ts"
import { type ChildStdio, capturedOf, openChildStdio, type StdioKinds } from "./child-stdio.ts"
import { type Containment, findContainment } from "./containment.ts"
import type { TreeGuard } from "./guard-messages.ts"
import { systemTable } from "./process-table/system.ts"
import { identify, type ProcessTable } from "./process-table.ts"
import { processTree } from "./process-tree.ts"
import { explainSpawnError, findProgram, type SpawnFailure, spawnFailure } from "./program.ts"
import { RunningCommand } from "./running-command.ts"
import { type Kill, type Signaller, signaller } from "./signals.ts"
import { Sweeper, type SweeperPaces } from "./sweeper.ts"
import { childTagPath, TREE_TAG } from "./tree-tag.ts"

export interface CommandOptions {
  readonly command: string
  readonly args: readonly string[]
  /** Absolute. */
  readonly cwd: string
  /** The child's whole environment, but for the tag. */
  readonly env: Readonly<Record<string, string | undefined>>
  readonly stdio: StdioKinds
  /** Marks every process of the tree; unique for ever (the agent's key). */
  readonly tag: string
  /** Stay in the terminal's foreground group, without a session of its own. */
  readonly foreground?: boolean
  /** Run in a PID namespace. */
  readonly contain?: boolean
  /** What asks this program to end; SIGTERM where nothing else is known. */
  readonly stopSignal?: NodeJS.Signals
  /** How long the guard waits between asking and killing, should we die. */
  readonly graceMs?: number
}

export interface CommandLauncherOptions {
  readonly table?: ProcessTable
  readonly kill?: Kill
  readonly paces?: Partial<SweeperPaces>
  /** Tries out PID namespaces. */
  readonly containment?: () => Containment
  /** Told of every tree, so that it can end them if we cannot. */
  readonly guard?: TreeGuard
}

const DEFAULT_GRACE_MS = 5000

/** Starts commands and looks after their trees, all with one pass over the process table. */
export class CommandLauncher {
  readonly #table: ProcessTable
  readonly #signaller: Signaller
  readonly #guard: TreeGuard | undefined
  readonly #sweeper: Sweeper
  readonly #tryContainment: () => Containment
  readonly #pipes = new PipesAhead()
  #containment: Containment | undefined

  constructor(options: CommandLauncherOptions = {}) {
    this.#table = options.table ?? systemTable()
    this.#signaller = signaller(this.#table, options.kill)
    this.#guard = options.guard
    this.#tryContainment = options.containment ?? findContainment
    this.#sweeper = new Sweeper({
      table: this.#table,
      signaller: this.#signaller,
      ...(options.paces && { paces: options.paces }),
      onUntagged: (tree, identities) => this.#guard?.seen(tree.record.tag, identities),
    })
  }

  /** Whether `contain` can be kept here; tried once. */
  containment(): Containment {
    this.#containment ??= this.#tryContainment()
    return this.#containment
  }

  /** Makes what one command with these streams will need, so that its start need not wait for it. */
  prepare(stdio: StdioKinds): void {
    this.#pipes.prepare(capturedOf(stdio))
  }

  /** Starts one command; a program that cannot be started is an answer, not an error. */
  async start(options: CommandOptions): Promise<RunningCommand | SpawnFailure> {
    const line = this.#commandLine(options)
    if ("started" in line) return line
    const stdio = await openChildStdio(options.stdio, this.#pipes)
    // The guard hears of the tag before there is a child: dying in between leaves nobody behind.
    this.#tellGuard(options, null)
    const child = spawnChild(line, options, stdio)
    const started = child instanceof Error ? child : this.#adopt(child, options, stdio)
    if (started instanceof RunningCommand) return started
    stdio.release()
    this.#guard?.forget(options.tag)
    return explainSpawnError(options.command, started ?? (await spawnErrorOf(child)))
  }

  /** Stops looking after trees; kills nothing. */
  async close(): Promise<void> {
    this.#sweeper.close()
    await this.#pipes.close()
  }

  #commandLine(options: CommandOptions): CommandLine | SpawnFailure {
    const program = findProgram(options.command, options.cwd, options.env.PATH)
    if ("started" in program) return program
    if (!options.contain) {
      return { file: program.file, argv0: options.command, args: options.args }
    }
    const containment = this.containment()
    if (!containment.available) return spawnFailure("not_containable", containment.message)
    const [file = "unshare", ...words] = containment.prefix
    return { file, argv0: file, args: [...words, program.file, ...options.args] }
  }

  /** Null when the child was never born, an error when it was but could not be looked at. */
  #adopt(
    child: ChildProcess,
    options: CommandOptions,
    stdio: ChildStdio,
  ): RunningCommand | Error | null {
    if (child.pid === undefined) return null
    const leader = this.#identifyNewborn(child.pid, !options.foreground)
    if (leader instanceof Error) return leader
    this.#tellGuard(options, leader)
    const tree = processTree(this.#table, { tag: options.tag, leader })
    return new RunningCommand(child, {
      streams: stdio.take(child),
      identity: leader,
      swept: this.#sweeper.add(tree),
      signaller: this.#signaller,
      stopSignal: options.stopSignal,
      contained: options.contain ?? false,
      onReaped: () => this.#guard?.forget(options.tag),
    })
  }

  /**
   * In the turn of its birth the pid is surely the child's: even dead, it is not reaped yet.
   * A child we could not name we could not stop, so it is not kept.
   */
  #identifyNewborn(pid: number, ownSession: boolean): ProcessIdentity | Error {
    try {
      const identity = identify(this.#table, pid)
      if (identity !== null) return identity
      throw new Error(`The process table does not show the new process ${pid}.`)
    } catch (error) {
      process.kill(ownSession ? -pid : pid, "SIGKILL")
      return error instanceof Error ? error : new Error(String(error))
    }
  }

  #tellGuard(options: CommandOptions, leader: ProcessIdentity | null): void {
    this.#guard?.watch({
      tag: options.tag,
      leader,
      contained: options.contain ?? false,
      stopSignal: options.stopSignal ?? "SIGTERM",
      graceMs: options.graceMs ?? DEFAULT_GRACE_MS,
    })
  }
}

interface CommandLine {
  readonly file: string
  readonly argv0: string
  readonly args: readonly string[]
}

const spawnChild = (
  line: CommandLine,
  options: CommandOptions,
  stdio: ChildStdio,
): ChildProcess | Error => {
  const tagPath = childTagPath(process.env[TREE_TAG], options.tag)
  try {
    return spawn(line.file, line.args, {
      argv0: line.argv0,
      cwd: options.cwd,
      env: { ...options.env, [TREE_TAG]: tagPath },
      stdio: stdio.forSpawn,
      detached: !options.foreground,
    })
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error))
  }
}

/** A child without a pid tells why in the next tick. */
const spawnErrorOf = (child: ChildProcess | Error): Promise<Error> =>
  child instanceof Error
    ? Promise.resolve(child)
    : new Promise((resolve) => child.once("error", resolve))
