/** The settings' part of `--help`. */
import { writeText } from "./kinds.ts"
import type { Scope, Setting } from "./settings-table.ts"
import { settingsOf } from "./settings-table.ts"

const WIDTH = 80
const INDENT = "  "
/** Where meanings begin; a longer flag has its meaning on the next line. */
const COLUMN = 30

/** Lines of at most 80 columns: flag, meaning, default; for the settings of these scopes. */
export const renderFlagHelp = (...scopes: readonly Scope[]): string =>
  settingsOf(...(scopes.length === 0 ? (["budget"] as const) : scopes))
    .flatMap(entriesOf)
    .flatMap(([flag, words]) => flagLines(flag, words))
    .join("\n")

const entriesOf = (setting: Setting): readonly (readonly [flag: string, words: string])[] => {
  const { flag, kind, meaning, switches } = setting
  if (switches.length === 0)
    return [[`--${flag} ${kind.placeholder}`, `${meaning} ${unbroken(`(${defaultOf(setting)})`)}`]]
  return switches.map((each) => [
    `--${each.flag}`,
    each.value === setting.default ? `${each.meaning} (default)` : each.meaning,
  ])
}

const NO_BREAK = "\u00a0"

/** Keeps a default that fits on a line in one piece: it is then wrapped as one word. */
const unbroken = (words: string): string =>
  words.length > WIDTH - COLUMN ? words : words.replaceAll(" ", NO_BREAK)

const defaultOf = ({ default: value, defaultText }: Setting): string =>
  `default ${defaultText ?? groupDigits(writeText(value))}`

/** Underscores as the flags accept them: 10_000_000. */
const groupDigits = (text: string): string =>
  /^\d{5,}$/.test(text) ? text.replace(/\B(?=(\d{3})+$)/g, "_") : text

/** One flag and its meaning, as all of them stand in `--help`. */
export const flagLines = (flag: string, words: string): readonly string[] => {
  const [first = "", ...rest] = wrap(words, WIDTH - COLUMN)
  const head = INDENT + flag
  const margin = " ".repeat(COLUMN)
  const lines = [first, ...rest].map((line) => margin + line)
  if (head.length + 2 > COLUMN) return [head, ...lines]
  return [head.padEnd(COLUMN) + first, ...lines.slice(1)]
}

const wrap = (words: string, width: number): readonly string[] => {
  const lines: string[] = []
  let line = ""
  for (const word of words.split(" ")) {
    if (line !== "" && line.length + 1 + word.length > width) {
      lines.push(line)
      line = word
    } else line = line === "" ? word : `${line} ${word}`
  }
  return [...lines, line].map((each) => each.replaceAll(NO_BREAK, " "))
}
