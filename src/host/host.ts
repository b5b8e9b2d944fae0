/**
 * The host: runs the machines. Events go in stamped; rows, answers and commands come out.
 *
 * Deciding is synchronous: when `send` returns, the decision is made and readable. Only what
 * must not happen before it is on disk waits: answers and the start of work.
 */
import type { Actor, InspectionEvent } from "xstate"
import { closed as closedDoor } from "../../machines/budget/admission.ts"
import { agentOf, type Budget, isActive } from "../../machines/budget/budget.ts"
import type { Row } from "../../machines/budget/row.ts"
import type { BudgetSettings } from "../../machines/budget/settings.ts"
import type { AgentSummary } from "../../machines/budget/summary.ts"
import type { SupervisorEvent } from "../../machines/events.ts"
import type { Fact } from "../../machines/facts.ts"
import { lengthOf } from "../../machines/queue.ts"
import type { supervisorMachine } from "../../machines/supervisor.ts"
import type { Answer } from "../../machines/supervisor-setup.ts"
import type { AgentKey, HoldId, Instant } from "../../machines/vocabulary.ts"
import { type LedgerService, LedgerUnavailable, type Patience } from "../ledger/ledger.ts"
import type { Log } from "../log/log.ts"
import type { Runner } from "../runners/runner.ts"
import { actorOf } from "./actor.ts"
import type { Held } from "./agent.ts"
import type { Clock } from "./clock.ts"
import { type FactListener, Facts } from "./facts.ts"
import { recoverAndStart, type StartOptions } from "./recover.ts"
import { UnderWay } from "./under-way.ts"
import { Upkeep } from "./upkeep.ts"
import { Works } from "./works.ts"

export interface HostOptions extends StartOptions {
  readonly clock: Clock
  readonly logger: Log
  readonly retentionDays: number
  readonly inspect?: (event: InspectionEvent) => void
  readonly onClosed?: () => void
}

/** What may begin or end a life or a wait. */
const LIVES: ReadonlySet<Fact["type"]> = new Set(["agent.admitted", "agent.refused", "agent.ended"])

export class Host {
  readonly ledger: LedgerService
  readonly clock: Clock
  readonly logger: Log
  /** Late settlements under way: the ledger knows of one only once its row is written. */
  readonly settlingLate = new Set<HoldId>()
  readonly holdsUnderWay = new UnderWay<Held>()
  private readonly options: HostOptions
  private readonly actor: Actor<typeof supervisorMachine>
  private readonly works: Works
  private readonly answers = new Map<string, (answer: Answer) => void>()
  private readonly endings = new Map<AgentKey, (agent: AgentSummary) => void>()
  private readonly facts: Facts
  private readonly stopListeningToLedger: () => void
  private readonly upkeep: Upkeep
  private lastSeq: number
  private closed = false

  /** Recovers what the ledger remembers, ends who was lost, and proves that the limiter limits. */
  static async start(options: HostOptions): Promise<Host> {
    const decision = await recoverAndStart(options)
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
    this.facts = new Facts(options.logger, (fact) => this.attend(fact))
    this.actor = actorOf({
      input: { budget, at: this.now() },
      works: this.works,
      makeAlarm: (ring, scope) =>
        options.clock.makeAlarm((at) => {
          ring(at)
          this.facts.tell()
        }, scope),
      inspect: options.inspect,
      append: (rows) => this.append(rows),
      reply: (answer) => this.reply(answer),
    })
    this.actor.on("*", (fact) => this.facts.note(fact))
    this.actor.subscribe({
      error: (error) => this.logger.fatal({ err: error }, "the chart failed"),
    })
    this.stopListeningToLedger = this.ledger.onHealth((error) => this.noteHealth(error))
    this.actor.start()
    this.stayAlive()
    this.facts.tell()
    this.upkeep.retain(budget.window)
  }

  get isClosed(): boolean {
    return this.closed
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
    if (this.closed) return
    this.actor.send(event)
    this.facts.tell()
  }

  /** For what its caller takes as done once this resolves; rejects with `LedgerUnavailable`. */
  async sendDurably(event: SupervisorEvent, patience: Patience = "urgent"): Promise<void> {
    if (this.closed)
      throw new LedgerUnavailable({
        reason: "closed",
        path: this.ledger.path,
        message: `The supervisor on the ledger ${this.ledger.path} is closed, and nothing was recorded. Start another one.`,
      })
    this.send(event)
    await this.ledger.durable(this.lastSeq, patience)
  }

  /** Sends a request and resolves with its answer once that is decided and durable. */
  async ask(id: string, event: SupervisorEvent): Promise<Answer & { readonly durable: boolean }> {
    if (this.closed) return this.answerClosed(id)
    const decided = new Promise<Answer>((resolve) => this.answers.set(id, resolve))
    this.send(event)
    // Not answered yet: it waits in line.
    if (this.isAsking(id)) this.stayAlive()
    const answer = await decided
    return { ...answer, durable: await this.whenDurable(answer.seq) }
  }

  /** No answer yet: the request waits in line. */
  isAsking(id: string): boolean {
    return this.answers.has(id)
  }

  /** The asker no longer waits for an answer. */
  stopAsking(id: string): void {
    this.answers.delete(id)
    this.stayAlive()
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
    return this.facts.onFact(listener)
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

  private append(rows: readonly Row[]): void {
    this.lastSeq = rows.at(-1)?.seq ?? this.lastSeq
    this.ledger.append(rows)
    this.upkeep.note(rows)
  }

  private answerClosed(id: string): Answer & { readonly durable: boolean } {
    const refusal = closedDoor("draining", true, 1)
    const answerId = id as Answer["id"]
    return { id: answerId, granted: false, refusal, seq: this.lastSeq, grant: null, durable: true }
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

  private attend(fact: Fact): void {
    if (!LIVES.has(fact.type)) return
    this.stayAlive()
    if (fact.type !== "agent.ended") return
    this.endings.get(fact.key)?.(fact.agent)
    this.forget(fact.key)
  }

  /** The process stays while somebody lives or waits in line; an account without a slot does neither. */
  private stayAlive(): void {
    if (!this.closed) this.clock.keepAlive(this.budget.slotsTaken > 0 || lengthOf(this.queue) > 0)
  }

  private noteHealth(error: Error | null): void {
    const at = this.now()
    if (error === null) {
      this.logger.warn({}, "the ledger can be written again")
      this.send({ type: "ledger.recovered", at })
      return
    }
    this.logger.error({ err: error }, "the ledger cannot be written")
    this.send({ type: "ledger.failed", at })
  }
}
