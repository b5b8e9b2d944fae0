/** `stint completions`: a script that completes Stint's words in a shell. */
import { showText } from "../../config/found.ts"
import { nearest } from "../../config/nearest.ts"
import { BadCall, isGiven, readFlags } from "./arguments.ts"
import type { CommandEntry } from "./commands.ts"
import { bashCompletions } from "./completions/bash.ts"
import { fishCompletions } from "./completions/fish.ts"
import { type CompletedCommand, completedCommand } from "./completions/words.ts"
import { zshCompletions } from "./completions/zsh.ts"
import { EXIT } from "./exit-status.ts"
import { type CommandIo, told, write } from "./output.ts"
import { type CommandSheet, HELP_FLAG, ownOptions, renderOwnFlags } from "./own-flags.ts"

const SHELLS: Readonly<Record<string, (commands: readonly CompletedCommand[]) => string>> = {
  bash: bashCompletions,
  zsh: zshCompletions,
  fish: fishCompletions,
}

const NAMES = Object.keys(SHELLS)
const FLAGS = [HELP_FLAG]

export const completionsSheet: CommandSheet = {
  help: () => `Usage: stint completions ${NAMES.join("|")}

Prints a script that completes stint's commands, flags and file names. To have
it in every shell, put one of these lines where it reads them:

  ~/.bashrc                   source <(stint completions bash)
  ~/.zshrc, after compinit    source <(stint completions zsh)
  ~/.config/fish/config.fish  stint completions fish | source

Options:
${renderOwnFlags(FLAGS)}

Exit status: 0; 125 if it could not be done.
`,
  scopes: [],
  flags: FLAGS,
  operands: [NAMES],
}

/** `argv` begins after the word `completions`. Resolves with the exit status: 0 or 125. */
export const completionsCommand = (
  argv: readonly string[],
  io: Pick<CommandIo, "stdout" | "stderr">,
  commands: Readonly<Record<string, CommandEntry>>,
): Promise<number> =>
  told(io, async () => {
    const { values, positionals } = readFlags(argv, ownOptions(FLAGS), "completions")
    const text = isGiven(values, "help")
      ? completionsSheet.help()
      : shellOf(positionals)(await completed(commands))
    await write(io.stdout, [text])
    return EXIT.completed
  })

const shellOf = ([name, ...more]: readonly string[]) => {
  const expected = `expected one of ${NAMES.join(", ")}`
  if (name === undefined) throw new BadCall(`command line: found no shell, ${expected}`)
  if (more.length > 0)
    throw new BadCall(`command line: found ${[name, ...more].map(showText).join(" ")}, ${expected}`)
  const script = Object.hasOwn(SHELLS, name) ? SHELLS[name] : undefined
  if (script !== undefined) return script
  const near = nearest(name, NAMES)
  const advice = near === null ? "" : `: did you mean ${near}?`
  throw new BadCall(`command line: found ${showText(name)}, ${expected}${advice}`)
}

const completed = (
  commands: Readonly<Record<string, CommandEntry>>,
): Promise<readonly CompletedCommand[]> =>
  Promise.all(
    Object.entries(commands).map(async ([name, { summary, sheet }]) =>
      completedCommand(name, summary, await sheet()),
    ),
  )
