/** A handle on one admission: what its own function, and whoever spawned it, may ask of it. */
import { randomUUID } from "node:crypto"
import { remainingOf, usedOf } from "../../machines/budget/account.ts"
import { closed } from "../../machines/budget/admission.ts"
import { type Advice, adviceFor } from "../../machines/budget/advice.ts"
import { narrowerLimit } from "../../machines/budget/amounts.ts"
import { agentOf, holdOf } from "../../machines/budget/budget.ts"
import type { HoldRequest, Settlement } from "../../machines/budget/holds.ts"
import type { OwnAccountReport, UsageReport } from "../../machines/budget/metering.ts"
import type { Refusal } from "../../machines/budget/row.ts"
import { type AgentSummary, summariseLive } from "../../machines/budget/summary.ts"
import type { Answer, HoldGrant } from "../../machines/supervisor-setup.ts"
import type { AgentId, AgentKey, HoldId, StopReason, TaskId } from "../../machines/vocabulary.ts"
import type { Runner, WorkContext } from "../runners/runner.ts"
import { answeredHold } from "./answered.ts"
import {
  type CheckedUsage,
  checkAmount,
  checkCost,
  checkName,
  checkUsage,
  type UsageInput,
} from "./door.ts"
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

type WithoutKey<R> = R extends unknown ? Omit<R, "key"> : never
export type CallHoldAsk = WithoutKey<HoldRequest>

export type CallHoldAnswer =
  | { readonly grant: HoldGrant; readonly refusal: null }
  | { readonly grant: null; readonly refusal: Refusal }

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
    if (before.granted) return this.held(before.holdId, ask.tokens)
    throw holdRefused(this.agentId, before.refusal)
  }

  private async placeHold(holdId: HoldId, ask: PlainAsk): Promise<Held> {
    const answer = await this.holdCall({ holdId, ...ask })
    if (answer.refusal !== null) throw holdRefused(this.agentId, answer.refusal)
    return this.held(holdId, ask.tokens)
  }

  /**
   * Asks for a hold as the machines know it, by its bound for a call; resolves once the answer is
   * durable. With `queue` it resolves when the line has brought it that far, or `signal` takes it out.
   */
  async holdCall(ask: CallHoldAsk, signal?: AbortSignal): Promise<CallHoldAnswer> {
    const { host, key } = this
    const { holdId } = ask
    const given = withdrawnHold(host, holdId, signal)
    try {
      const request = { ...ask, key }
      const asked = host.ask(holdId, { type: "hold.requested", at: host.now(), request })
      const answer = await Promise.race([asked, given.withdrawn])
      if (!answer.granted)
        return { grant: null, refusal: answer.refusal ?? closed("stale", true, 0) }
      if (answer.durable || !host.settings.enforceHardLimits)
        return { grant: answer.grant ?? NO_GRANT, refusal: null }
      // Nothing has left yet, so nothing was spent.
      host.send({ type: "hold.voided", at: host.now(), holdId })
      return { grant: null, refusal: closed("ledger_unavailable", false, 0) }
    } finally {
      given.dispose()
    }
  }

  /** Settles a hold with what is already checked: a gateway's own words. */
  settleCall(settlement: Settlement): Promise<Reckoning> {
    return handled(this.settleChecked(settlement.holdId, () => settlement))
  }

  /** Charges a hold in full, as uncertain: nobody can say what its call came to. */
  chargeCall(holdId: HoldId): Promise<Reckoning> {
    const { host } = this
    const hold = holdOf(host.budget, holdId)
    if (hold === undefined) return Promise.resolve(this.reckon())
    host.send({ type: "hold.charged", at: host.now(), holdId })
    return handled(host.flush().then(() => this.reckon()))
  }

  voidCall(holdId: HoldId): Promise<void> {
    return this.voidHold(holdId)
  }

  /** Holds what the agent itself says of its calls against what was counted of them. */
  compareAccount(report: Omit<OwnAccountReport, "key">): Promise<void> {
    const { host, key } = this
    host.send({ type: "account.compared", at: host.now(), report: { ...report, key } })
    return handled(host.flush())
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

  private async settleChecked(
    holdId: HoldId,
    check: () => Omit<Settlement, "holdId">,
  ): Promise<Reckoning> {
    const { host } = this
    const { usage, provenance, model, costMicroUsd = null } = check()
    if (holdOf(host.budget, holdId) === undefined) {
      await this.settleLate(holdId, usage, costMicroUsd)
      return this.reckon()
    }
    const settlement = { holdId, usage, provenance, model, costMicroUsd }
    const written = host.sendDurably({ type: "hold.settled", at: host.now(), settlement })
    const reckoning = this.reckon()
    await written
    return reckoning
  }

  /** The hold is no longer open: if it was charged without a report, this is the report. */
  private async settleLate(
    holdId: HoldId,
    usage: CheckedUsage["usage"],
    costMicroUsd: number | null,
  ): Promise<void> {
    const { host } = this
    await host.flush()
    const rows = await host.ledger.find(holdId)
    const expired = rows.find((row) => row.kind === "hold_expired")
    const corrected = rows.some((row) => row.kind === "corrected")
    if (expired === undefined || corrected) return
    // Said twice at once: the second is acknowledged when the first is.
    if (host.settlingLate.has(holdId)) return host.flush()
    host.settlingLate.add(holdId)
    const {
      key,
      windowId,
      heldTokens: chargedTokens,
      heldCostMicroUsd: chargedMicroUsd = null,
    } = expired
    const late = { holdId, key, windowId, chargedTokens, chargedMicroUsd, usage, costMicroUsd }
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

/** Whoever waits in line and is aborted is taken out of it, and answered as refused. */
const withdrawnHold = (host: Host, holdId: HoldId, signal: AbortSignal | undefined) => {
  const withdrawn = Promise.withResolvers<Answer & { readonly durable: boolean }>()
  const leave = (): void => {
    host.stopAsking(holdId)
    host.send({ type: "hold.withdrawn", at: host.now(), holdId })
    // It may have been granted in the same turn: then nothing has left yet.
    if (holdOf(host.budget, holdId) !== undefined)
      host.send({ type: "hold.voided", at: host.now(), holdId })
    const refusal = closed("stale", false, 0)
    withdrawn.resolve({ id: holdId, granted: false, refusal, seq: 0, grant: null, durable: true })
  }
  if (signal?.aborted) queueMicrotask(leave)
  signal?.addEventListener("abort", leave, { once: true })
  return {
    withdrawn: withdrawn.promise,
    dispose: () => signal?.removeEventListener("abort", leave),
  }
}

const NO_GRANT: HoldGrant = { tokens: 0, outputTokens: 0, wrapsUp: false }

/** A caller may leave the promise alone; a ledger that fails must not end its process for that. */
const handled = <A>(promise: Promise<A>): Promise<A> => {
  promise.catch(() => {})
  return promise
}
