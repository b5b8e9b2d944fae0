/** `docs/reference/settings.md`, from the table. */
import { showValue } from "./found.ts"
import type { Setting } from "./settings-table.ts"
import { SETTING_LIST } from "./settings-table.ts"

const INTRODUCTION = `<!-- Generated from src/config/settings-table.ts: change it there. -->

# Settings

Each setting has a flag, a variable and a key in \`stint.yaml\`. Where several are given, the
first of these decides: flags, \`STINT_*\` variables, the \`budget\` of a plan, what
\`stint budget set\` left in the ledger, \`stint.yaml\` in the working directory, defaults.
Only settings of the budget can stand in a plan and in the ledger.`

const WRITING = `## How values are written

| | \`stint.yaml\`, plans, library | flags, variables, \`stint budget set\` |
| --- | --- | --- |
| unlimited | \`null\` | \`unlimited\` |
| numbers | \`10000000\`, \`0.5\` | the same, and \`10_000_000\`; tokens also \`10M\`, \`500k\` |
| maps | \`{input: 1, cacheRead: 0.1}\` | \`input=1,cacheRead=0.1\` |
| lists | \`[80, 95, 100]\` | \`80,95,100\` |
| switches | \`true\`, \`false\` | \`true\`, \`false\`; as flags \`--soft\`, \`--hard\`, \`--allow-unpriced\` |
| money | micro-dollars: \`5000000\` | variables: micro-dollars; flags: dollars, \`5.00\` |

- \`0\` means none allowed; unlimited is always said, never assumed.
- \`k\` and \`M\` are thousands and millions. Commas are no part of a number.
- A map of weights may name some kinds only: the others keep what the next source says.
- Numbers are compared digit by digit: what would have to be rounded is refused.
- An empty variable counts as not set. An unknown \`STINT_*\` variable is a warning;
  \`STINT_AGENT_ID\` and \`STINT_TASK_ID\` are no settings.
- A flag given twice, a key given twice and an unknown key are errors.
- \`stint.yaml\` may hold two maps besides, \`prices\` and \`upstreams\`: see
  [prices and upstreams](../guides/prices.md).
- A relative \`ledger\` starts at the working directory, and \`~/\` at the home folder. The user's
  state folder is \`$XDG_STATE_HOME/stint\` or \`~/.local/state/stint\`,
  \`~/Library/Application Support/stint\` on macOS, \`%LOCALAPPDATA%\\stint\` on Windows.`

const MISTAKES = `## Mistakes

All are told at once, one line each, and nothing is started (exit status 125):

\`\`\`
stint.yaml:3: dailyTokenLimit: found -5, expected a whole number from 0 to 9007199254740991, or null for unlimited
command line: --token-weights input: found 0.0005, expected a decimal from 0 to 1000000 with at most three places
stint.yaml:4: graceSecond: found an unknown key, expected a known one: did you mean graceSeconds?
\`\`\``

/** The whole page, with a newline at its end. */
export const renderSettingsReference = (): string =>
  `${[INTRODUCTION, tableOf(SETTING_LIST), detailsOf(SETTING_LIST), WRITING, MISTAKES].join("\n\n")}\n`

const code = (text: string): string => `\`${text.replaceAll("|", "\\|")}\``

const rowOf = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`

const flagsOf = ({ flag, switches }: Setting): string =>
  (switches.length === 0 ? [flag] : switches.map((each) => each.flag))
    .map((name) => code(`--${name}`))
    .join(" ")

const defaultOf = ({ default: value, defaultText }: Setting): string =>
  defaultText ?? code(showValue(value))

const tableOf = (settings: readonly Setting[]): string =>
  [
    rowOf(["key", "flag", "variable", "default", "meaning"]),
    rowOf(["---", "---", "---", "---", "---"]),
    ...settings.map((each) =>
      rowOf([code(each.key), flagsOf(each), code(each.variable), defaultOf(each), each.meaning]),
    ),
  ].join("\n")

const detailsOf = (settings: readonly Setting[]): string =>
  [
    "## What is allowed",
    "",
    ...settings.map((each) => `- ${code(each.key)}: ${allowedOf(each)}`),
  ].join("\n")

const allowedOf = ({ kind, unit }: Setting): string =>
  `${unit === null || kind.allowed.includes(unit) ? kind.allowed : `${unit}: ${kind.allowed}`}.`
