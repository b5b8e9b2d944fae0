/** Settings from the command line: what `parseArgs` is told, and what it found. */
import type { ParseArgsOptionsConfig } from "node:util"
import type { Decoded } from "./decode.ts"
import { decodeTexts } from "./decode.ts"
import { showText } from "./found.ts"
import type { Problem } from "./problem.ts"
import type { Scope, Setting } from "./settings-table.ts"
import { SETTING_LIST, settingsOf } from "./settings-table.ts"
import { sourceOfTexts } from "./source.ts"

/** As `parseArgs` returns them; flags of other tables may be among them and are left alone. */
export type FlagValues = Readonly<
  Record<string, string | boolean | readonly (string | boolean)[] | undefined>
>

const COMMAND_LINE = "command line"

/**
 * `options` for `parseArgs` of `node:util`.
 *
 * Every flag is `multiple`, so that one given twice is told instead of silently losing a value.
 */
export const flagOptions = (...scopes: readonly Scope[]): ParseArgsOptionsConfig => {
  const options: ParseArgsOptionsConfig = {}
  for (const { flag, switches } of settingsOf(...scopes)) {
    if (switches.length === 0) options[flag] = { type: "string", multiple: true }
    for (const each of switches) options[each.flag] = { type: "boolean", multiple: true }
  }
  return options
}

export const budgetFlagOptions = (): ParseArgsOptionsConfig => flagOptions("budget")

/** The flags of the table, decoded; each problem names the flag. */
export const flagsToSettings = (values: FlagValues): Decoded => {
  const texts = new Map<string, string>()
  const problems: Problem[] = []
  for (const setting of SETTING_LIST) {
    const given = givenTo(setting, values)
    if (given[0] !== undefined) texts.set(setting.key, given[0].text)
    if (given.length > 1) problems.push(givenTwice(setting, given))
  }
  const source = sourceOfTexts(COMMAND_LINE, ({ flag }) => `--${flag}`, texts)
  const decoded = decodeTexts(texts, source, SETTING_LIST, readFlag)
  return { patch: decoded.patch, problems: [...problems, ...decoded.problems] }
}

/** A value for a setting: the text that decides it, and how it stood on the command line. */
interface Given {
  readonly text: string
  readonly shown: string
}

const givenTo = ({ flag, switches }: Setting, values: FlagValues): readonly Given[] => {
  const valuesOf = (name: string) => [values[name] ?? []].flat()
  if (switches.length === 0)
    return valuesOf(flag).map((value) => ({ text: String(value), shown: showText(String(value)) }))
  return switches
    .filter((each) => valuesOf(each.flag).includes(true))
    .map((each) => ({ text: String(each.value), shown: `--${each.flag}` }))
}

const readFlag = ({ kind, readFlag: readAsFlag }: Setting, text: string): unknown =>
  (readAsFlag ?? kind.read)(text)

const givenTwice = ({ flag }: Setting, given: readonly Given[]): Problem => ({
  reason: "duplicate_key",
  source: COMMAND_LINE,
  line: null,
  key: `--${flag}`,
  found: given.map(({ shown }) => shown).join(" and "),
  allowed: "only one of them",
})
