/**
 * An agent's calls as they are held: asked for by their bound, resolved once. What the library's
 * `hold` is made of, and what a gateway needs; everything decided is the machines' decision.
 */
import { randomUUID } from "node:crypto"
import { closed } from "../../machines/budget/admission.ts"
import { holdOf } from "../../machines/budget/budget.ts"
import type { CallBound } from "../../machines/budget/call-bound.ts"
import type { HoldRequest, Settlement } from "../../machines/budget/holds.ts"
import type { OwnAccountReport } from "../../machines/budget/metering.ts"
import type { Refusal } from "../../machines/budget/row.ts"
import type { HoldGrant } from "../../machines/supervisor-setup.ts"
import type { AgentKey, HoldId, MicroUsd, Provenance, Usage } from "../../machines/vocabulary.ts"
import type { Patience } from "../ledger/ledger.ts"
import { type RefusalReport, reportOf } from "./errors.ts"
import type { Host } from "./host.ts"

export interface CallAsk {
  readonly bound: CallBound
  /** False: what it comes to cannot be told from its request, and hard mode refuses it. */
  readonly isBounded: boolean
  /** Wait in line while only held amounts are in the way. */
  readonly queue: boolean
  /** Grant all of it or nothing: a tighter bound is asked for otherwise, and this was no refusal. */
  readonly isTentative: boolean
  /** The class its agent is in for it: `reserved` only where no call can pass by. */
  readonly claims: "reserved" | "metered"
}

export interface CallReport {
  readonly usage: Usage
  readonly provenance: Provenance
  readonly model: string | null
  /** Null: the model has no price. */
  readonly costMicroUsd: MicroUsd | null
}

/** How a held call ended; `void` only when it provably never left. */
export type CallResolution =
  | { readonly as: "settle"; readonly report: CallReport }
  | { readonly as: "charge" | "void" }

/** A call set aside, durable before this is known. The first of `settle`, `charge` and `void` counts. */
export interface HeldCall {
  readonly id: string
  /** What each answer may have: the cap to send. */
  readonly outputTokens: number
  /** Only what is set aside for winding down is left. */
  readonly wrapUp: { readonly remainingTokens: number | null } | null
  /** Each resolves when it is durable. */
  readonly settle: (report: CallReport) => Promise<unknown>
  /** Nobody can say what it came to: charge what was held. */
  readonly charge: () => Promise<unknown>
  /** Only when it provably never left. */
  readonly void: () => Promise<unknown>
}

export type CallAnswer =
  | { readonly granted: true; readonly held: HeldCall }
  | { readonly granted: false; readonly refusal: RefusalReport }

/** What an agent itself says of all its calls. */
export type OwnAccount = Omit<OwnAccountReport, "key">

/** The calls of one agent, wherever they are decided. */
export interface AgentCalls {
  /** Never rejects; a request taken back by `signal` is answered as refused. */
  readonly hold: (ask: CallAsk, signal: AbortSignal) => Promise<CallAnswer>
  /** Holds its own account against what was counted of it. */
  readonly compare: (account: OwnAccount) => Promise<unknown>
}

/** Whoever names another end after the first waits for the first. */
export const heldCall = (
  granted: Pick<HeldCall, "id" | "outputTokens" | "wrapUp">,
  resolve: (resolution: CallResolution) => Promise<unknown>,
): HeldCall => {
  let ended: Promise<unknown> | null = null
  const end = (resolution: CallResolution): Promise<unknown> => {
    ended ??= resolve(resolution)
    return ended
  }
  return {
    ...granted,
    settle: (report) => end({ as: "settle", report }),
    charge: () => end({ as: "charge" }),
    void: () => end({ as: "void" }),
  }
}

type WithoutKey<R> = R extends unknown ? Omit<R, "key"> : never
export type HoldAsk = WithoutKey<HoldRequest>

export type HoldAnswer =
  | { readonly grant: HoldGrant; readonly refusal: null }
  | { readonly grant: null; readonly refusal: Refusal }

/** How much the agent may still hold; null is unlimited. */
type Remaining = () => number | null

export class HostCalls implements AgentCalls {
  private readonly host: Host
  private readonly key: AgentKey
  private readonly remaining: Remaining

  constructor(host: Host, key: AgentKey, remaining: Remaining) {
    this.host = host
    this.key = key
    this.remaining = remaining
  }

  hold(ask: CallAsk, signal: AbortSignal): Promise<CallAnswer> {
    return this.holdAs(randomUUID() as string as HoldId, ask, signal)
  }

  /** Under an id of the asker's: asked again, also of a later supervisor, it is held once. */
  async holdAs(holdId: HoldId, ask: CallAsk, signal: AbortSignal): Promise<CallAnswer> {
    // Nobody waits for it any more: to ask would only count against the agent.
    if (signal.aborted) return { granted: false, refusal: reportOf(TAKEN_BACK) }
    const { bound: call, ...rest } = ask
    const { grant, refusal } = await this.ask({ ...rest, holdId, call, isWatched: true }, signal)
    if (grant === null) return { granted: false, refusal: reportOf(refusal) }
    return { granted: true, held: this.held(holdId, grant) }
  }

  /** Resolves once the answer is durable; `queue` may make that long, `signal` takes it out. */
  async ask(ask: HoldAsk, signal?: AbortSignal): Promise<HoldAnswer> {
    const { host, key } = this
    const { holdId } = ask
    const request = { ...ask, key }
    const asked = host.ask(holdId, { type: "hold.requested", at: host.now(), request })
    // Decided at once, as nearly always: nobody has to be listened to while it is written.
    const answer =
      signal === undefined || !host.isAsking(holdId)
        ? await asked
        : await answeredOrTakenBack(host, holdId, asked, signal)
    if (signal?.aborted) {
      takeBack(host, holdId)
      return { grant: null, refusal: TAKEN_BACK }
    }
    if (!answer.granted) return { grant: null, refusal: answer.refusal ?? closed("stale", true, 0) }
    if (answer.durable || !host.settings.enforceHardLimits)
      return { grant: answer.grant ?? NO_GRANT, refusal: null }
    // Nothing has left yet, so nothing was spent.
    host.send({ type: "hold.voided", at: host.now(), holdId })
    return { grant: null, refusal: closed("ledger_unavailable", false, 0) }
  }

  resolve(holdId: HoldId, resolution: CallResolution): Promise<void> {
    switch (resolution.as) {
      case "settle":
        // Its client has its answer already, and its next call's hold takes this row along.
        return this.settle({ holdId, ...resolution.report }, "patient")
      case "charge":
        return this.charge(holdId)
      case "void":
        return this.void(holdId)
    }
  }

  /** Resolves when it is durable; of a hold that was charged by then, it is the correction. */
  settle(settlement: Settlement, patience: Patience = "urgent"): Promise<void> {
    const { host } = this
    if (holdOf(host.budget, settlement.holdId) === undefined) return this.settleLate(settlement)
    const event = { type: "hold.settled", at: host.now(), settlement } as const
    return handled(host.sendDurably(event, patience))
  }

  charge(holdId: HoldId): Promise<void> {
    const { host } = this
    host.send({ type: "hold.charged", at: host.now(), holdId })
    return handled(host.flush())
  }

  void(holdId: HoldId): Promise<void> {
    const { host } = this
    host.send({ type: "hold.voided", at: host.now(), holdId })
    return handled(host.flush())
  }

  compare(account: OwnAccount): Promise<void> {
    const { host, key } = this
    host.send({ type: "account.compared", at: host.now(), report: { ...account, key } })
    return handled(host.flush())
  }

  private held(holdId: HoldId, { outputTokens, wrapsUp }: HoldGrant): HeldCall {
    const wrapUp = wrapsUp ? { remainingTokens: this.remaining() } : null
    return heldCall({ id: holdId, outputTokens, wrapUp }, (end) => this.resolve(holdId, end))
  }

  /** The hold is no longer open: if it was charged without a report, this is the report. */
  private async settleLate(late: Settlement): Promise<void> {
    const { host } = this
    await host.flush()
    // What was charged is the most it can be; only the provider's own words are better than that.
    if (late.provenance !== "reported") return
    const { holdId, usage, costMicroUsd = null } = late
    const rows = await host.ledger.find(holdId)
    const expired = rows.find((row) => row.kind === "hold_expired")
    const corrected = rows.some((row) => row.kind === "corrected")
    if (expired === undefined || corrected) return
    // Said twice at once: the second is acknowledged when the first is.
    if (host.settlingLate.has(holdId)) return host.flush()
    host.settlingLate.add(holdId)
    const { key, windowId, heldTokens: chargedTokens, heldCostMicroUsd = null } = expired
    const charged = { chargedTokens, chargedMicroUsd: heldCostMicroUsd }
    const correction = { holdId, key, windowId, ...charged, usage, costMicroUsd }
    await host
      .sendDurably({ type: "hold.settled_late", at: host.now(), late: correction })
      .finally(() => host.settlingLate.delete(holdId))
  }
}

type Asked = Awaited<ReturnType<Host["ask"]>>

/** Whoever waits in line and is aborted is taken out of it, and answered as refused. */
const answeredOrTakenBack = async (
  host: Host,
  holdId: HoldId,
  asked: Promise<Asked>,
  signal: AbortSignal,
): Promise<Asked> => {
  const back = Promise.withResolvers<Asked>()
  const leave = (): void => {
    takeBack(host, holdId)
    const nothing = { granted: false, refusal: TAKEN_BACK, grant: null } as const
    back.resolve({ id: holdId, ...nothing, seq: 0, durable: true })
  }
  signal.addEventListener("abort", leave, { once: true })
  try {
    return await Promise.race([asked, back.promise])
  } finally {
    signal.removeEventListener("abort", leave)
  }
}

/** Out of the line; or, where it was granted meanwhile, void: nothing has left yet. */
const takeBack = (host: Host, holdId: HoldId): void => {
  host.stopAsking(holdId)
  host.send({ type: "hold.withdrawn", at: host.now(), holdId })
  if (holdOf(host.budget, holdId) !== undefined)
    host.send({ type: "hold.voided", at: host.now(), holdId })
}

const TAKEN_BACK = closed("stale", false, 0)

const NO_GRANT: HoldGrant = { tokens: 0, outputTokens: 0, wrapsUp: false }

/** A caller may leave the promise alone; a ledger that fails must not end its process for that. */
export const handled = <A>(promise: Promise<A>): Promise<A> => {
  promise.catch(() => {})
  return promise
}
