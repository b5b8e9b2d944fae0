/**
 * The real supervisor machine on a clock that only the recording moves.
 *
 * It plays the host to agents without processes: whoever is told to stop is gone at once.
 * Nothing is decided here; every verdict is an answer or a fact of the machine.
 */
import { createActor } from "xstate"
import { isFull, statusOf, usedOf } from "../../machines/budget/account.ts"
import { weigh } from "../../machines/budget/amounts.ts"
import { openBudget } from "../../machines/budget/budget.ts"
import type { Refusal, Row } from "../../machines/budget/row.ts"
import type { BudgetSettings } from "../../machines/budget/settings.ts"
import { stopReasonOf } from "../../machines/budget/stopping.ts"
import { windowAt } from "../../machines/budget/window.ts"
import { type Alarm, createDeadlines, type DeadlinesLogic } from "../../machines/deadlines.ts"
import type { SupervisorEvent } from "../../machines/events.ts"
import type { Fact } from "../../machines/facts.ts"
import { supervisorMachine } from "../../machines/supervisor.ts"
import type { Answer } from "../../machines/supervisor-setup.ts"
import {
  type AgentKey,
  type BudgetStatus,
  HoldId,
  type Instant,
  type MicroUsd,
  RequestId,
  type StopReason,
  type Tokens,
  type Usage,
} from "../../machines/vocabulary.ts"

export interface AgentRequest {
  readonly agentId: string
  readonly taskId: string
}

export interface Verdict {
  readonly granted: boolean
  /** Why not; or, where soft mode granted it, why hard mode would not have. */
  readonly refusal: Refusal | null
}

export interface AgentEnd {
  readonly key: AgentKey
  readonly agentId: string
  readonly at: Instant
  readonly reason: StopReason
  readonly tokensUsed: Tokens
}

export interface DayReading {
  readonly date: string
  readonly tokensUsed: Tokens
  readonly status: BudgetStatus
  readonly costMicroUsd: MicroUsd
  readonly unpricedCalls: number
  /** A limit itself is reached, of tokens or of money, whatever the thresholds say. */
  readonly isFull: boolean
}

export interface Spending {
  readonly usage: Usage
  readonly model: string | null
  /** Null: no price is known. */
  readonly costMicroUsd: MicroUsd | null
}

export class VirtualSupervisor {
  readonly #alarm = new VirtualAlarm()
  readonly #settings: BudgetSettings
  readonly #actor
  #answer: Answer | null = null
  #leaving: AgentKey[] = []
  #requests = 0

  constructor(settings: BudgetSettings, at: Instant, onEnded: (end: AgentEnd) => void) {
    this.#settings = settings
    const machine = supervisorMachine.provide({
      actors: { deadlines: withoutSummaries(createDeadlines((ring) => this.#alarm.rings(ring))) },
      actions: {
        append: (_, { rows }) => this.#follow(rows),
        reply: (_, answer) => {
          this.#answer = answer
        },
      },
    })
    const budget = openBudget(settings, windowAt(at, settings.timeZone))
    this.#actor = createActor(machine, { input: { budget, at } })
    this.#actor.on("agent.ended", (fact) => onEnded(endOf(fact)))
    // Without a listener an error of the machine would be thrown later, out of anybody's hands.
    this.#actor.subscribe({ error: () => {} })
    this.#actor.start()
  }

  /** Moves the clock, letting every deadline on the way be reached at its own instant. */
  advanceTo(at: Instant): void {
    // With nobody live only days can end, and those between are nobody's: one ring will do.
    if (this.activeAgents() === 0) this.#alarm.ringWhenDue(at, at)
    for (let due = this.#alarm.dueBy(at); due !== null; due = this.#alarm.dueBy(at)) {
      this.#alarm.ringWhenDue(due, due)
      this.#letGo(due)
    }
  }

  request(key: AgentKey, { agentId, taskId }: AgentRequest, at: Instant): Verdict {
    const requestId = RequestId.make(this.#nextId())
    return this.#ask({
      type: "agent.requested",
      at,
      request: {
        requestId,
        key,
        agentId,
        taskId,
        enforcement: "reserved",
        slot: true,
        ownTokenLimit: null,
        ownDurationMinutes: null,
        ownGraceSeconds: null,
        queue: false,
        waitForReset: false,
      },
    })
  }

  /** Holds a call's own size and settles it at the same instant; a refused hold ends the agent. */
  spend(key: AgentKey, { usage, model, costMicroUsd }: Spending, at: Instant): Verdict {
    const holdId = HoldId.make(this.#nextId())
    const tokens = weigh(usage, this.#settings.tokenWeights)
    const request = { holdId, key, tokens, costMicroUsd }
    const verdict = this.#ask({ type: "hold.requested", at, request })
    if (verdict.granted) {
      const settlement = { holdId, usage, provenance: "reported", model, costMicroUsd } as const
      this.#send({ type: "hold.settled", at, settlement })
    } else if (verdict.refusal !== null) {
      const reason = stopReasonOf(verdict.refusal.reason)
      this.#send({ type: "stop.requested", at, key, reason })
    }
    this.#letGo(at)
    return verdict
  }

  complete(key: AgentKey, at: Instant): void {
    this.#exit(key, at)
  }

  day(): DayReading {
    const { day, dayCost, unpricedCalls, window } = this.#budget()
    return {
      date: window.id,
      tokensUsed: usedOf(day),
      status: statusOf(day),
      costMicroUsd: usedOf(dayCost),
      unpricedCalls,
      isFull: isFull(day) || isFull(dayCost),
    }
  }

  activeAgents(): number {
    return this.#budget().slotsTaken
  }

  stop(): void {
    this.#actor.stop()
  }

  #budget() {
    return this.#actor.getSnapshot().context.budget
  }

  #nextId(): string {
    this.#requests += 1
    return String(this.#requests)
  }

  #ask(event: SupervisorEvent): Verdict {
    this.#answer = null
    this.#send(event)
    const answer: Answer | null = this.#answer
    if (answer === null) throw new Error(`The supervisor gave no answer to ${event.type}.`)
    return answer
  }

  #send(event: SupervisorEvent): void {
    this.#actor.send(event)
    const { status, error } = this.#actor.getSnapshot()
    if (status === "error") throw error
  }

  #follow(rows: readonly Row[]): void {
    for (const row of rows) if (row.kind === "stop_requested") this.#leaving.push(row.key)
  }

  /** Nothing is left to wait for: each agent that was told to stop has ended. */
  #letGo(at: Instant): void {
    const leaving = this.#leaving
    this.#leaving = []
    for (const key of leaving) this.#exit(key, at)
  }

  #exit(key: AgentKey, at: Instant): void {
    const exit = {
      outcome: "completed",
      mechanism: "exited",
      exitCode: null,
      signal: null,
      error: null,
      treeGone: true,
    } as const
    this.#send({ type: "work.exited", at, key, exit })
  }
}

/** The one alarm of the deadlines actor; the time is told by whoever rings it. */
class VirtualAlarm implements Alarm {
  #dueAt: Instant | null = null
  #ring: (at: Instant | null) => void = () => {}

  rings(ring: (at: Instant | null) => void): Alarm {
    this.#ring = ring
    return this
  }

  set(dueAt: Instant): void {
    this.#dueAt = dueAt
  }

  clear(): void {
    this.#dueAt = null
  }

  dueBy(at: Instant): Instant | null {
    return this.#dueAt !== null && this.#dueAt <= at ? this.#dueAt : null
  }

  ringWhenDue(by: Instant, now: Instant): void {
    if (this.dueBy(by) === null) return
    this.#dueAt = null
    this.#ring(now)
  }
}

/** A summary each virtual second, listing a thousand agents, would be read by nobody. */
const withoutSummaries = (deadlines: DeadlinesLogic): DeadlinesLogic => ({
  ...deadlines,
  transition: (state, event, scope) =>
    event.type === "deadline.set" && event.deadline.of === "summary"
      ? state
      : deadlines.transition(state, event, scope),
})

const endOf = ({ key, at, agent }: Extract<Fact, { type: "agent.ended" }>): AgentEnd => ({
  key,
  agentId: agent.agentId,
  at,
  reason: agent.reason ?? "completed",
  tokensUsed: agent.totalTokens,
})
