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

const NO_GATEWAY = "a cost limit needs the metering gateway, which this version does not have"

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
    unavailable: NO_GATEWAY,
    unit: "micro-dollars (the flag: dollars)",
    default: null,
    meaning: "money all agents together may spend in a day",
  },
  perAgentCostLimitMicroUsd: {
    scope: "budget",
    kind: unlimitedOr(microUsd),
    flag: "per-agent-cost-limit",
    readFlag: readDollars,
    unavailable: NO_GATEWAY,
    unit: "micro-dollars (the flag: dollars)",
    default: null,
    meaning: "money one agent may spend in its life",
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

/** `budget`: part of a budget wherever one is given. `run`, `replay`: of those commands alone. */
export type Scope = "budget" | "run" | "replay"

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
  /** Why only "unlimited" is accepted, for a limit that this version cannot enforce. */
  readonly unavailable: string | null
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
  unavailable: null,
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
