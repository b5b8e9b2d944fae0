/** Runs a program as an agent: a child with a tree of its own, which can always be stopped. */
import type { Mechanism } from "../../machines/vocabulary.ts"
import type { CommandLauncher, CommandOptions } from "./command.ts"
import { explainSpawnError, type SpawnFailure } from "./program.ts"
import type { Report, Runner, Work, WorkContext } from "./runner.ts"
import type { CommandExit, RunningCommand } from "./running-command.ts"
import type { KillOutcome } from "./sweeper.ts"

/** A command, but for what its admission decides: tag and names in its environment. */
export interface AgentCommand extends Omit<CommandOptions, "tag"> {
  /** Called in the turn of its birth, so that whoever reads its output misses nothing. */
  readonly onStarted?: (command: RunningCommand) => void
  /** Resolves when what it printed has been read; its end is told only then. */
  readonly drained?: () => Promise<void>
  /** Called when something of it has survived being killed for some seconds. */
  readonly onUnkillable?: (pids: readonly number[]) => void
}

export const commandRunner =
  (launcher: CommandLauncher, command: AgentCommand): Runner =>
  (context, report) =>
    new CommandWork(launcher, command, context, report)

class CommandWork implements Work {
  readonly #command: AgentCommand
  readonly #report: Report
  #running: RunningCommand | null = null
  #interrupted = false
  #killed = false

  constructor(
    launcher: CommandLauncher,
    command: AgentCommand,
    context: WorkContext,
    report: Report,
  ) {
    this.#command = command
    this.#report = report
    this.#live(launcher, context)
  }

  interrupt(): void {
    this.#interrupted = true
    this.#running?.requestStop()
  }

  kill(): void {
    this.#killed = true
    this.#running?.killTree().then((outcome) => this.#tellSurvivors(outcome))
  }

  /** A program has no ear for warnings. */
  warn(): void {}

  async #live(launcher: CommandLauncher, context: WorkContext): Promise<void> {
    const started = await this.#start(launcher, context)
    if (!started.started) {
      this.#report.failed(started.message, started.exitCode)
      return
    }
    this.#running = started
    this.#command.onStarted?.(started)
    this.#report.started(started.identity)
    // Orders that came while it was being born.
    if (this.#interrupted) this.interrupt()
    if (this.#killed) this.kill()
    const exit = await started.exited
    const mechanism = this.#mechanismOf(exit)
    this.#report.exited({
      outcome: exit.exitCode === 0 ? "completed" : "failed",
      mechanism,
      exitCode: exit.exitCode,
      signal: exit.signal,
      error: null,
      treeGone: false,
    })
    await started.reaped()
    await this.#command.drained?.()
    this.#report.reaped(mechanism)
  }

  async #start(
    launcher: CommandLauncher,
    { key, agentId, taskId }: WorkContext,
  ): Promise<RunningCommand | SpawnFailure> {
    const env = { ...this.#command.env, STINT_AGENT_ID: agentId, STINT_TASK_ID: taskId }
    try {
      return await launcher.start({ ...this.#command, env, tag: key })
    } catch (error) {
      return explainSpawnError(this.#command.command, error)
    }
  }

  /** Who ends with status 0 has ended by itself, even when asked to. */
  #mechanismOf({ exitCode, signal }: CommandExit): Mechanism {
    if (this.#killed && signal === "SIGKILL") return "kill"
    return this.#interrupted && exitCode !== 0 ? "term" : "exited"
  }

  #tellSurvivors(outcome: KillOutcome): void {
    if (!outcome.reaped) this.#command.onUnkillable?.(outcome.unkillable)
  }
}
