/** The budget's settings as the arithmetic sees them: already validated, units in the names. */
import type { MicroUsd, Tokens } from "../vocabulary.ts"

/** How much each kind of token counts, as decimals with at most three places. */
export interface TokenWeights {
  readonly input: number
  readonly output: number
  readonly cacheWrite: number
  readonly cacheRead: number
}

/** `null` is unlimited, `0` is none allowed. */
export interface BudgetSettings {
  readonly dailyTokenLimit: Tokens | null
  readonly perAgentTokenLimit: Tokens | null
  readonly dailyCostLimitMicroUsd: MicroUsd | null
  readonly perAgentCostLimitMicroUsd: MicroUsd | null
  /** The part of an agent's token limit that is set aside for winding down. */
  readonly reserveForWrapUp: Tokens
  readonly maxConcurrentAgents: number | null
  readonly maxTaskDurationMinutes: number | null
  readonly enforceHardLimits: boolean
  readonly tokenWeights: TokenWeights
  /** Percentages at which `approaching_limit`, `at_limit` and `exceeded` begin. */
  readonly thresholds: readonly [number, number, number]
  readonly graceSeconds: number
  readonly holdTimeoutMinutes: number
  /** Let through, and count afterwards, calls whose cost cannot be bounded. */
  readonly allowUnbounded: boolean
  /** Under a cost limit, let through calls of models without a known price. */
  readonly allowUnpriced: boolean
  /** IANA name. */
  readonly timeZone: string
}

export const DEFAULT_SETTINGS: BudgetSettings = {
  dailyTokenLimit: 10_000_000,
  perAgentTokenLimit: 2_000_000,
  maxConcurrentAgents: 10,
  maxTaskDurationMinutes: 120,
  enforceHardLimits: true,
  tokenWeights: { input: 1, output: 1, cacheWrite: 1, cacheRead: 0 },
  thresholds: [80, 95, 100],
  graceSeconds: 5,
  holdTimeoutMinutes: 15,
  timeZone: "UTC",
  dailyCostLimitMicroUsd: null,
  perAgentCostLimitMicroUsd: null,
  reserveForWrapUp: 0,
  allowUnbounded: false,
  allowUnpriced: false,
}

/** Settings as an earlier version wrote them: what it did not know is at its default. */
export const settingsAsWritten = (written: Partial<BudgetSettings>): BudgetSettings => ({
  ...DEFAULT_SETTINGS,
  ...written,
})
/** A setting's value as it was kept: opaque here, decoded by whoever starts a supervisor with it. */
export type KeptValue =
  | null
  | boolean
  | number
  | string
  | readonly number[]
  | Readonly<Record<string, number>>

/** Values that stay with the ledger from run to run, by setting; of the weights perhaps only some. */
export type KeptValues = Readonly<Record<string, KeptValue>>

export const sameSettings = (a: BudgetSettings, b: BudgetSettings): boolean =>
  JSON.stringify(a, Object.keys(DEFAULT_SETTINGS).concat(Object.keys(a.tokenWeights))) ===
  JSON.stringify(b, Object.keys(DEFAULT_SETTINGS).concat(Object.keys(b.tokenWeights)))

export const MS_PER_MINUTE = 60_000
