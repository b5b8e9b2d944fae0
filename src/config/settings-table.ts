/**
 * The one table of settings. Flags, STINT_* variables, file keys, `--help` and the reference
 * are all derived from it, so a setting is added, renamed or bounded here and nowhere else.
 */
import { DEFAULT_SETTINGS } from "../../machines/budget/settings.ts"
import {
  microUsd,
  path,
  readDollars,
  span,
  switched,
  thresholds,
  timeZone,
  tokens,
  unlimitedOr,
  weights,
  wholeNumber,
} from "./kinds.ts"

/** A century: past that a deadline is no deadline, and soon no instant a calendar can show. */
const MINUTES_MAX = 52_560_000
const GRACE_SECONDS_MAX = 86_400
/** Ids must be found for as long as the window and the next are open. */
const RETENTION_DAYS_MIN = 2
const RETENTION_DAYS_MAX = 36_500
/** No model answers with more; it keeps a bound's product with a price far below 2^53. */
const ANSWER_TOKENS_MAX = 10_000_000

/** What follows from the key alone, such as the variable, is filled in by `setting`. */
export const SETTINGS = {
  dailyTokenLimit: {
    scope: "budget",
    kind: unlimitedOr(tokens),
    unit: "tokens",
    default: DEFAULT_SETTINGS.dailyTokenLimit,
    meaning: "tokens all agents together may use in a day of the time zone",
  },
  perAgentTokenLimit: {
    scope: "budget",
    kind: unlimitedOr(tokens),
    unit: "tokens",
    default: DEFAULT_SETTINGS.perAgentTokenLimit,
    meaning: "tokens one agent may use in its life",
  },
  maxConcurrentAgents: {
    scope: "budget",
    kind: unlimitedOr(wholeNumber(0, Number.MAX_SAFE_INTEGER)),
    unit: "agents",
    default: DEFAULT_SETTINGS.maxConcurrentAgents,
    meaning: "agents that may run at once; enforced in both modes",
  },
  maxTaskDurationMinutes: {
    scope: "budget",
    kind: unlimitedOr(span("minutes", MINUTES_MAX)),
    unit: "minutes",
    default: DEFAULT_SETTINGS.maxTaskDurationMinutes,
    meaning: "how long one agent may live from its admission; enforced in both modes",
  },
  enforceHardLimits: {
    scope: "budget",
    kind: switched,
    flag: "soft",
    switches: [
      { flag: "soft", value: false, meaning: "flag what passes a token limit, stop nobody for it" },
      { flag: "hard", value: true, meaning: "refuse and stop what passes a token limit" },
    ],
    unit: null,
    default: DEFAULT_SETTINGS.enforceHardLimits,
    meaning: "true (hard): refuse and stop at the limits; false (soft): allow and flag",
  },
  tokenWeights: {
    scope: "budget",
    kind: weights,
    unit: null,
    default: DEFAULT_SETTINGS.tokenWeights,
    meaning: "how much each kind of token counts; what is not named keeps its weight",
  },
  thresholds: {
    scope: "budget",
    kind: thresholds,
    unit: "percent",
    default: DEFAULT_SETTINGS.thresholds,
    meaning: "where approaching_limit, at_limit and exceeded begin, in percent of a limit",
  },
  graceSeconds: {
    scope: "budget",
    kind: span("seconds", GRACE_SECONDS_MAX),
    unit: "seconds",
    default: DEFAULT_SETTINGS.graceSeconds,
    meaning: "time between the request to stop and SIGKILL",
  },
  holdTimeoutMinutes: {
    scope: "budget",
    kind: span("minutes", MINUTES_MAX),
    unit: "minutes",
    default: DEFAULT_SETTINGS.holdTimeoutMinutes,
    meaning: "time after which a hold that was never settled is charged in full",
  },
  timeZone: {
    scope: "budget",
    kind: timeZone,
    unit: null,
    default: DEFAULT_SETTINGS.timeZone,
    meaning: "the zone whose days the daily limits count by",
  },
  dailyCostLimitMicroUsd: {
    scope: "budget",
    kind: unlimitedOr(microUsd),
    flag: "daily-cost-limit",
    readFlag: readDollars,
    unit: "micro-dollars (the flag: dollars)",
    default: DEFAULT_SETTINGS.dailyCostLimitMicroUsd,
    meaning: "money all agents together may spend in a day",
  },
  perAgentCostLimitMicroUsd: {
    scope: "budget",
    kind: unlimitedOr(microUsd),
    flag: "per-agent-cost-limit",
    readFlag: readDollars,
    unit: "micro-dollars (the flag: dollars)",
    default: DEFAULT_SETTINGS.perAgentCostLimitMicroUsd,
    meaning: "money one agent may spend in its life",
  },
  reserveForWrapUp: {
    scope: "budget",
    kind: tokens,
    unit: "tokens",
    default: DEFAULT_SETTINGS.reserveForWrapUp,
    meaning: "tokens of an agent's limit that are set aside for winding down",
  },
  allowUnbounded: {
    scope: "budget",
    kind: switched,
    switches: [
      {
        flag: "allow-unbounded",
        value: true,
        meaning: "let calls through whose cost cannot be bounded before they are made",
      },
    ],
    unit: null,
    default: DEFAULT_SETTINGS.allowUnbounded,
    meaning: "in hard mode: let calls through whose cost cannot be bounded before they are made",
  },
  allowUnpriced: {
    scope: "budget",
    kind: switched,
    switches: [
      {
        flag: "allow-unpriced",
        value: true,
        meaning: "under a cost limit: let calls through to models without a known price",
      },
    ],
    unit: null,
    default: DEFAULT_SETTINGS.allowUnpriced,
    meaning: "under a cost limit: let calls through to models without a known price",
  },
  minAnswerTokens: {
    scope: "gateway",
    kind: wholeNumber(1, ANSWER_TOKENS_MAX, "TOKENS"),
    unit: "tokens",
    default: 256,
    meaning: "an answer is not cut shorter than this to fit; the call is refused instead",
  },
  defaultOutputTokens: {
    scope: "gateway",
    kind: wholeNumber(1, ANSWER_TOKENS_MAX, "TOKENS"),
    unit: "tokens",
    default: 32_000,
    meaning: "the cap put into a request that has none",
  },
  wrapUpNote: {
    scope: "gateway",
    kind: switched,
    switches: [
      {
        flag: "wrap-up-note",
        value: true,
        meaning: "tell the model in its request when only the reserve is left",
      },
    ],
    unit: null,
    default: false,
    meaning: "tell the model in its request when only the reserve is left",
  },
  ledger: {
    scope: "run",
    kind: path,
    unit: null,
    default: null,
    defaultText: "stint.db in the user's state folder",
    meaning: "the file that keeps what was used",
  },
  retentionDays: {
    scope: "run",
    kind: wholeNumber(RETENTION_DAYS_MIN, RETENTION_DAYS_MAX, "DAYS"),
    unit: "days",
    default: 30,
    meaning: "days after which the ledger keeps sums in place of single calls",
  },
  idleMinutes: {
    scope: "replay",
    kind: span("minutes", MINUTES_MAX),
    flag: "idle",
    unit: "minutes",
    default: 30,
    meaning: "in a replay: a longer gap between two calls begins a new agent",
  },
} as const

export type SettingKey = keyof typeof SETTINGS

/**
 * `budget`: part of a budget wherever one is given. `run`, `replay`: of those commands alone.
 * `gateway`: of a run's way to the providers.
 */
export type Scope = "budget" | "gateway" | "run" | "replay"

/** One of several flags that choose a value each, and take none. */
export interface Switch {
  readonly flag: string
  readonly value: unknown
  readonly meaning: string
}

/** One row of the table, complete. */
export interface Setting {
  readonly key: SettingKey
  readonly scope: Scope
  /** Without the dashes. */
  readonly flag: string
  /** Where there are any, they are the flags, and `flag` is the first of them. */
  readonly switches: readonly Switch[]
  readonly variable: string
  readonly kind: (typeof SETTINGS)[SettingKey]["kind"]
  /** Set where the flag writes values otherwise than the variable. */
  readonly readFlag: ((text: string) => unknown) | null
  readonly unit: string | null
  readonly default: unknown
  /** Words for a default that depends on the machine. */
  readonly defaultText: string | null
  readonly meaning: string
}

const words = (key: string): string[] => key.split(/(?=[A-Z])/).map((word) => word.toLowerCase())

const setting = (key: SettingKey): Setting => ({
  flag: words(key).join("-"),
  switches: [],
  readFlag: null,
  defaultText: null,
  ...SETTINGS[key],
  key,
  variable: `STINT_${words(key).join("_").toUpperCase()}`,
})

/** Every setting in the order of the table. */
export const SETTING_LIST: readonly Setting[] = Object.keys(SETTINGS)
  .filter((key): key is SettingKey => Object.hasOwn(SETTINGS, key))
  .map(setting)

const BY_KEY: ReadonlyMap<string, Setting> = new Map(
  SETTING_LIST.map((entry) => [entry.key, entry]),
)

export const settingNamed = (key: string): Setting | undefined => BY_KEY.get(key)

export const settingsOf = (...scopes: readonly Scope[]): readonly Setting[] =>
  SETTING_LIST.filter(({ scope }) => scopes.includes(scope))

/** What one source says: any of the settings, decoded; a map of weights may name only some. */
export type SettingsPatch = {
  readonly [K in SettingKey]?: (typeof SETTINGS)[K]["kind"]["schema"]["Type"]
}
