/** Completions for fish. */
import type { CompletedCommand, CompletedFlag } from "./words.ts"

export const fishCompletions = (commands: readonly CompletedCommand[]): string =>
  [
    "# Completions of stint for fish. Load them with: stint completions fish | source",
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
