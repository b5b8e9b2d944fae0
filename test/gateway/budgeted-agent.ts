/**
 * An agent for the gateway with a budget of its own: grants what fits, keeps a line, and notes how
 * each hold ended. It fails the test when a hold ends twice.
 */
import type {
  CallAnswer,
  CallAsk,
  CallReport,
  HeldCall,
  MeteredAgent,
} from "../../src/gateway/metered-agent.ts"
import type { RefusalReport } from "../../src/host/errors.ts"

export type HoldEnd =
  | { readonly kind: "settled"; readonly report: CallReport }
  | { readonly kind: "charged" }
  | { readonly kind: "voided" }

export interface NotedHold {
  readonly ask: CallAsk
  readonly tokens: number
  readonly outputTokens: number
  end: HoldEnd | null
  ends: number
}

export interface BudgetedAgentOptions {
  readonly limit?: number
  /** Calls are refused with this, whatever they ask. */
  readonly refusal?: Partial<RefusalReport>
  readonly wrapUp?: number
  readonly agentId?: string
  /** Unboundable calls are let by, as in soft mode. */
  readonly isSoft?: boolean
}

interface Waiting {
  readonly ask: CallAsk
  readonly answer: (answer: CallAnswer) => void
}

export class BudgetedAgent implements MeteredAgent {
  readonly agentId: string
  readonly claims = "reserved"
  readonly holds: NotedHold[] = []
  readonly asks: CallAsk[] = []
  used = 0
  private readonly options: BudgetedAgentOptions
  private readonly line: Waiting[] = []
  private readonly listeners = new Set<() => void>()

  constructor(options: BudgetedAgentOptions = {}) {
    this.options = options
    this.agentId = options.agentId ?? "worker-1"
  }

  get calls(): MeteredAgent["calls"] {
    return { hold: this.hold }
  }

  get held(): number {
    return this.open.reduce((sum, hold) => sum + hold.tokens, 0)
  }

  get open(): readonly NotedHold[] {
    return this.holds.filter(({ end }) => end === null)
  }

  get inLine(): number {
    return this.line.length
  }

  /** Resolves when this is true; looked at after each ask and each end. */
  async until(isSo: (agent: this) => boolean): Promise<void> {
    if (isSo(this)) return
    await new Promise<void>((resolve) => {
      const look = (): void => {
        if (!isSo(this)) return
        this.listeners.delete(look)
        resolve()
      }
      this.listeners.add(look)
    })
  }

  private readonly hold = (ask: CallAsk, signal: AbortSignal): Promise<CallAnswer> => {
    this.asks.push(ask)
    const answered = new Promise<CallAnswer>((resolve) => {
      const answer = signal.aborted ? this.refused(ask, "stale") : this.decide(ask)
      if (answer !== null) {
        resolve(answer)
        return
      }
      const waiting = { ask, answer: resolve }
      this.line.push(waiting)
      signal.addEventListener("abort", () => {
        const at = this.line.indexOf(waiting)
        if (at >= 0) this.line.splice(at, 1)
        resolve(this.refused(ask, "agent_token_limit"))
      })
    })
    this.changed()
    return answered
  }

  /** Null: it waits in line. */
  private decide(ask: CallAsk): CallAnswer | null {
    const { refusal, limit = Number.MAX_SAFE_INTEGER, isSoft } = this.options
    if (refusal !== undefined) return this.refused(ask, refusal.reason ?? "agent_token_limit")
    if (!ask.isBounded && isSoft !== true) return this.refused(ask, "unboundable")
    const { inputTokens, outputTokens, answers } = ask.bound
    const room = limit - this.used - this.held
    const fits = Math.floor((room - inputTokens) / answers)
    if (isSoft === true) return this.grant(ask, outputTokens.most)
    if (fits >= outputTokens.least) return this.grant(ask, Math.min(fits, outputTokens.most))
    const isMatterOfTime = limit - this.used - inputTokens >= outputTokens.least * answers
    return ask.queue && isMatterOfTime ? null : this.refused(ask, "agent_token_limit")
  }

  private refused(ask: CallAsk, reason: RefusalReport["reason"]): CallAnswer {
    const { limit = null, refusal } = this.options
    const asked = ask.bound.inputTokens + ask.bound.outputTokens.least * ask.bound.answers
    const numbers = { limit, used: this.used, held: this.held, asked, retryAt: null }
    return { granted: false, refusal: { reason, ...numbers, never: true, ...refusal } }
  }

  private grant(ask: CallAsk, outputTokens: number): CallAnswer {
    const tokens = ask.bound.inputTokens + outputTokens * ask.bound.answers
    const noted: NotedHold = { ask, tokens, outputTokens, end: null, ends: 0 }
    this.holds.push(noted)
    const { wrapUp } = this.options
    const ended = (end: HoldEnd, used: number) => (): Promise<void> => this.end(noted, end, used)
    const held: HeldCall = {
      id: `hold-${this.holds.length}`,
      outputTokens,
      wrapUp: wrapUp === undefined ? null : { remainingTokens: wrapUp },
      settle: (report) => ended({ kind: "settled", report }, totalOf(report))(),
      charge: ended({ kind: "charged" }, tokens),
      void: ended({ kind: "voided" }, 0),
    }
    return { granted: true, held }
  }

  private async end(noted: NotedHold, end: HoldEnd, used: number): Promise<void> {
    noted.ends += 1
    if (noted.ends > 1) throw new Error("a hold ended twice")
    noted.end = end
    this.used += used
    for (const waiting of [...this.line]) {
      const answer = this.decide(waiting.ask)
      if (answer === null) break
      this.line.shift()
      waiting.answer(answer)
    }
    this.changed()
  }

  private changed(): void {
    for (const look of [...this.listeners]) look()
  }
}

export const totalOf = ({ usage }: CallReport): number =>
  usage.inputTokens + usage.outputTokens + usage.cacheReadTokens + usage.cacheWriteTokens
