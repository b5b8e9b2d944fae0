/** Completions for bash, also the old one of macOS. */
import type { CompletedCommand, CompletedFlag } from "./words.ts"

export const bashCompletions = (commands: readonly CompletedCommand[]): string =>
  `# Completions of stint for bash. Load them with: source <(stint completions bash)
_stint_words() {
  COMPREPLY=($(compgen -W "$1" -- "\${COMP_WORDS[COMP_CWORD]}"))
}

_stint_files() {
  local IFS=$'\\n'
  compopt -o filenames 2>/dev/null
  COMPREPLY=($(compgen -f -- "\${COMP_WORDS[COMP_CWORD]}"))
}

_stint() {
  local word="\${COMP_WORDS[COMP_CWORD]}" before="\${COMP_WORDS[COMP_CWORD-1]}"
  local command="\${COMP_WORDS[1]}" at
  COMPREPLY=()
  if [ "$COMP_CWORD" -eq 1 ]; then
    _stint_words "${[...commands.map(({ name }) => name), "--help", "--version"].join(" ")}"
    return
  fi
${commands
  .filter(({ takesCommand }) => takesCommand)
  .map(afterDashes)
  .join("")}  case "$command $before" in
${commands.flatMap(valueCases).join("")}  esac
  case "$command" in
${commands.map(commandCase).join("")}  esac
}

complete -F _stint stint
`

const afterDashes = ({ name }: CompletedCommand): string => `  if [ "$command" = "${name}" ]; then
    for ((at = 2; at < COMP_CWORD; at++)); do
      if [ "\${COMP_WORDS[at]}" = "--" ]; then
        if [ "$at" -eq $((COMP_CWORD - 1)) ]; then
          COMPREPLY=($(compgen -c -- "$word"))
        else
          _stint_files
        fi
        return
      fi
    done
  fi
`

const valueCases = ({ name, flags }: CompletedCommand): readonly string[] =>
  flags.flatMap(({ flag, value }) =>
    value === null ? [] : [`    "${name} --${flag}") ${actionOf(value)} ;;\n`],
  )

const actionOf = (value: NonNullable<CompletedFlag["value"]>): string => {
  if (value === "file") return "_stint_files; return"
  if (value === "free") return "return"
  return `_stint_words "${value.join(" ")}"; return`
}

const commandCase = ({ name, flags, operands }: CompletedCommand): string => {
  const dashed = flags.map(({ flag }) => `--${flag}`).join(" ")
  const rest =
    operands === "files"
      ? "_stint_files"
      : operands === "none"
        ? `_stint_words "${dashed}"`
        : `_stint_words "${operands.flat().join(" ")}"`
  return `    ${name})
      case "$word" in
        -*) _stint_words "${dashed}" ;;
        *) ${rest} ;;
      esac
      ;;
`
}
