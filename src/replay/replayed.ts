/** What a replay found. Tokens are weighed unless said otherwise; times are ISO 8601, UTC. */
import type { BudgetSettings } from "../../machines/budget/settings.ts"
import type { BudgetStatus, MicroUsd, RefusalReason, Tokens } from "../../machines/vocabulary.ts"
import type { Outcomes } from "./outcomes.ts"
import type { Extent } from "./scratch.ts"

export interface ReplayedDay {
  /** Of the budget's time zone. */
  readonly date: string
  /** Of all agents, allowed or not. */
  readonly calls: number
  /** Of the calls that were allowed. */
  readonly tokensUsed: Tokens
  /** The plain sum of the four kinds, of all calls. */
  readonly rawTokens: Tokens
  /** Of the calls that were allowed and whose models have a known price. */
  readonly costMicroUsd: MicroUsd
  /** Those of them that have none. */
  readonly unpricedCalls: number
  readonly budgetStatus: BudgetStatus
  /** When the day was used up, or first had no room for what was asked; null if never. */
  readonly limitReachedAt: string | null
}

/** Plain sums of all calls, allowed or not. */
export interface KindSums {
  readonly input: Tokens
  readonly output: Tokens
  readonly cacheWrite: Tokens
  readonly cacheRead: Tokens
}

/** The first request that the limits refuse in hard mode; soft mode foretells the same one. */
export interface FirstRefusal {
  readonly at: string
  readonly agentId: string
  readonly reason: RefusalReason
}

export interface Counts {
  readonly calls: number
  readonly callsAllowed: number
  readonly callsRefused: number
  readonly tokens: KindSums
  readonly tokensUsed: Tokens
  readonly tokensSaved: Tokens
  readonly days: readonly ReplayedDay[]
  readonly firstRefusal: FirstRefusal | null
}

export interface Replayed extends Counts {
  readonly settings: BudgetSettings
  readonly files: number
  readonly extent: Extent
  /** Admissions asked for, granted or not. */
  readonly agents: number
  readonly peakActiveAgents: number
  readonly skippedLines: number
  /** On disk, however many; valid while the replay's result is in use. */
  readonly outcomes: Outcomes
}
