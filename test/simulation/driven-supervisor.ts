/** The production machines without a host: events in, rows and answers out, time by hand. */
import { createActor } from "xstate"
import { holdOf } from "../../machines/budget/budget.ts"
import type { CallBound } from "../../machines/budget/call-bound.ts"
import { decodeCheckpoint, encodeCheckpoint } from "../../machines/budget/checkpoint.ts"
import { foldAll } from "../../machines/budget/fold.ts"
import { decideStart, emptyBudget } from "../../machines/budget/recovery.ts"
import type { Row } from "../../machines/budget/row.ts"
import type { BudgetSettings } from "../../machines/budget/settings.ts"
import { createDeadlines } from "../../machines/deadlines.ts"
import type { SupervisorEvent } from "../../machines/events.ts"
import { project } from "../../machines/project.ts"
import { isHoldWaiting } from "../../machines/queue.ts"
import { supervisorMachine } from "../../machines/supervisor.ts"
import type { Answer } from "../../machines/supervisor-setup.ts"
import type { AgentKey, HoldId, RequestId, Usage } from "../../machines/vocabulary.ts"
import { fakeClock } from "./fake-clock.ts"
import { Invariants } from "./invariants.ts"

interface CallAsk {
  readonly call: CallBound
  readonly isBounded: boolean
  readonly queue: boolean
}

export class DrivenSupervisor {
  readonly clock: ReturnType<typeof fakeClock>
  readonly rows: Row[] = []
  private readonly watch = new Invariants()
  private readonly answers = new Map<string, Answer>()
  private actor: ReturnType<DrivenSupervisor["start"]>

  constructor(settings: BudgetSettings, startAt: number) {
    this.clock = fakeClock(startAt)
    this.actor = this.start(settings, this.rows.length)
  }

  get budget() {
    return this.actor.getSnapshot().context.budget
  }

  spawn(agentId: string): Answer {
    this.request(agentId, false)
    const answer = this.answer(agentId)
    if (answer.granted) {
      const key = agentId as AgentKey
      this.send({ type: "work.started", at: this.clock.now(), key, process: null })
    }
    return answer
  }

  /** Asks to start, and to wait in line if need be; the answer so far. */
  enqueue(agentId: string): Answer | undefined {
    this.request(agentId, true)
    return this.answerTo(agentId)
  }

  answerTo(id: string): Answer | undefined {
    return this.answers.get(id)
  }

  hold(agentId: string, id: string, tokens: number): Answer {
    this.send({
      type: "hold.requested",
      at: this.clock.now(),
      request: { key: agentId as AgentKey, holdId: id as HoldId, tokens },
    })
    return this.answer(id)
  }

  /** A call by its bound: the answer; undefined while it waits in line. */
  holdCall(agentId: string, id: string, how: CallAsk): Answer | undefined {
    const request = { key: agentId as AgentKey, holdId: id as HoldId, ...how }
    this.send({ type: "hold.requested", at: this.clock.now(), request })
    return this.isWaiting(id) ? undefined : this.answer(id)
  }

  withdraw(id: string): void {
    this.send({ type: "hold.withdrawn", at: this.clock.now(), holdId: id as HoldId })
  }

  /** Answers that nobody took yet: of those who waited in line. */
  takeAnswers(): readonly Answer[] {
    const answers = [...this.answers.values()]
    this.answers.clear()
    return answers
  }

  private isWaiting(id: string): boolean {
    return isHoldWaiting(this.actor.getSnapshot().context.holdQueue, id as HoldId)
  }

  /** As the host does: a hold that expired is settled late, once. */
  settle(id: string, usage: Usage, costMicroUsd: number | null = null): void {
    const [holdId, at] = [id as HoldId, this.clock.now()]
    const known = { holdId, usage, provenance: "reported", costMicroUsd } as const
    const settlement = { ...known, model: null }
    if (holdOf(this.budget, holdId) === undefined) this.settleLate(id, usage, costMicroUsd)
    else this.send({ type: "hold.settled", at, settlement })
  }

  voidHold(id: string): void {
    this.send({ type: "hold.voided", at: this.clock.now(), holdId: id as HoldId })
  }

  report(
    agentId: string,
    usageId: string | null,
    usage: Usage,
    costMicroUsd?: number | null,
  ): void {
    const [key, cost] = [agentId as AgentKey, { costMicroUsd: costMicroUsd ?? null }]
    const report = { key, usageId, usage, provenance: "reported", model: null, ...cost } as const
    this.send({ type: "usage.reported", at: this.clock.now(), report })
  }

  stop(agentId: string, reason: "cancelled" | "stalled"): void {
    const key = agentId as AgentKey
    this.send({ type: "stop.requested", at: this.clock.now(), key, reason })
  }

  exited(agentId: string, outcome: "completed" | "failed"): void {
    const key = agentId as AgentKey
    const status = { exitCode: null, signal: null, error: null, treeGone: true } as const
    const exit = { outcome, mechanism: "exited", ...status } as const
    this.send({ type: "work.exited", at: this.clock.now(), key, exit })
  }

  setBudget(change: Partial<BudgetSettings>): void {
    const settings = { ...this.budget.settings, ...change }
    this.send({ type: "budget.changed", at: this.clock.now(), settings })
  }

  /** Everything but the rows is gone; the fold starts from a checkpoint at row `checkpointSeq`. */
  crash(checkpointSeq: number): void {
    const { settings } = this.budget
    this.actor.stop()
    this.clock.reboot()
    this.actor = this.start(settings, checkpointSeq)
  }

  /** Instants at which something falls due: lives, holds, and the day. */
  dueInstants(): readonly number[] {
    const { agents, holds, window } = this.budget
    const dues = [...agents].flatMap(([, { deadlineAt }]) => deadlineAt ?? [])
    return [...dues, ...[...holds].flatMap(([, hold]) => hold.expiresAt ?? []), window.endsAt]
  }

  living(): readonly string[] {
    return this.watch.living()
  }

  private settleLate(id: string, usage: Usage, costMicroUsd: number | null): void {
    const holdId = id as HoldId
    const expired = this.rows.find((row) => row.kind === "hold_expired" && row.holdId === id)
    const corrected = this.rows.some(
      (row) => row.kind === "corrected" && "holdId" in row.ref && row.ref.holdId === id,
    )
    if (expired?.kind !== "hold_expired" || corrected) return
    const { key, windowId, heldTokens: chargedTokens, heldCostMicroUsd = null } = expired
    const cost = { chargedMicroUsd: heldCostMicroUsd, costMicroUsd }
    const late = { holdId, key, windowId, chargedTokens, usage, ...cost }
    this.send({ type: "hold.settled_late", at: this.clock.now(), late })
  }

  private request(agentId: string, queue: boolean): void {
    const names = { key: agentId as AgentKey, agentId, requestId: agentId as RequestId }
    const own = { ownTokenLimit: null, ownDurationMinutes: null, ownGraceSeconds: null }
    const how = { enforcement: "unmetered", slot: true, queue, waitForReset: false } as const
    const request = { ...names, taskId: "task", ...own, ...how }
    this.send({ type: "agent.requested", at: this.clock.now(), request })
  }

  private start(settings: BudgetSettings, checkpointSeq: number) {
    const at = this.clock.now()
    const decision = decideStart(this.recovered(checkpointSeq), settings, at)
    this.append(decision.rows)
    const logic = supervisorMachine.provide({
      actors: { deadlines: createDeadlines(this.clock.makeAlarm) },
      actions: {
        append: (_, { rows }) => this.append(rows),
        reply: (_, answer) => void this.answers.set(answer.id, answer),
      },
    })
    return createActor(logic, { input: { budget: decision.after, at } }).start()
  }

  /** The fold of all rows, by way of a checkpoint; it must be the fold without one. */
  private recovered(checkpointSeq: number) {
    const early = foldAll(emptyBudget(), this.rows.slice(0, checkpointSeq))
    const saved = decodeCheckpoint(JSON.parse(JSON.stringify(encodeCheckpoint(early))))
    if (saved === null) throw new Error("a checkpoint of this version was not understood")
    return foldAll(saved, this.rows.slice(checkpointSeq))
  }

  private append(rows: readonly Row[]): void {
    for (const row of rows) this.watch.check(row)
    this.rows.push(...rows)
  }

  private send(event: SupervisorEvent): void {
    this.actor.send(event)
    this.checkChart()
  }

  /** The chart stands where the context says, and the context is the fold of the rows. */
  checkChart(): void {
    const { value, context, status, error } = this.actor.getSnapshot()
    if (status === "error") throw error
    const [stands, should] = [JSON.stringify(value), JSON.stringify(project(context))]
    if (sorted(stands) !== sorted(should)) throw new Error(`chart at ${stands}, not ${should}`)
    if (context.budget.seq !== this.rows.length)
      throw new Error(`the context is at row ${context.budget.seq} of ${this.rows.length}`)
  }

  private answer(id: string): Answer {
    const answer = this.answers.get(id)
    if (answer === undefined) throw new Error(`${id} was not answered`)
    this.answers.delete(id)
    return answer
  }
}

/** Regions in any order are the same state. */
const sorted = (json: string): string =>
  JSON.stringify(Object.entries(JSON.parse(json)).sort(([a], [b]) => (a < b ? -1 : 1)))
