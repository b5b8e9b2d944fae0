/**
 * The host: runs the machines. Events go in stamped; rows, answers and commands come out.
 *
 * Deciding is synchronous: when `send` returns, the decision is made and readable. Only what
 * must not happen before it is on disk waits: answers and the start of work.
 */
import type { Logger } from "pino"
import { type Actor, createActor, type InspectionEvent } from "xstate"
import { agentMachine } from "../../machines/agent.ts"
import { createAgentPool } from "../../machines/agent-pool.ts"
import { agentOf, type Budget, isActive, type LiveAgent } from "../../machines/budget/budget.ts"
import { livesOf } from "../../machines/budget/recovery.ts"
import type { Row } from "../../machines/budget/row.ts"
import type { BudgetSettings } from "../../machines/budget/settings.ts"
import type { AgentSummary } from "../../machines/budget/summary.ts"
import { createDeadlines } from "../../machines/deadlines.ts"
import type { SupervisorEvent } from "../../machines/events.ts"
import type { Fact } from "../../machines/facts.ts"
import { supervisorMachine } from "../../machines/supervisor.ts"
import type { Answer } from "../../machines/supervisor-setup.ts"
import type { AgentKey, Instant } from "../../machines/vocabulary.ts"
import type { LedgerService } from "../ledger/ledger.ts"
import type { Runner } from "../runners/runner.ts"
import type { Clock } from "./clock.ts"
import { recoverBudget, startBudget } from "./recover.ts"
import { Upkeep } from "./upkeep.ts"
import { Works } from "./works.ts"

export interface HostOptions {
  readonly ledger: LedgerService
  readonly clock: Clock
  readonly settings: BudgetSettings
  readonly logger: Logger
  readonly retentionDays: number
  readonly inspect?: (event: InspectionEvent) => void
  readonly onClosed?: () => void
  /** Stops what is left of agents that outlived their supervisor, before anything is admitted. */
  readonly sweep?: Sweep
}

export type Sweep = (lost: readonly LiveAgent[]) => Promise<void>

type FactListener = (fact: Fact) => void

export class Host {
  readonly ledger: LedgerService
  readonly clock: Clock
  readonly logger: Logger
  private readonly options: HostOptions
  private readonly actor: Actor<typeof supervisorMachine>
  private readonly works: Works
  private readonly answers = new Map<string, (answer: Answer) => void>()
  private readonly endings = new Map<AgentKey, (agent: AgentSummary) => void>()
  private readonly listeners = new Set<FactListener>()
  private readonly stopListeningToLedger: () => void
  private readonly upkeep: Upkeep
  private lastSeq: number
  private closed = false

  /** Recovers what the ledger remembers, ends who was lost, and proves that the limiter limits. */
  static async start(options: HostOptions): Promise<Host> {
    const recovered = await recoverBudget(options.ledger)
    await options.sweep?.(livesOf(recovered))
    const decision = startBudget(recovered, options.settings, options.clock.now())
    options.ledger.append(decision.rows)
    await options.ledger.durable(decision.after.seq)
    return new Host(options, decision.after)
  }

  private constructor(options: HostOptions, budget: Budget) {
    this.options = options
    this.ledger = options.ledger
    this.clock = options.clock
    this.logger = options.logger
    this.lastSeq = budget.seq
    this.upkeep = new Upkeep({ ...options, budget: () => this.budget }, budget.seq)
    this.works = this.makeWorks()
    this.actor = this.makeActor(budget)
    this.actor.on("*", (fact) => this.publish(fact))
    this.actor.subscribe({
      error: (error) => this.logger.fatal({ err: error }, "the chart failed"),
    })
    this.stopListeningToLedger = this.ledger.onHealth((error) => this.noteHealth(error))
    this.actor.start()
    this.upkeep.retain(budget.window)
  }

  get budget(): Budget {
    return this.actor.getSnapshot().context.budget
  }

  get settings(): BudgetSettings {
    return this.budget.settings
  }

  get queue() {
    return this.actor.getSnapshot().context.queue
  }

  get stateValue() {
    return this.actor.getSnapshot().value
  }

  now(): Instant {
    return this.clock.now()
  }

  /** What is said after the end is lost on purpose: no row would remember it. */
  send(event: SupervisorEvent): void {
    if (!this.closed) this.actor.send(event)
  }

  /** Sends a request and resolves with its answer once that is decided and durable. */
  async ask(id: string, event: SupervisorEvent): Promise<Answer & { readonly durable: boolean }> {
    const decided = new Promise<Answer>((resolve) => this.answers.set(id, resolve))
    this.send(event)
    const answer = await decided
    return { ...answer, durable: await this.whenDurable(answer.seq) }
  }

  /** The asker no longer waits for an answer. */
  stopAsking(id: string): void {
    this.answers.delete(id)
  }

  /** Says who will do the work of an agent about to be asked for, and who waits for its end. */
  expect(key: AgentKey, runner: Runner, onEnded: (agent: AgentSummary) => void): void {
    this.works.prepare(key, runner)
    this.endings.set(key, onEnded)
  }

  /** It was not admitted after all. */
  forget(key: AgentKey): void {
    this.works.forget(key)
    this.endings.delete(key)
  }

  onFact(listener: FactListener): () => void {
    this.listeners.add(listener)
    return () => this.listeners.delete(listener)
  }

  /** Resolves when no slot is taken and what ended the last one is written, if it can be. */
  async whenIdle(): Promise<void> {
    await new Promise<void>((resolve) => {
      const check = (): void => {
        if (this.budget.slotsTaken > 0) return
        stopListening()
        resolve()
      }
      const stopListening = this.onFact(({ type }) => {
        if (type === "agent.ended") queueMicrotask(check)
      })
      check()
    })
    await this.whenDurable()
  }

  /** False when writing failed; the rows then wait, and are written when it works again. */
  whenDurable(seq: number = this.lastSeq): Promise<boolean> {
    return this.ledger.durable(seq).then(
      () => true,
      () => false,
    )
  }

  /** Everything decided so far, on disk; rejects with `LedgerUnavailable`. */
  flush(): Promise<void> {
    return this.ledger.durable(this.lastSeq)
  }

  async close(): Promise<void> {
    this.stopListeningToLedger()
    this.clock.keepAlive(false)
    await this.upkeep.close()
    this.closed = true
    this.actor.stop()
    this.options.onClosed?.()
    await this.ledger.close()
  }

  private makeWorks(): Works {
    return new Works({
      now: () => this.now(),
      send: (event) => this.send(event),
      whenDurable: () => this.whenDurable(),
      mayStart: (key, durable) => this.mayStart(key, durable),
      logger: this.logger,
    })
  }

  private makeActor(budget: Budget): Actor<typeof supervisorMachine> {
    const { works } = this
    const agentLogic = agentMachine.provide({
      actions: {
        startWork: (_, context) => works.start(context),
        interrupt: ({ context }, { key }) => works.interrupt(key, context.reason ?? "stopped"),
        killTree: (_, { key }) => works.kill(key),
        warn: (_, { key, status }) => works.warn(key, status),
      },
    })
    const logic = supervisorMachine.provide({
      actors: {
        pool: createAgentPool(agentLogic),
        deadlines: createDeadlines(this.clock.makeAlarm),
      },
      actions: {
        append: (_, { rows }) => this.append(rows),
        reply: (_, answer) => this.reply(answer),
      },
    })
    const { inspect } = this.options
    return createActor(logic, {
      input: { budget, at: this.now() },
      ...(inspect === undefined ? {} : { inspect }),
    })
  }

  private append(rows: readonly Row[]): void {
    this.lastSeq = rows.at(-1)?.seq ?? this.lastSeq
    this.ledger.append(rows)
    this.upkeep.note(rows)
  }

  private reply(answer: Answer): void {
    const resolve = this.answers.get(answer.id)
    this.answers.delete(answer.id)
    resolve?.(answer)
  }

  /** Hard mode begins nothing that no row remembers; soft mode goes on while the rows wait. */
  private mayStart(key: AgentKey, durable: boolean): boolean {
    const agent = agentOf(this.budget, key)
    if (agent === undefined || !isActive(agent)) return false
    return durable || !this.settings.enforceHardLimits
  }

  private publish(fact: Fact): void {
    this.attend(fact)
    for (const listener of this.listeners) {
      try {
        listener(fact)
      } catch (error) {
        this.logger.error({ err: error, fact: fact.type }, "a listener failed")
      }
    }
  }

  private attend(fact: Fact): void {
    if (fact.type !== "agent.admitted" && fact.type !== "agent.ended") return
    // After this step: an account without a slot is nobody's life.
    queueMicrotask(() => this.clock.keepAlive(this.budget.slotsTaken > 0))
    if (fact.type === "agent.admitted") return
    this.endings.get(fact.key)?.(fact.agent)
    this.forget(fact.key)
  }

  private noteHealth(error: Error | null): void {
    const at = this.now()
    if (error === null) {
      this.logger.warn("the ledger can be written again")
      this.send({ type: "ledger.recovered", at })
      return
    }
    this.logger.error({ err: error }, "the ledger cannot be written")
    this.send({ type: "ledger.failed", at })
  }
}
