/** The holder's side of calls that another process makes: asked for, answered, resolved by message. */
import type { HoldId } from "../../machines/vocabulary.ts"
import type { HostCalls } from "../host/calls.ts"
import type { LedgerUnavailable } from "../ledger/ledger.ts"
import type { FromHolder, ToHolder } from "./messages.ts"

export type CallMessage = Extract<ToHolder, { readonly type: "hold" | "resolve" | "compare" }>

export class RemoteCalls {
  private readonly calls: HostCalls
  private readonly send: (message: FromHolder) => void
  private readonly asked = new Map<HoldId, AbortController>()

  /** `send` reaches whoever looks after the agent by then, if anybody does. */
  constructor(calls: HostCalls, send: (message: FromHolder) => void) {
    this.calls = calls
    this.send = send
  }

  hear(message: CallMessage): void {
    switch (message.type) {
      case "hold":
        this.hold(message)
        return
      case "resolve":
        this.acknowledge(message, this.resolve(message))
        return
      case "compare":
        this.acknowledge(message, this.calls.compare(message.account))
    }
  }

  /** Whoever asked is gone; it asks again when it comes back. */
  forgetAsked(): void {
    for (const asking of this.asked.values()) asking.abort()
  }

  private async hold({ key, id, ask }: Extract<CallMessage, { type: "hold" }>): Promise<void> {
    // Asked again while it is decided: the one answer is on its way.
    if (this.asked.has(id)) return
    const asking = new AbortController()
    this.asked.set(id, asking)
    const answer = await this.calls.holdAs(id, ask, asking.signal)
    this.asked.delete(id)
    if (asking.signal.aborted) return
    if (!answer.granted) this.send({ type: "hold_refused", key, id, refusal: answer.refusal })
    else {
      const { outputTokens, wrapUp } = answer.held
      this.send({ type: "held", key, id, outputTokens, wrapUp })
    }
  }

  /** One that is still asked for waits no longer; if it was granted by then, it is voided. */
  private resolve({ id, resolution }: Extract<CallMessage, { type: "resolve" }>): Promise<void> {
    this.asked.get(id)?.abort()
    return this.calls.resolve(id, resolution)
  }

  private acknowledge(
    { key, id }: Extract<CallMessage, { type: "resolve" | "compare" }>,
    done: Promise<unknown>,
  ): void {
    done.then(
      () => this.send({ type: "resolved", key, id }),
      (error: LedgerUnavailable) => {
        const { reason, path, message } = error
        this.send({ type: "unwritten", key, id, reason, path, message })
      },
    )
  }
}
