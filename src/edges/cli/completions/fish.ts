/** Completions for fish. */
import type { CompletedCommand, CompletedFlag } from "./words.ts"

export const fishCompletions = (commands: readonly CompletedCommand[]): string =>
  [
    "# Completions of stint for fish. Load them with: stint completions fish | source",
    ...AFTER_DASHES,
    "complete -c stint -f",
    "complete -c stint -n __fish_use_subcommand -l help -d 'show the commands'",
    "complete -c stint -n __fish_use_subcommand -l version -d 'show the version'",
    ...commands.map(
      ({ name, summary }) =>
        `complete -c stint -n __fish_use_subcommand -a ${name} -d ${quoted(summary)}`,
    ),
    ...commands.flatMap(linesOf),
    "",
  ].join("\n")

/** What stands after `--` is completed as if it stood alone. */
const AFTER_DASHES: readonly string[] = [
  "function __stint_after_dashes",
  "    contains -- -- (commandline -opc)",
  "end",
  "function __stint_words_after_dashes",
  "    set -l words (commandline -opc)",
  "    set -l dashes (contains -i -- -- $words)",
  "    set -l given (string escape -- $words[(math $dashes + 1)..-1])",
  '    complete -C (string join " " -- $given (commandline -ct))',
  "end",
  "complete -c stint -n __stint_after_dashes -a '(__stint_words_after_dashes)'",
]

const linesOf = (command: CompletedCommand): readonly string[] => {
  const head = `complete -c stint -n '__fish_seen_subcommand_from ${command.name}'`
  return [
    ...command.flags.map((flag) => `${head} ${flagWords(flag)}`),
    ...operandWords(command).map((words) => `${head} ${words}`),
  ]
}

const flagWords = ({ flag, short, meaning, value }: CompletedFlag): string =>
  [
    `-l ${flag}`,
    ...(short === null ? [] : [`-s ${short}`]),
    `-d ${quoted(meaning)}`,
    ...(value === null ? [] : [valueWords(value)]),
  ].join(" ")

const valueWords = (value: NonNullable<CompletedFlag["value"]>): string => {
  if (value === "file") return "-r -F"
  return value === "free" ? "-x" : `-x -a ${quoted(value.join(" "))}`
}

const operandWords = ({ operands }: CompletedCommand): readonly string[] => {
  if (operands === "none") return []
  return operands === "files" ? ["-F"] : [`-a ${quoted(operands.flat().join(" "))}`]
}

const quoted = (text: string): string => `'${text.replaceAll(/[\\']/g, "\\$&")}'`
