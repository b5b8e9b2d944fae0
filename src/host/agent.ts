/** A handle on one admission: what its own function, and whoever spawned it, may ask of it. */
import { randomUUID } from "node:crypto"
import { remainingOf, usedOf } from "../../machines/budget/account.ts"
import { closed } from "../../machines/budget/admission.ts"
import { type Advice, adviceFor } from "../../machines/budget/advice.ts"
import { narrowerLimit } from "../../machines/budget/amounts.ts"
import { agentOf, holdOf } from "../../machines/budget/budget.ts"
import type { UsageReport } from "../../machines/budget/metering.ts"
import { type AgentSummary, summariseLive } from "../../machines/budget/summary.ts"
import type { AgentId, AgentKey, HoldId, StopReason, TaskId } from "../../machines/vocabulary.ts"
import type { Runner, WorkContext } from "../runners/runner.ts"
import { answeredHold } from "./answered.ts"
import { type CheckedUsage, checkAmount, checkName, checkUsage, type UsageInput } from "./door.ts"
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

export class Agent {
  readonly key: AgentKey
  readonly agentId: AgentId
  readonly taskId: TaskId
  /** Resolves when its work is over and its slot is free; never rejects. */
  readonly ended: Promise<AgentSummary>
  private readonly host: Host
  private last: AgentSummary | null = null

  constructor(host: Host, who: WorkContext, runnerOf: (agent: Agent) => Runner) {
    this.host = host
    this.key = who.key
    this.agentId = who.agentId
    this.taskId = who.taskId
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
  async hold(tokens: number, options: { readonly id?: string } = {}): Promise<Held> {
    checkAmount("tokens", tokens)
    if (options.id === undefined) return this.placeHold(randomUUID() as string as HoldId, tokens)
    const id = checkName("id", options.id)
    return this.host.holdsUnderWay.join(
      id,
      `${tokens} ${this.key}`,
      `a hold of ${tokens} tokens`,
      () => this.holdOnce(id, tokens),
    )
  }

  private async holdOnce(id: string, tokens: number): Promise<Held> {
    const before = await answeredHold(this.host, id, this.key, tokens)
    if (before === null) return this.placeHold(id as HoldId, tokens)
    if (before.granted) return this.held(before.holdId, tokens)
    throw holdRefused(this.agentId, before.refusal)
  }

  private async placeHold(holdId: HoldId, tokens: number): Promise<Held> {
    const { host, key } = this
    const request = { holdId, key, tokens }
    const answer = await host.ask(holdId, { type: "hold.requested", at: host.now(), request })
    if (!answer.granted)
      throw holdRefused(this.agentId, answer.refusal ?? closed("stale", true, tokens))
    if (!answer.durable && host.settings.enforceHardLimits) {
      // Nothing has left yet, so nothing was spent.
      host.send({ type: "hold.voided", at: host.now(), holdId })
      throw holdRefused(this.agentId, closed("ledger_unavailable", false, tokens))
    }
    return this.held(holdId, tokens)
  }

  /** Asks it to stop; resolves when it has ended. */
  async stop(reason: StopReason = "cancelled"): Promise<AgentSummary> {
    const { host, key } = this
    host.send({ type: "stop.requested", at: host.now(), key, reason })
    return this.ended
  }

  private held(holdId: HoldId, granted: number): Held {
    return {
      id: holdId,
      granted,
      settle: (usage) => this.settle(holdId, usage),
      void: () => this.voidHold(holdId),
    }
  }

  /** Ends its grace, if it has one, and makes it stop where that is possible. */
  async kill(reason: StopReason = "cancelled"): Promise<AgentSummary> {
    const { host, key } = this
    const ended = this.stop(reason)
    host.send({ type: "deadline.reached", at: host.now(), deadline: { of: "grace", key } })
    return ended
  }

  private settle(holdId: HoldId, input: UsageInput): Promise<Reckoning> {
    return handled(this.settleChecked(holdId, () => checkUsage(input)))
  }

  private async settleChecked(holdId: HoldId, check: () => CheckedUsage): Promise<Reckoning> {
    const { host } = this
    const { usage, provenance, model } = check()
    if (holdOf(host.budget, holdId) === undefined) {
      await this.settleLate(holdId, usage)
      return this.reckon()
    }
    const settlement = { holdId, usage, provenance, model }
    const written = host.sendDurably({ type: "hold.settled", at: host.now(), settlement })
    const reckoning = this.reckon()
    await written
    return reckoning
  }

  /** The hold is no longer open: if it was charged without a report, this is the report. */
  private async settleLate(holdId: HoldId, usage: CheckedUsage["usage"]): Promise<void> {
    const { host } = this
    await host.flush()
    const rows = await host.ledger.find(holdId)
    const expired = rows.find((row) => row.kind === "hold_expired")
    const corrected = rows.some((row) => row.kind === "corrected")
    if (expired === undefined || corrected) return
    // Said twice at once: the second is acknowledged when the first is.
    if (host.settlingLate.has(holdId)) return host.flush()
    host.settlingLate.add(holdId)
    const { key, windowId, heldTokens: chargedTokens } = expired
    const late = { holdId, key, windowId, chargedTokens, usage }
    await host
      .sendDurably({ type: "hold.settled_late", at: host.now(), late })
      .finally(() => host.settlingLate.delete(holdId))
  }

  private voidHold(holdId: HoldId): Promise<void> {
    const { host } = this
    host.send({ type: "hold.voided", at: host.now(), holdId })
    return handled(host.flush())
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

/** A caller may leave the promise alone; a ledger that fails must not end its process for that. */
const handled = <A>(promise: Promise<A>): Promise<A> => {
  promise.catch(() => {})
  return promise
}
