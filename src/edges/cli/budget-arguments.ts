/** What `stint budget` was asked for: to show, to keep a value, or to take one back. */
import * as Result from "effect/Result"
import type { FlagValues } from "../../config/flags.ts"
import { showText } from "../../config/found.ts"
import { decodeKept } from "../../config/kept.ts"
import { nearest } from "../../config/nearest.ts"
import { type SettingKey, settingsOf } from "../../config/settings-table.ts"
import { BadCall, isGiven, readFlags } from "./arguments.ts"
import { LEDGER_FLAG } from "./command-settings.ts"
import {
  type CommandSheet,
  HELP_FLAG,
  type OwnFlag,
  ownOptions,
  renderOwnFlags,
} from "./own-flags.ts"

export interface BudgetCall {
  readonly flags: FlagValues
  readonly json: boolean
  /** Null: only show. */
  readonly change: BudgetChange | null
}

export interface BudgetChange {
  readonly key: SettingKey
  /** As it was written; null takes the value back. */
  readonly text: string | null
}

const FLAGS: readonly OwnFlag[] = [
  { flag: "json", placeholder: null, meaning: "the same as JSON" },
  LEDGER_FLAG,
  HELP_FLAG,
]

const ACTIONS = ["set", "unset"]

const budgetHelp = (): string => `Usage: stint budget [options]
       stint budget set [options] KEY VALUE
       stint budget unset [options] KEY

Shows every setting of the budget in force for the ledger, and where each comes
from: those of the run that holds it, or, without one, those that a run started
here would begin with. Reads only, and makes no ledger.

set keeps a value in the ledger for later runs: nearer than stint.yaml, further
than flags, STINT_* variables and a plan's budget. A run that holds the ledger
applies it at once, unless one of these names the setting there. unset takes a
kept value back. KEY is a setting as in stint.yaml, or its flag without dashes;
VALUE is written as for the flag: 5M, unlimited, 80,95,100, cacheRead=0.1.

Options:
${renderOwnFlags(FLAGS)}

Exit status: 0; 125 if it could not be done, and then nothing was changed.
`

export const budgetSheet: CommandSheet = {
  help: budgetHelp,
  scopes: [],
  flags: FLAGS,
  operands: [ACTIONS, settingsOf("budget").map(({ key }) => key)],
}

/** Throws `BadCall` or `ConfigurationError`. Null when help was asked for. */
export const readBudgetArguments = (argv: readonly string[]): BudgetCall | null => {
  const { words, negatives } = withoutNegatives(argv)
  const { values, positionals } = readFlags(words, ownOptions(FLAGS), "budget")
  if (isGiven(values, "help")) return null
  return {
    flags: values,
    json: isGiven(values, "json"),
    change: changeIn([...positionals, ...negatives]),
  }
}

/** `set graceSeconds -5` has a wrong value, and no flag called 5. */
const withoutNegatives = (argv: readonly string[]) => {
  const isNegative = (word: string, index: number): boolean =>
    /^-[\d.]/.test(word) && argv[index - 1] !== `--${LEDGER_FLAG.flag}`
  return {
    words: argv.filter((word, index) => !isNegative(word, index)),
    negatives: argv.filter(isNegative),
  }
}

const changeIn = ([action, ...operands]: readonly string[]): BudgetChange | null => {
  if (action === undefined) return null
  if (action === "set") return changeOf(...exactly(operands, ["KEY", "VALUE"], action))
  if (action === "unset") return changeOf(...exactly(operands, ["KEY"], action))
  const near = nearest(action, ACTIONS)
  const advice = near === null ? "" : `: did you mean ${near}?`
  throw new BadCall(
    `command line: found ${showText(action)}, expected set KEY VALUE, unset KEY, or options only${advice}`,
  )
}

const exactly = (
  operands: readonly string[],
  expected: readonly string[],
  action: string,
): readonly [string, string | null] => {
  const [key, text = null] = operands
  if (key !== undefined && operands.length === expected.length) return [key, text]
  const found = operands.length === 0 ? "nothing" : operands.map(showText).join(" ")
  throw new BadCall(
    `command line: ${action}: found ${found}, expected ${expected.join(" ")}, as in stint budget ${action} ${EXAMPLES.slice(0, expected.length).join(" ")}`,
  )
}

const EXAMPLES = ["dailyTokenLimit", "5M"]

const changeOf = (word: string, text: string | null): BudgetChange => {
  const { key } = Result.getOrThrow(decodeKept(word, text))
  return { key, text }
}
