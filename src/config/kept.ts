/** Values kept in a ledger by `stint budget set`: how they are named, and what keeping one changes. */
import * as Result from "effect/Result"
import type { BudgetSettings, KeptValue, KeptValues } from "../../machines/budget/settings.ts"
import { decodeBudgetText } from "./decode.ts"
import { unknownKey } from "./explain.ts"
import { type ConfigurationError, configurationError, type Problem } from "./problem.ts"
import { type Origin, resolveSettings, type SettingSources } from "./resolve.ts"
import { SETTING_LIST, type Setting, type SettingKey, settingsOf } from "./settings-table.ts"
import { type NamedValues, sourceOfTexts } from "./source.ts"

/** What a run says itself; the ledger's own are added when the ledger is open. */
export type RunSources = Omit<SettingSources, "ledger">

/** A budget as it applies on a ledger. */
export interface InForce {
  readonly settings: BudgetSettings
  readonly origins: Readonly<Record<SettingKey, Origin>>
  readonly kept: KeptValues
}

/** A value to keep from now on; undefined: none. */
export interface KeptChange {
  readonly key: SettingKey
  readonly value: KeptValue | undefined
}

const COMMAND_LINE = "command line"
const BUDGET = settingsOf("budget")

/** How messages call the layer. */
export const keptLayer = (kept: KeptValues): NamedValues => ({
  name: "stint budget set",
  value: kept,
})

const kebab = (key: string): string =>
  key.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)

/** A flag that chooses a value is no name for the setting: `soft true` could mean either. */
const isCalled = ({ key, flag, switches }: Setting, word: string): boolean =>
  word === key || word === kebab(key) || (switches.length === 0 && word === flag)

const SWITCHED: ReadonlyMap<string, string> = new Map(
  BUDGET.flatMap(({ key, switches }) => switches.map(({ flag }) => [flag, key] as const)),
)

/** A setting of the budget by its key in files or its flag without dashes. */
export const budgetSettingCalled = (word: string): Result.Result<Setting, ConfigurationError> => {
  const found = SETTING_LIST.find((setting) => isCalled(setting, word))
  if (found?.scope === "budget") return Result.succeed(found)
  return Result.fail(configurationError([misnamed(word, found)]))
}

const misnamed = (word: string, elsewhere: Setting | undefined): Problem => {
  const meant = SWITCHED.get(word)
  if (meant === undefined) {
    const source = sourceOfTexts(COMMAND_LINE, () => word, new Map())
    return unknownKey([elsewhere?.key ?? word], source, BUDGET)
  }
  return {
    reason: "unknown_key",
    source: COMMAND_LINE,
    line: null,
    key: word,
    found: "a flag that takes no value",
    allowed: `its setting: ${meant} true, or ${meant} false`,
  }
}

/** `stint budget set KEY VALUE`, both as written; null: `stint budget unset KEY`. */
export const decodeKept = (
  word: string,
  text: string | null,
): Result.Result<KeptChange, ConfigurationError> => {
  const called = budgetSettingCalled(word)
  if (Result.isFailure(called)) return Result.fail(called.failure)
  const { key } = called.success
  if (text === null) return Result.succeed({ key, value: undefined })
  return Result.map(decodeBudgetText(key, text, COMMAND_LINE), (patch) => ({
    key,
    value: patch[key],
  }))
}

/** False where there is nothing to take back. */
export const changes = (kept: KeptValues, { key, value }: KeptChange): boolean =>
  value !== undefined || Object.hasOwn(kept, key)

export const keeping = (kept: KeptValues, { key, value }: KeptChange): KeptValues => {
  const { [key]: _, ...others } = kept
  return value === undefined ? others : { ...others, [key]: value }
}

/** What a run's own sources and the kept values come to. */
export const inForceOver = (
  sources: RunSources,
  kept: KeptValues,
): Result.Result<InForce, ConfigurationError> =>
  Result.map(
    resolveSettings({ ...sources, ledger: keptLayer(kept) }),
    ({ budget, origins }): InForce => ({ settings: budget, origins, kept }),
  )
