/**
 * The whole actor system under a simulated clock: supervisor, pool, agents and deadlines, all of
 * them the production ones, with the host's ports caught.
 *
 * After every event the chart must stand where `project` says, the agents where the budget says,
 * and the budget must be what its rows make of it, the invariants held to after each.
 */
import assert from "node:assert/strict"
import * as HashMap from "effect/HashMap"
import { type Actor, createActor, type InspectionEvent, type Snapshot } from "xstate"
import type { AgentEvent } from "../../machines/agent.ts"
import type { PoolSnapshot } from "../../machines/agent-pool.ts"
import type { HoldRequest } from "../../machines/budget/holds.ts"
import type { Row } from "../../machines/budget/row.ts"
import type { BudgetSettings } from "../../machines/budget/settings.ts"
import type { Deadline } from "../../machines/deadlines.ts"
import type { SupervisorEvent } from "../../machines/events.ts"
import type { Fact } from "../../machines/facts.ts"
import { hasHoldOf, headsOf, isHoldWaiting, isWaiting } from "../../machines/queue.ts"
import type { Answer, SupervisorContext } from "../../machines/supervisor-setup.ts"
import type { AgentKey, Instant } from "../../machines/vocabulary.ts"
import { Auditor } from "./auditor.ts"
import { NOON, openAt } from "./budget/script.ts"
import { HoldLine } from "./hold-line.ts"
import type { Machines } from "./machines.ts"
import { SteppedClock } from "./stepped-clock.ts"

/** An event before somebody stamps it. */
export type Unstamped<E extends SupervisorEvent = SupervisorEvent> = E extends SupervisorEvent
  ? Omit<E, "at" | "output">
  : never

export interface WorldOptions {
  readonly inspect?: (event: InspectionEvent) => void
  readonly startedAt?: Instant
  /** What a supervisor before this one wrote, from noon on. */
  readonly history?: readonly Row[]
  /** False only to look ahead at what will be audited when it is walked. */
  readonly audits?: boolean
}

export class World {
  readonly rows: Row[] = []
  readonly answers: Answer[] = []
  readonly facts: Fact[] = []
  /** What the agents asked their host to do. */
  readonly commands: string[] = []
  readonly actor: Actor<Machines["supervisor"]["supervisorMachine"]>
  private readonly machines: Machines
  private readonly clock = new SteppedClock()
  private readonly startedAt: Instant
  private readonly auditor: Auditor
  private audited = 0
  private readonly line = new HoldLine()
  private heard = 0
  /** Who asks for a hold in the event that is being sent. */
  private asking: HoldRequest | null = null
  private readonly audits: boolean

  constructor(
    machines: Machines,
    settings: BudgetSettings,
    { inspect, startedAt = NOON, audits = true, history = [] }: WorldOptions = {},
  ) {
    this.machines = machines
    this.startedAt = startedAt
    this.audits = audits
    this.auditor = new Auditor(machines, openAt(machines, settings))
    for (const row of history) this.auditor.observe(row)
    this.actor = createActor(providedOnce(machines), {
      input: { budget: this.auditor.budget, at: startedAt },
      clock: this.clock,
      ...(inspect === undefined ? {} : { inspect }),
    })
    worlds.set(this.actor.system, this)
    this.actor.on("*", (fact) => this.facts.push(fact))
    this.actor.start()
    this.audit()
  }

  get now(): Instant {
    return this.startedAt + this.clock.now()
  }

  get context(): SupervisorContext {
    return this.actor.getSnapshot().context
  }

  get value(): unknown {
    return this.actor.getSnapshot().value
  }

  /** Each agent's own actor, where it stands. */
  get agents(): ReadonlyMap<AgentKey, unknown> {
    const stands = [...this.pool.agents].map(
      ([key, agent]) => [key, agent.getSnapshot().value] as const,
    )
    return new Map(stands)
  }

  /** Tells the supervisor something that happened now. */
  send(event: Unstamped, aheadMs = 0): void {
    const answered = this.answers.length
    this.ask(event)
    this.actor.send({ ...event, at: this.now + aheadMs } as SupervisorEvent)
    this.audit(aheadMs)
    this.asking = null
    this.expectAnswer(event, this.answers.slice(answered))
  }

  /** The same for an event that is stamped already, whenever that was. */
  sendStamped(event: SupervisorEvent): void {
    if (event.type !== "agent.over" && event.type !== "deadline.reached") this.ask(event)
    this.actor.send(event)
    this.audit()
    this.asking = null
  }

  /** Notes who asks: in line at once where it waits, so that whoever is before it comes first. */
  private ask(event: Unstamped): void {
    if (event.type === "hold.withdrawn") this.line.withdrawn(event.holdId)
    if (event.type !== "hold.requested") return
    const { holdId, key, queue = false } = event.request
    const { budget, holdQueue } = this.context
    const isHeld = HashMap.has(budget.holds, holdId)
    this.asking = event.request
    if (queue && !isHeld && hasHoldOf(holdQueue, key)) this.line.joined(event.request)
  }

  /** Tells an agent something through the pool that only its supervisor says. */
  tell(key: AgentKey, event: AgentEvent): void {
    this.actor.getSnapshot().children.pool?.send({ type: "agent.told", key, event })
    this.audit()
  }

  /** Moves time, from one deadline to the next. */
  advance(ms: number): void {
    const target = this.clock.now() + ms
    this.passDeadlines((due) => due <= target)
    this.clock.set(target)
    this.audit()
  }

  /** Moves time to the next deadline of a kind, through all before it; false when none is set. */
  advanceUntil(kind: Deadline["of"]): boolean {
    let reached = false
    const watch = this.actor.system.inspect((event) => {
      if (event.type !== "@xstate.event" || event.actorRef !== this.actor) return
      if (event.event.type === "deadline.reached" && event.event.deadline.of === kind)
        reached = true
    })
    this.passDeadlines(() => !reached)
    watch.unsubscribe()
    return reached
  }

  private passDeadlines(goesOn: (due: number) => boolean): void {
    let last = -1
    for (let due = this.clock.nextDue; due !== undefined && goesOn(due); due = this.clock.nextDue) {
      this.clock.set(due)
      this.audit()
      assert.ok(due > last, "time goes on")
      last = due
    }
  }

  stop(): void {
    this.actor.stop()
  }

  private get pool(): PoolSnapshot {
    return snapshotOf<PoolSnapshot>(this.actor.getSnapshot().children.pool)
  }

  /** The invariants, after whatever just happened. */
  audit(aheadMs = 0): void {
    if (!this.audits) return
    for (; this.audited < this.rows.length; this.audited += 1) {
      const row = this.rows[this.audited]
      if (row !== undefined) this.auditor.observe(row)
    }
    const { status, error } = this.actor.getSnapshot()
    assert.equal(status, "active", `the supervisor lives: ${String(error)}`)
    const encode = this.machines.checkpoint.encodeCheckpoint
    assert.deepEqual(encode(this.context.budget), encode(this.auditor.budget))
    assert.deepEqual(this.value, this.machines.project.project(this.context))
    this.expectAgents()
    this.expectLine(aheadMs)
  }

  /** Nobody is left in line about whom there is something to say, and nobody out of turn. */
  private expectLine(aheadMs: number): void {
    const { budget, holdQueue } = this.context
    for (; this.heard < this.answers.length; this.heard += 1) {
      const answer = this.answers[this.heard]
      if (answer !== undefined && isOfHold(answer)) this.line.answered(answer, this.asking)
    }
    const waits = [...HashMap.entries(holdQueue.waiting)].sort(([a], [b]) => a - b)
    const { asking } = this
    if (asking !== null && isHoldWaiting(holdQueue, asking.holdId)) this.line.joined(asking)
    this.line.expectToBe(waits.map(([, { holdId }]) => holdId))
    for (const head of headsOf(holdQueue)) {
      const { verdict } = this.machines.holds.decideHold(budget, head, this.now + aheadMs)
      assert.equal(verdict, "queues", `${head.holdId} waits, and could be answered`)
    }
  }

  /** Whoever asks is answered once, or waits in line. */
  private expectAnswer(event: Unstamped, answers: readonly Answer[]): void {
    if (event.type !== "agent.requested" && event.type !== "hold.requested") return
    const { request } = event
    const id = "holdId" in request ? request.holdId : request.requestId
    const { queue, holdQueue } = this.context
    const waits =
      "holdId" in request
        ? isHoldWaiting(holdQueue, request.holdId)
        : isWaiting(queue, request.requestId)
    const own = answers.filter((answer) => answer.id === id)
    assert.equal(own.length, waits ? 0 : 1, `${id} is answered once`)
  }

  /** S5 again, by the actors themselves: one for each slot, where the budget says it stands. */
  private expectAgents(): void {
    const { agents } = this.context.budget
    const lives = [...HashMap.values(agents)].filter(({ slot }) => slot)
    const stands = this.agents
    assert.equal(stands.size, lives.length, "S5: an actor for each slot")
    for (const { key, state } of lives) {
      const stand = stateOf(stands.get(key))
      // Who could not be killed is tried again by the next supervisor.
      assert.ok(stand === state || (state === "unkillable" && stand === "stopping"))
    }
  }
}

/** Which world a system belongs to: a machine is provided with its ports only once. */
const worlds = new WeakMap<object, World>()
const providedTo = new WeakMap<Machines, Machines["supervisor"]["supervisorMachine"]>()

const providedOnce = (machines: Machines): Machines["supervisor"]["supervisorMachine"] => {
  const known = providedTo.get(machines)
  if (known !== undefined) return known
  const provided = provide(machines)
  providedTo.set(machines, provided)
  return provided
}

const provide = ({ agent, agentPool, supervisor }: Machines) => {
  const note =
    (command: string) =>
    ({ system }: { readonly system: object }, { key }: { readonly key: AgentKey }) => {
      worlds.get(system)?.commands.push(`${command} ${key}`)
    }
  const working = agent.agentMachine.provide({
    actions: {
      startWork: note("start"),
      interrupt: note("interrupt"),
      killTree: note("kill"),
      warn: note("warn"),
    },
  })
  return supervisor.supervisorMachine.provide({
    actors: { pool: agentPool.createAgentPool(working) },
    actions: {
      append: ({ system }, { rows }) => {
        worlds.get(system)?.rows.push(...rows)
      },
      reply: ({ system }, answer) => {
        worlds.get(system)?.answers.push(answer)
      },
    },
  })
}

const stateOf = (value: unknown): unknown => {
  if (typeof value !== "object" || value === null || !("stopping" in value)) return value
  return value.stopping === "unkillable" ? "unkillable" : "stopping"
}

/** Holds are asked for under ids of their own here, which no spawn begins with. */
const isOfHold = ({ id }: Answer): boolean => !id.startsWith("request ")

const snapshotOf = <S extends Snapshot<unknown>>(
  child: { readonly getSnapshot: () => S } | undefined,
): S => {
  assert.ok(child !== undefined, "the supervisor has its children")
  return child.getSnapshot()
}
