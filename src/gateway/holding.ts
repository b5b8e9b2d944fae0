/**
 * Sets a call aside before it leaves. The bound by bytes is asked for first; where it does not fit
 * and the provider can count, its count is asked for once more, for it is the tighter bound.
 */
import type { CallBound } from "../../machines/budget/call-bound.ts"
import type { RefusalReport } from "../host/errors.ts"
import type { Unboundable } from "./dialects/dialect.ts"
import type { CallAnswer, CallAsk, MeteredAgent } from "./metered-agent.ts"

export interface Holding {
  readonly agent: MeteredAgent
  readonly unboundable: Unboundable | null
  /** With the input's bound by bytes. */
  readonly bound: CallBound
  readonly queue: boolean
  readonly waitMs: number
  /** The bound with the provider's count of the input; null: there is no such count. */
  readonly counted: (() => Promise<CallBound | null>) | null
  /** Aborted when the client has gone. */
  readonly gone: AbortSignal
}

/** What was answered, and to which bound of the input. */
export interface Placed {
  readonly answer: CallAnswer
  readonly inputTokens: number
}

/** Reasons that a smaller input could take away. */
const MATTERS_OF_SIZE: ReadonlySet<string> = new Set([
  "agent_token_limit",
  "daily_token_limit",
  "cost_limit",
  "unboundable",
])

export const placeHold = async (holding: Holding): Promise<Placed> => {
  const { agent, bound, counted, gone, unboundable } = holding
  const { claims } = agent
  const isBounded = unboundable === null
  const canCount = unboundable === null || unboundable.countSettles
  const asBytes = async (): Promise<Placed> =>
    placed(bound, await askInLine(holding, bound, isBounded))
  if (counted === null || !canCount) return asBytes()
  const tentative = { bound, isBounded, queue: false, isTentative: true, claims }
  const first = await agent.calls.hold(tentative, gone)
  // Where nobody decides, no line leads anywhere.
  if (first.granted || first.refusal.reason === "ledger_unavailable") return placed(bound, first)
  const tighter = MATTERS_OF_SIZE.has(first.refusal.reason) ? await counted() : null
  return tighter === null ? asBytes() : placed(tighter, await askInLine(holding, tighter, true))
}

const placed = ({ inputTokens }: CallBound, answer: CallAnswer): Placed => ({ answer, inputTokens })

/** Waits in line for a bounded time; then the answer is what it is now. */
const askInLine = async (
  { agent, queue, waitMs, gone }: Holding,
  bound: CallBound,
  isBounded: boolean,
): Promise<CallAnswer> => {
  const { claims } = agent
  const ask: CallAsk = { bound, isBounded, queue, isTentative: false, claims }
  if (!queue) return agent.calls.hold(ask, gone)
  const withdrawn = new AbortController()
  const withdraw = (): void => withdrawn.abort()
  if (gone.aborted) withdraw()
  gone.addEventListener("abort", withdraw)
  const timer = setTimeout(withdraw, waitMs)
  const answer = await agent.calls.hold(ask, withdrawn.signal)
  clearTimeout(timer)
  gone.removeEventListener("abort", withdraw)
  const hasWaitedEnough = withdrawn.signal.aborted && !gone.aborted
  return answer.granted || !hasWaitedEnough
    ? answer
    : agent.calls.hold({ ...ask, queue: false }, gone)
}

/** What a port that broke its promise comes to: nothing may be spent. */
export const unanswered = (asked: number): RefusalReport => ({
  reason: "ledger_unavailable",
  limit: null,
  used: 0,
  held: 0,
  asked,
  retryAt: null,
  never: false,
})
