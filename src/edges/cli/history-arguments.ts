/** What `stint history` was asked for. */
import type { Environment } from "../../config/environment.ts"
import type { FlagValues } from "../../config/flags.ts"
import { showText } from "../../config/found.ts"
import { BadCall, isGiven, oneOf, readFlags } from "./arguments.ts"
import { commandSettings, LEDGER_FLAG } from "./command-settings.ts"
import { GROUPINGS, type Grouping } from "./history-sums.ts"
import {
  type CommandSheet,
  HELP_FLAG,
  type OwnFlag,
  ownOptions,
  renderOwnFlags,
} from "./own-flags.ts"

export const FORMATS = ["table", "csv", "json"] as const
export type Format = (typeof FORMATS)[number]

export interface HistoryCall {
  readonly by: Grouping
  readonly format: Format
  /** Days, both inclusive. */
  readonly fromWindow: string | undefined
  readonly toWindow: string | undefined
  readonly ledger: string
  readonly warnings: readonly string[]
}

const FLAGS: readonly OwnFlag[] = [
  {
    flag: "by",
    placeholder: "WORD",
    meaning: `one line per ${GROUPINGS.join(", ")} (default day)`,
    choices: GROUPINGS,
  },
  {
    flag: "from",
    placeholder: "DATE",
    meaning: "the first day, as 2026-03-01 (default the oldest)",
  },
  { flag: "to", placeholder: "DATE", meaning: "the last day, inclusive (default the newest)" },
  {
    flag: "format",
    placeholder: "WORD",
    meaning: `${FORMATS.join(", ")} (default table)`,
    choices: FORMATS,
  },
  LEDGER_FLAG,
  HELP_FLAG,
]

const historyHelp = (): string => `Usage: stint history [options]

What was used, summed by day, agent, task or model: days whose single calls were
rolled up and days whose rows are kept together. Reads the ledger beside a live
holder without disturbing it. Before any ledger exists it prints nothing used,
and makes none.

Options:
${renderOwnFlags(FLAGS)}

Tokens are weighed, as the limits count them; raw is the plain sum of the four
kinds. Cost is shown where any is known; calls of models without a price are in
none. Days are those of the budget's time zone. csv is RFC 4180 with a header;
json is one array with an object per line, its names those of the CSV. In both,
money is in micro-dollars.

Exit status: 0; 125 if it could not be done.
`

export const historySheet: CommandSheet = {
  help: historyHelp,
  scopes: [],
  flags: FLAGS,
  operands: "none",
}

/** Throws `BadCall` or `ConfigurationError`. Null when help was asked for. */
export const readHistoryArguments = async (
  argv: readonly string[],
  env: Environment,
  cwd: string,
): Promise<HistoryCall | null> => {
  const { values, positionals } = readFlags(argv, ownOptions(FLAGS), "history")
  if (isGiven(values, "help")) return null
  refuseOperands(positionals)
  const by = choice(values, "by", GROUPINGS, "day")
  const format = choice(values, "format", FORMATS, "table")
  const fromWindow = dateOf(values, "from")
  const toWindow = dateOf(values, "to")
  if (fromWindow !== undefined && toWindow !== undefined && fromWindow > toWindow)
    throw new BadCall(
      `command line: --from ${fromWindow} --to ${toWindow}: expected --from to be the earlier day`,
    )
  const { ledger, warnings } = await commandSettings(values, env, cwd)
  return { by, format, fromWindow, toWindow, ledger, warnings }
}

const refuseOperands = ([first]: readonly string[]): void => {
  if (first !== undefined)
    throw new BadCall(`command line: found ${showText(first)}, expected options only`)
}

const choice = <Word extends string>(
  values: FlagValues,
  name: string,
  words: readonly Word[],
  otherwise: Word,
): Word => {
  const given = oneOf(values, name)
  if (given === undefined) return otherwise
  const found = words.find((word) => word === given)
  if (found !== undefined) return found
  throw new BadCall(
    `command line: --${name}: found ${showText(given)}, expected one of ${words.join(", ")}`,
  )
}

/** Of the calendar: 2026-02-30 is no day. */
const dateOf = (values: FlagValues, name: string): string | undefined => {
  const given = oneOf(values, name)
  if (given === undefined) return undefined
  const at = /^\d{4}-\d{2}-\d{2}$/.test(given) ? Date.parse(`${given}T00:00:00Z`) : Number.NaN
  if (!Number.isNaN(at) && new Date(at).toISOString().startsWith(given)) return given
  throw new BadCall(
    `command line: --${name}: found ${showText(given)}, expected a day as 2026-03-01`,
  )
}
