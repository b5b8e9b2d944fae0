/** Completions for zsh. */
import type { CompletedCommand, CompletedFlag } from "./words.ts"

export const zshCompletions = (commands: readonly CompletedCommand[]): string => `#compdef stint
# Completions of stint for zsh. Load them with: source <(stint completions zsh)
_stint() {
  local -a commands
  local dashes
  commands=(
${commands.map(({ name, summary }) => `    ${quoted(`${name}:${escaped(summary)}`)}\n`).join("")}  )
  if (( CURRENT == 2 )); then
    _describe -t commands command commands
    _arguments '--help[show the commands]' '--version[show the version]'
    return
  fi
  local command=$words[2]
  shift words
  (( CURRENT-- ))
  case $command in
${commands.map(commandCase).join("")}  esac
}

if [ "$funcstack[1]" = "_stint" ]; then
  _stint "$@"
else
  compdef _stint stint
fi
`

const commandCase = (command: CompletedCommand): string => {
  const specs = [...command.flags.flatMap(specsOf), ...operandSpecs(command)]
  return `    ${command.name})
${command.takesCommand ? AFTER_DASHES : ""}      _arguments -s ${specs.map((spec) => `\\\n        ${quoted(spec)}`).join(" ")}
      ;;
`
}

/** What stands after \`--\` is completed as if it stood alone. */
const AFTER_DASHES = `      dashes=$words[(i)--]
      if (( CURRENT > dashes )); then
        shift $dashes words
        (( CURRENT -= dashes ))
        _normal
        return
      fi
`

const specsOf = ({ flag, short, meaning, value }: CompletedFlag): readonly string[] => {
  const words = `[${escaped(meaning)}]`
  const action = value === null ? "" : `:value:${actionOf(value)}`
  const long = `--${flag}${value === null ? "" : "="}${words}${action}`
  return short === null ? [long] : [long, `-${short}${words}${action}`]
}

const actionOf = (value: NonNullable<CompletedFlag["value"]>): string => {
  if (value === "file") return "_files"
  return value === "free" ? " " : `(${value.join(" ")})`
}

const operandSpecs = ({ operands }: CompletedCommand): readonly string[] => {
  if (operands === "none") return []
  return operands === "files"
    ? ["*:file:_files"]
    : operands.map((words, at) => `${at + 1}:word:(${words.join(" ")})`)
}

/** Inside a description brackets and colons would end it. */
const escaped = (text: string): string => text.replaceAll(/[\\[\]:]/g, "\\$&")

const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`
