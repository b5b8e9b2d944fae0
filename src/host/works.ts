/** The lives' other half: which runner does whose work, and what it reports back. */
import type { SupervisorEvent } from "../../machines/events.ts"
import type { AgentKey, BudgetStatus, Instant } from "../../machines/vocabulary.ts"
import type { Log } from "../log/log.ts"
import type { Report, Runner, Work, WorkContext } from "../runners/runner.ts"

export interface WorksOptions {
  readonly now: () => Instant
  readonly send: (event: SupervisorEvent) => void
  /** Resolves when everything decided so far is on disk, and says whether it got there. */
  readonly whenDurable: () => Promise<boolean>
  /** Whether an agent may still begin, asked after the wait. */
  readonly mayStart: (key: AgentKey, durable: boolean) => boolean
  readonly logger: Log
}

interface Entry {
  readonly runner: Runner
  work: Work | null
}

/** Work that was begun under another supervisor; its orders wait for whoever takes it over. */
interface Orphaned {
  readonly context: WorkContext
  interrupted: string | null
  killed: boolean
}

export class Works {
  private readonly entries = new Map<AgentKey, Entry>()
  private readonly orphaned = new Map<AgentKey, Orphaned>()
  private readonly options: WorksOptions

  constructor(options: WorksOptions) {
    this.options = options
  }

  /** Says who will do the work of an agent that is about to be asked for, or goes on with it. */
  prepare(key: AgentKey, runner: Runner): void {
    const entry = { runner, work: null }
    this.entries.set(key, entry)
    const orphan = this.orphaned.get(key)
    if (orphan === undefined) return
    this.orphaned.delete(key)
    this.begin(orphan.context, entry)
    if (orphan.interrupted !== null) this.interrupt(key, orphan.interrupted)
    if (orphan.killed) this.kill(key)
  }

  forget(key: AgentKey): void {
    this.entries.delete(key)
    this.orphaned.delete(key)
  }

  /** Starts nothing: its work lives, and waits for a runner that knows it. */
  resume(context: WorkContext): void {
    this.orphaned.set(context.key, { context, interrupted: null, killed: false })
  }

  /** Begins once the admission is durable: a crash in between leaves a row, never a stray. */
  start(context: WorkContext): void {
    const { key } = context
    this.options.whenDurable().then((durable) => {
      const entry = this.entries.get(key)
      if (entry === undefined) return
      if (this.options.mayStart(key, durable)) this.begin(context, entry)
      else this.neverBegan(key)
    })
  }

  interrupt(key: AgentKey, reason: string): void {
    const orphan = this.orphaned.get(key)
    if (orphan !== undefined) orphan.interrupted ??= reason
    this.obey(key, (work) => work.interrupt(reason))
  }

  kill(key: AgentKey): void {
    const orphan = this.orphaned.get(key)
    if (orphan !== undefined) orphan.killed = true
    this.obey(key, (work) => work.kill())
  }

  warn(key: AgentKey, status: BudgetStatus): void {
    this.obey(key, (work) => work.warn(status))
  }

  private obey(key: AgentKey, order: (work: Work) => void): void {
    const work = this.entries.get(key)?.work
    if (work === undefined || work === null) return
    // Outside the chart's own step: a runner's fault must not reach into it.
    queueMicrotask(() => {
      try {
        order(work)
      } catch (error) {
        this.options.logger.error({ key, err: error }, "a runner failed to obey")
      }
    })
  }

  private begin(context: WorkContext, entry: Entry): void {
    try {
      entry.work = entry.runner(context, this.reportFor(context.key))
    } catch (error) {
      this.reportFor(context.key).failed(String(error), null)
    }
  }

  private neverBegan(key: AgentKey): void {
    this.options.send({ type: "tree.reaped", at: this.options.now(), key, mechanism: "exited" })
  }

  private reportFor(key: AgentKey): Report {
    const { now, send } = this.options
    return {
      started: (process) => send({ type: "work.started", at: now(), key, process }),
      failed: (error, exitCode) => send({ type: "spawn.failed", at: now(), key, error, exitCode }),
      exited: (exit) => send({ type: "work.exited", at: now(), key, exit }),
      reaped: (mechanism) => send({ type: "tree.reaped", at: now(), key, mechanism }),
    }
  }
}
