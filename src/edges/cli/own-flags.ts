/** A command's own flags, beside those of the settings: one table for parsing, help and completion. */
import type { ParseArgsOptionsConfig } from "node:util"
import { flagLines } from "../../config/flag-help.ts"
import type { Scope } from "../../config/settings-table.ts"

export interface OwnFlag {
  /** Without the dashes. */
  readonly flag: string
  readonly short?: string
  /** What stands for its value in the help; null where it takes none. */
  readonly placeholder: string | null
  readonly meaning: string
  readonly choices?: readonly string[]
  /** Its value names a file. */
  readonly isFile?: boolean
}

/** What there is to know of a command without running it. */
export interface CommandSheet {
  /** Its `--help`. */
  readonly help: () => string
  /** The settings whose flags it takes. */
  readonly scopes: readonly Scope[]
  readonly flags: readonly OwnFlag[]
  /** What stands after its flags: files, nothing, or at each place one of these words. */
  readonly operands: "files" | "none" | readonly (readonly string[])[]
}

export const HELP_FLAG: OwnFlag = {
  flag: "help",
  short: "h",
  placeholder: null,
  meaning: "show this",
}

/** For `parseArgs`; every flag may stand twice there, so that it is told instead of losing a value. */
export const ownOptions = (flags: readonly OwnFlag[]): ParseArgsOptionsConfig =>
  Object.fromEntries(
    flags.map(({ flag, short, placeholder }) => [
      flag,
      {
        type: placeholder === null ? "boolean" : "string",
        multiple: true,
        ...(short === undefined ? {} : { short }),
      },
    ]),
  )

/** Their lines of `--help`, as those of the settings stand there. */
export const renderOwnFlags = (flags: readonly OwnFlag[]): string =>
  flags
    .flatMap(({ flag, short, placeholder, meaning }) => {
      const dashed = short === undefined ? `--${flag}` : `-${short}, --${flag}`
      return flagLines(placeholder === null ? dashed : `${dashed} ${placeholder}`, meaning)
    })
    .join("\n")
