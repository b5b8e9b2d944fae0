/**
 * The calls of an attached run's agent: asked of the holder, under ids that outlive it. What is
 * not answered yet is said again to the next holder, so a handover loses no hold and no report.
 */
import { randomUUID } from "node:crypto"
import type { AgentKey, HoldId } from "../../machines/vocabulary.ts"
import type { AgentCalls, CallAnswer, CallAsk, HeldCall, OwnAccount } from "../host/calls.ts"
import type { RefusalReport } from "../host/errors.ts"
import type { CallResolution } from "./call-messages.ts"
import type { ToHolderChannel } from "./connect.ts"
import type { FromHolder, ToHolder } from "./messages.ts"

type Answered = Extract<FromHolder, { readonly type: "held" | "hold_refused" | "resolved" }>

interface Unanswered<Answer> {
  readonly said: ToHolder
  readonly answer: (answer: Answer) => void
}

export class AttachedCalls implements AgentCalls {
  private readonly key: AgentKey
  private readonly asks = new Map<string, Unanswered<CallAnswer>>()
  private readonly reports = new Map<string, Unanswered<void>>()
  private channel: ToHolderChannel | null = null
  private isOver = false

  constructor(key: AgentKey) {
    this.key = key
  }

  /** To a holder that may have heard all of it, or nothing. */
  link(channel: ToHolderChannel): void {
    this.channel = channel
    for (const { said } of [...this.asks.values(), ...this.reports.values()]) channel.send(said)
  }

  unlink(): void {
    this.channel = null
  }

  /** Nobody decides about them any more. */
  end(): void {
    this.isOver = true
    for (const { answer } of this.asks.values()) answer(REFUSED)
    for (const { answer } of this.reports.values()) answer()
    this.asks.clear()
    this.reports.clear()
  }

  hold(ask: CallAsk, signal: AbortSignal): Promise<CallAnswer> {
    if (this.isOver || signal.aborted) return Promise.resolve(REFUSED)
    const id = randomUUID() as string as HoldId
    return new Promise((resolve) => {
      const leave = (): void => {
        if (!this.asks.delete(id)) return
        this.channel?.send({ type: "hold_withdrawn", key: this.key, id })
        resolve(REFUSED)
      }
      signal.addEventListener("abort", leave, { once: true })
      const answer = (given: CallAnswer): void => {
        signal.removeEventListener("abort", leave)
        resolve(given)
      }
      this.ask(id, { said: { type: "hold", key: this.key, id, ask }, answer })
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
        this.reports.get(message.id)?.answer()
        this.reports.delete(message.id)
    }
  }

  private ask(id: string, ask: Unanswered<CallAnswer>): void {
    this.asks.set(id, ask)
    this.channel?.send(ask.said)
  }

  private answerAsk(id: string, answer: CallAnswer): void {
    this.asks.get(id)?.answer(answer)
    this.asks.delete(id)
  }

  private receiveGrant({ id, outputTokens, wrapUp }: Extract<Answered, { type: "held" }>): void {
    // Taken back while the answer was on its way: its call has not left.
    if (this.asks.has(id))
      this.answerAsk(id, { granted: true, held: this.held(id, outputTokens, wrapUp) })
    else if (!this.isOver) this.resolve(id, { as: "void" })
  }

  private held(id: HoldId, outputTokens: number, wrapUp: HeldCall["wrapUp"]): HeldCall {
    return {
      id,
      outputTokens,
      wrapUp,
      settle: (report) => this.resolve(id, { as: "settle", report }),
      charge: () => this.resolve(id, { as: "charge" }),
      void: () => this.resolve(id, { as: "void" }),
    }
  }

  private resolve(id: HoldId, resolution: CallResolution): Promise<void> {
    return this.report(id, { type: "resolve", key: this.key, id, resolution })
  }

  private report(id: string, said: ToHolder): Promise<void> {
    if (this.isOver || this.reports.has(id)) return Promise.resolve()
    return new Promise((resolve) => {
      this.reports.set(id, { said, answer: resolve })
      this.channel?.send(said)
    })
  }
}

const STALE: RefusalReport = {
  reason: "stale",
  limit: null,
  used: 0,
  held: 0,
  asked: 0,
  retryAt: null,
  never: false,
}

const REFUSED: CallAnswer = { granted: false, refusal: STALE }
