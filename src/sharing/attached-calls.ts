/**
 * The calls of an attached run's agent: asked of the holder, under ids that outlive it. What is
 * not answered yet is said again to the next holder, so a handover loses no hold and no report.
 */
import { randomUUID } from "node:crypto"
import type { AgentKey, HoldId, RefusalReason } from "../../machines/vocabulary.ts"
import {
  type AgentCalls,
  type CallAnswer,
  type CallAsk,
  type CallResolution,
  type HeldCall,
  handled,
  heldCall,
  type OwnAccount,
} from "../host/calls.ts"
import { LedgerUnavailable } from "../ledger/ledger.ts"
import type { ToHolderChannel } from "./connect.ts"
import type { FromHolder, ToHolder } from "./messages.ts"

type Answered = Extract<
  FromHolder,
  { readonly type: "held" | "hold_refused" | "resolved" | "unwritten" }
>

interface Asked {
  readonly said: ToHolder
  readonly answer: (answer: CallAnswer) => void
}

interface Reported {
  readonly said: ToHolder
  readonly written: PromiseWithResolvers<void>
}

/**
 * An ask that does not wait in line is answered at once by any holder that is well, and within this
 * by the next one after a handover. When it is not, nobody decides, and nothing may be spent.
 */
export const ANSWERED_WITHIN_MS = 30_000

export class AttachedCalls implements AgentCalls {
  /** Resolves when none is held and none will be, and what all came to is written. */
  readonly over: Promise<void>
  private readonly key: AgentKey
  private readonly asks = new Map<HoldId, Asked>()
  private readonly reports = new Map<string, Reported>()
  private readonly open = new Set<HoldId>()
  private readonly overness = Promise.withResolvers<void>()
  private channel: ToHolderChannel | null = null
  private hasEnded = false
  private isAbandoned = false

  constructor(key: AgentKey) {
    this.key = key
    this.over = this.overness.promise
  }

  /** To a holder that may have heard all of it, or nothing. What frees room is said first. */
  link(channel: ToHolderChannel): void {
    this.channel = channel
    for (const { said } of [...this.reports.values(), ...this.asks.values()]) channel.send(said)
  }

  unlink(): void {
    this.channel = null
  }

  /** Its agent has ended: none begins any more, and what the last ones came to is still reported. */
  end(): void {
    this.hasEnded = true
    this.refuseAll("stale")
    this.checkOver()
  }

  /** Nobody is left to report to. */
  abandon(): void {
    this.isAbandoned = true
    this.hasEnded = true
    this.refuseAll("ledger_unavailable")
    for (const { written } of this.reports.values()) written.resolve()
    this.reports.clear()
    this.open.clear()
    this.checkOver()
  }

  hold(ask: CallAsk, signal: AbortSignal): Promise<CallAnswer> {
    if (this.isAbandoned) return Promise.resolve(refused("ledger_unavailable"))
    if (this.hasEnded || signal.aborted) return Promise.resolve(refused("stale"))
    const id = randomUUID() as string as HoldId
    return new Promise((resolve) => {
      const takeBack = (): void => this.takeBack(id, "stale")
      const giveUp = (): void => this.takeBack(id, "ledger_unavailable")
      const timer = ask.queue ? undefined : setTimeout(giveUp, ANSWERED_WITHIN_MS)
      signal.addEventListener("abort", takeBack, { once: true })
      const answer = (given: CallAnswer): void => {
        clearTimeout(timer)
        signal.removeEventListener("abort", takeBack)
        resolve(given)
      }
      const said = { type: "hold", key: this.key, id, ask } as const
      this.asks.set(id, { said, answer })
      this.channel?.send(said)
    })
  }

  compare(account: OwnAccount): Promise<void> {
    const id = randomUUID()
    return this.report(id, { type: "compare", key: this.key, id, account })
  }

  receive(message: Answered): void {
    switch (message.type) {
      case "held":
        this.receiveGrant(message)
        return
      case "hold_refused":
        this.answerAsk(message.id, { granted: false, refusal: message.refusal })
        return
      case "resolved":
        this.reports.get(message.id)?.written.resolve()
        this.reports.delete(message.id)
        this.checkOver()
        return
      case "unwritten":
        // Said again to the next holder all the same: this one may not get to write it.
        this.reports.get(message.id)?.written.reject(new LedgerUnavailable(message))
    }
  }

  /** Its call has not left. Whether it was granted meanwhile nobody knows here, so it is voided. */
  private takeBack(id: HoldId, reason: RefusalReason): void {
    if (this.answerAsk(id, refused(reason))) this.resolve(id, { as: "void" })
  }

  private answerAsk(id: HoldId, answer: CallAnswer): boolean {
    this.asks.get(id)?.answer(answer)
    return this.asks.delete(id)
  }

  private receiveGrant({ id, outputTokens, wrapUp }: Extract<Answered, { type: "held" }>): void {
    if (!this.asks.has(id)) return
    this.open.add(id)
    this.answerAsk(id, { granted: true, held: this.held(id, outputTokens, wrapUp) })
  }

  private held(id: HoldId, outputTokens: number, wrapUp: HeldCall["wrapUp"]): HeldCall {
    return heldCall({ id, outputTokens, wrapUp }, (resolution) => {
      this.open.delete(id)
      return this.resolve(id, resolution)
    })
  }

  private resolve(id: HoldId, resolution: CallResolution): Promise<void> {
    return this.report(id, { type: "resolve", key: this.key, id, resolution })
  }

  private report(id: string, said: ToHolder): Promise<void> {
    if (this.isAbandoned) return Promise.resolve()
    const written = Promise.withResolvers<void>()
    this.reports.set(id, { said, written })
    this.channel?.send(said)
    return handled(written.promise)
  }

  private refuseAll(reason: RefusalReason): void {
    for (const id of [...this.asks.keys()]) this.answerAsk(id, refused(reason))
  }

  private checkOver(): void {
    if (this.hasEnded && this.open.size === 0 && this.reports.size === 0) this.overness.resolve()
  }
}

const refused = (reason: RefusalReason): CallAnswer => ({
  granted: false,
  refusal: { reason, limit: null, used: 0, held: 0, asked: 0, retryAt: null, never: false },
})
