/** Counts calls and days as they go by; what a limit means is never asked here. */
import { add, rawTokens } from "../../machines/budget/amounts.ts"
import { isoOf } from "../../machines/budget/summary.ts"
import type { Instant, RefusalReason, Tokens } from "../../machines/vocabulary.ts"
import type { RecordedCall } from "./recorded-call.ts"
import type { Counts, FirstRefusal, KindSums, ReplayedDay } from "./replayed.ts"
import type { DayReading, Verdict } from "./virtual-supervisor.ts"

type Mutable<A> = { -readonly [K in keyof A]: A[K] }

export interface CountedCall {
  readonly call: RecordedCall
  /** The call, weighed. */
  readonly tokens: Tokens
  readonly allowed: boolean
  /** The day as it stands after the call. */
  readonly day: DayReading
}

/** What soft mode only flags. */
const FLAGGED: readonly RefusalReason[] = [
  "agent_token_limit",
  "daily_token_limit",
  "cost_limit",
  "unboundable",
]

export class Tally {
  readonly #tokens: Mutable<KindSums> = { input: 0, output: 0, cacheWrite: 0, cacheRead: 0 }
  readonly #days: Mutable<ReplayedDay>[] = []
  #calls = 0
  #callsAllowed = 0
  #tokensUsed = 0
  #tokensSaved = 0
  #firstRefusal: FirstRefusal | null = null

  get calls(): number {
    return this.#calls
  }

  /** A verdict about an agent or one of its calls; only refusals, given or foretold, matter. */
  judged(verdict: Verdict, agentId: string, at: Instant, day: DayReading): void {
    if (verdict.refusal === null) return
    const { reason, retryAt } = verdict.refusal
    if (FLAGGED.includes(reason)) this.#firstRefusal ??= { at: isoOf(at), agentId, reason }
    // Money is waited for only where it is the day's.
    const isOfDay = reason === "daily_token_limit" || (reason === "cost_limit" && retryAt !== null)
    if (isOfDay) this.#dayOf(day).limitReachedAt ??= isoOf(at)
  }

  count({ call, tokens, allowed, day }: CountedCall): void {
    this.#countKinds(call)
    this.#calls += 1
    if (allowed) {
      this.#callsAllowed += 1
      this.#tokensUsed = add(this.#tokensUsed, tokens)
    } else this.#tokensSaved = add(this.#tokensSaved, tokens)
    this.#countDay(call, day)
  }

  counts(): Counts {
    return {
      calls: this.#calls,
      callsAllowed: this.#callsAllowed,
      callsRefused: this.#calls - this.#callsAllowed,
      tokens: this.#tokens,
      tokensUsed: this.#tokensUsed,
      tokensSaved: this.#tokensSaved,
      days: this.#days,
      firstRefusal: this.#firstRefusal,
    }
  }

  #countKinds({ usage }: RecordedCall): void {
    const sums = this.#tokens
    sums.input = add(sums.input, usage.inputTokens)
    sums.output = add(sums.output, usage.outputTokens)
    sums.cacheWrite = add(sums.cacheWrite, usage.cacheWriteTokens)
    sums.cacheRead = add(sums.cacheRead, usage.cacheReadTokens)
  }

  #countDay({ at, usage }: RecordedCall, reading: DayReading): void {
    const day = this.#dayOf(reading)
    day.calls += 1
    day.rawTokens = add(day.rawTokens, rawTokens(usage))
    day.tokensUsed = reading.tokensUsed
    day.costMicroUsd = reading.costMicroUsd
    day.unpricedCalls = reading.unpricedCalls
    day.budgetStatus = reading.status
    if (reading.isFull) day.limitReachedAt ??= isoOf(at)
  }

  /** The open day is the last; a closed one never comes back. */
  #dayOf({
    date,
    tokensUsed,
    costMicroUsd,
    unpricedCalls,
    status,
  }: DayReading): Mutable<ReplayedDay> {
    const last = this.#days.at(-1)
    if (last?.date === date) return last
    const opened: Mutable<ReplayedDay> = {
      date,
      calls: 0,
      tokensUsed,
      rawTokens: 0,
      costMicroUsd,
      unpricedCalls,
      budgetStatus: status,
      limitReachedAt: null,
    }
    this.#days.push(opened)
    return opened
  }
}
