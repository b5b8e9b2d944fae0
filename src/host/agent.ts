/** A handle on one admission: what its own function, and whoever spawned it, may ask of it. */
import { randomUUID } from "node:crypto"
import { remainingOf, usedOf } from "../../machines/budget/account.ts"
import { type Advice, adviceFor } from "../../machines/budget/advice.ts"
import { narrowerLimit } from "../../machines/budget/amounts.ts"
import { agentOf, holdOf } from "../../machines/budget/budget.ts"
import type { UsageReport } from "../../machines/budget/metering.ts"
import { type AgentSummary, summariseLive } from "../../machines/budget/summary.ts"
import type { AgentId, AgentKey, HoldId, StopReason, TaskId } from "../../machines/vocabulary.ts"
import type { Runner, WorkContext } from "../runners/runner.ts"
import { answeredHold } from "./answered.ts"
import { HostCalls, handled } from "./calls.ts"
import { checkAmount, checkCost, checkName, checkUsage, type UsageInput } from "./door.ts"
import { holdRefused } from "./errors.ts"
import type { Host } from "./host.ts"

/** What an agent hears after each report: how much it has used, what it may still hold, what to do. */
export interface Reckoning {
  readonly totalTokens: number
  /** What a hold could get now, of its own limit and the day's; null is unlimited. */
  readonly remaining: number | null
  readonly verdict: Advice
}

/** Tokens set aside for one call; settle it with the truth, or void it if it never left. */
export interface Held {
  readonly id: string
  readonly granted: number
  /** Resolves when it is durable. A second settlement changes nothing. */
  readonly settle: (usage: UsageInput) => Promise<Reckoning>
  readonly void: () => Promise<void>
}

export interface HoldOptions {
  /** Asking twice under one id gets one answer. */
  readonly id?: string
  /** Money set aside with the tokens, in millionths of a dollar; a cost limit asks for it. */
  readonly costMicroUsd?: number
}

interface PlainAsk {
  readonly tokens: number
  readonly costMicroUsd: number | null
}

export class Agent {
  readonly key: AgentKey
  readonly agentId: AgentId
  readonly taskId: TaskId
  /** Resolves when its work is over and its slot is free; never rejects. */
  readonly ended: Promise<AgentSummary>
  private readonly host: Host
  private readonly held: HostCalls
  private last: AgentSummary | null = null

  constructor(host: Host, who: WorkContext, runnerOf: (agent: Agent) => Runner) {
    this.host = host
    this.key = who.key
    this.agentId = who.agentId
    this.taskId = who.taskId
    this.held = new HostCalls(host, who.key, () => this.remaining())
    this.ended = new Promise((resolve) => {
      host.expect(who.key, runnerOf(this), (last) => {
        this.last = last
        host.whenDurable().then(() => resolve(last))
      })
    })
  }

  /** Its entry in the summary; after its end, the last one; null before its admission. */
  summary(): AgentSummary | null {
    const live = agentOf(this.host.budget, this.key)
    return live === undefined ? this.last : summariseLive(live)
  }

  /** What a hold could get now; null is unlimited. */
  remaining(): number | null {
    const { budget } = this.host
    const live = agentOf(budget, this.key)
    return live === undefined
      ? 0
      : narrowerLimit(remainingOf(live.account), remainingOf(budget.day))
  }

  /** Records a call that no hold announced; synchronous, durable after `flush()`. */
  recordUsage(input: UsageInput): Reckoning {
    return this.recordReading(checkUsage(input))
  }

  /** The same for what a meter has read and checked. */
  recordReading(reading: Omit<UsageReport, "key">): Reckoning {
    const { host, key } = this
    if (agentOf(host.budget, key) === undefined)
      host.logger.warn(
        { agentId: this.agentId },
        "usage reported after the agent's end is not counted",
      )
    host.send({ type: "usage.reported", at: host.now(), report: { ...reading, key } })
    return this.reckon()
  }

  /** Sets tokens aside for a call. Rejects with `HoldRefused`, which says whether waiting helps. */
  async hold(tokens: number, options: HoldOptions = {}): Promise<Held> {
    checkAmount("tokens", tokens)
    const ask = { tokens, costMicroUsd: checkCost("costMicroUsd", options.costMicroUsd) }
    if (options.id === undefined) return this.placeHold(randomUUID() as string as HoldId, ask)
    const id = checkName("id", options.id)
    return this.host.holdsUnderWay.join(
      id,
      `${tokens} ${ask.costMicroUsd} ${this.key}`,
      `a hold of ${tokens} tokens`,
      () => this.holdOnce(id, ask),
    )
  }

  private async holdOnce(id: string, ask: PlainAsk): Promise<Held> {
    const before = await answeredHold(this.host, id, this.key, ask.tokens)
    if (before === null) return this.placeHold(id as HoldId, ask)
    if (before.granted) return this.heldAs(before.holdId, ask.tokens)
    throw holdRefused(this.agentId, before.refusal)
  }

  private async placeHold(holdId: HoldId, ask: PlainAsk): Promise<Held> {
    const { refusal } = await this.held.ask({ holdId, ...ask })
    if (refusal !== null) throw holdRefused(this.agentId, refusal)
    return this.heldAs(holdId, ask.tokens)
  }

  /** Its calls as a gateway holds them. */
  get calls(): HostCalls {
    return this.held
  }

  /** Asks it to stop; resolves when it has ended. */
  async stop(reason: StopReason = "cancelled"): Promise<AgentSummary> {
    const { host, key } = this
    host.send({ type: "stop.requested", at: host.now(), key, reason })
    return this.ended
  }

  private heldAs(holdId: HoldId, granted: number): Held {
    return {
      id: holdId,
      granted,
      settle: (usage) => handled(this.settle(holdId, usage)),
      void: () => this.held.void(holdId),
    }
  }

  /** Ends its grace, if it has one, and makes it stop where that is possible. */
  async kill(reason: StopReason = "cancelled"): Promise<AgentSummary> {
    const { host, key } = this
    const ended = this.stop(reason)
    host.send({ type: "deadline.reached", at: host.now(), deadline: { of: "grace", key } })
    return ended
  }

  /** What it says by then is as of the decision; it resolves when that is durable. */
  private async settle(holdId: HoldId, input: UsageInput): Promise<Reckoning> {
    const { usageId: _, ...counted } = checkUsage(input)
    const isOpen = holdOf(this.host.budget, holdId) !== undefined
    const written = this.held.settle({ holdId, ...counted })
    const reckoning = this.reckon()
    await written
    return isOpen ? reckoning : this.reckon()
  }

  private reckon(): Reckoning {
    const { budget } = this.host
    const live = agentOf(budget, this.key)
    return {
      totalTokens: live === undefined ? (this.last?.totalTokens ?? 0) : usedOf(live.account),
      remaining: this.remaining(),
      verdict: adviceFor(budget, live),
    }
  }
}
