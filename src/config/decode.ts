/** Values in, settings out, or every problem at once. Pure; the one place where they are decoded. */
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import type { BudgetSettings, TokenWeights } from "../../machines/budget/settings.ts"
import { DEFAULT_SETTINGS } from "../../machines/budget/settings.ts"
import { isMap, problemsOf, wrongWhole } from "./explain.ts"
import type { ConfigurationError, Problem } from "./problem.ts"
import { configurationError } from "./problem.ts"
import type { Setting, SettingsPatch } from "./settings-table.ts"
import { SETTING_LIST, settingNamed, settingsOf } from "./settings-table.ts"
import type { NamedValues, Source } from "./source.ts"
import { sourceOfTexts, sourceOfValues } from "./source.ts"

/** Settings of the budget as callers write them: any of them, and any of the weights. */
export type BudgetOptions = Partial<Omit<BudgetSettings, "tokenWeights">> & {
  readonly tokenWeights?: Partial<TokenWeights>
}

/** What one source said: its settings when there is no problem, none of them otherwise. */
export interface Decoded {
  readonly patch: SettingsPatch
  readonly problems: readonly Problem[]
}

const BUDGET = settingsOf("budget")

/**
 * A whole budget: what `partial` names, and the defaults.
 *
 * `source` is how messages call it: a file's name, or words.
 */
export const decodeBudget = (
  partial: unknown,
  source: string,
): Result.Result<BudgetSettings, ConfigurationError> =>
  budgetOver(DEFAULT_SETTINGS, decodeValues({ name: source, value: partial }, BUDGET))

/** A whole budget for the library: what `options` name, and `current`. */
export const decodeBudgetOptions = (
  options: unknown,
  current: BudgetSettings = DEFAULT_SETTINGS,
): Result.Result<BudgetSettings, ConfigurationError> => {
  const value = options === undefined ? {} : options
  return budgetOver(current, decodeValues({ name: "budget option", value }, BUDGET))
}

/** One setting of the budget from its key and text, as in `stint budget set KEY VALUE`. */
export const decodeBudgetText = (
  key: string,
  text: string,
  source: string,
): Result.Result<SettingsPatch, ConfigurationError> => {
  const texts = new Map([[key, text]])
  return resultOf(
    decodeTexts(
      texts,
      sourceOfTexts(source, (known) => known.key, texts),
      BUDGET,
    ),
  )
}

/** Decodes a map of settings, of which `settings` are allowed here. */
export const decodeValues = (
  given: NamedValues,
  settings: readonly Setting[] = SETTING_LIST,
): Decoded => decodePatch(withoutUndefined(given.value), sourceOfValues(given), settings)

/** Decodes settings written as text, by key. */
export const decodeTexts = (
  texts: ReadonlyMap<string, string>,
  source: Source,
  settings: readonly Setting[] = SETTING_LIST,
  read: (setting: Setting, text: string) => unknown = ({ kind }, text) => kind.read(text),
): Decoded => {
  const values = [...texts].map(([key, text]): [string, unknown] => {
    const setting = settingNamed(key)
    return [key, setting === undefined ? text : read(setting, text)]
  })
  return decodePatch(Object.fromEntries(values), source, settings)
}

/** What `patch` names of a budget, over `base`; weights it does not name stay as in `base`. */
export const budgetWith = (base: BudgetSettings, patch: SettingsPatch): BudgetSettings => {
  const { ledger, retentionDays, idleMinutes, ...known } = patch
  const { minAnswerTokens, defaultOutputTokens, wrapUpNote, ...budget } = known
  return { ...base, ...budget, tokenWeights: { ...base.tokenWeights, ...budget.tokenWeights } }
}

export const resultOf = (decoded: Decoded): Result.Result<SettingsPatch, ConfigurationError> => {
  const [first, ...rest] = decoded.problems
  if (first === undefined) return Result.succeed(decoded.patch)
  return Result.fail(configurationError([first, ...rest]))
}

const budgetOver = (base: BudgetSettings, decoded: Decoded) =>
  Result.map(resultOf(decoded), (patch) => budgetWith(base, patch))

const decodePatch = (input: unknown, source: Source, settings: readonly Setting[]): Decoded => {
  if (!isMap(input)) return { patch: {}, problems: [wrongWhole(input, source)] }
  const decoded = decoderOf(settings)(input)
  if (Result.isSuccess(decoded)) return { patch: decoded.success, problems: [] }
  return { patch: {}, problems: problemsOf(decoded.failure.issue, input, source, settings) }
}

const decoderOf = (settings: readonly Setting[]) => {
  const fields = settings.map((each) => [each.key, Schema.optionalKey(each.kind.schema)] as const)
  const decode = Schema.decodeUnknownResult(Schema.Struct(Object.fromEntries(fields)), {
    errors: "all",
    onExcessProperty: "error",
  })
  // The struct is made of the very schemas that SettingsPatch takes its types from.
  return (input: unknown) => Result.map(decode(input), (patch) => patch as SettingsPatch)
}

/** An option that is present but undefined was not given, alone or inside a map. */
const withoutUndefined = (value: unknown): unknown => {
  if (!isMap(value)) return value
  const given = Object.entries(value).filter(([, part]) => part !== undefined)
  return Object.fromEntries(given.map(([key, part]) => [key, withoutUndefined(part)]))
}
