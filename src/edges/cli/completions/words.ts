/** Everything a shell can complete, from the commands' sheets and the settings' table. */
import { type Setting, settingsOf } from "../../../config/settings-table.ts"
import type { CommandSheet, OwnFlag } from "../own-flags.ts"

/** What a value may be: a file, one of some words, or anything at all. */
export type Value = "file" | "free" | readonly string[]

export interface CompletedFlag {
  /** Without the dashes. */
  readonly flag: string
  readonly short: string | null
  readonly meaning: string
  /** Null where it takes none. */
  readonly value: Value | null
}

export interface CompletedCommand {
  readonly name: string
  readonly summary: string
  readonly flags: readonly CompletedFlag[]
  readonly operands: CommandSheet["operands"]
  /** Another command, with words of its own, may stand after `--`. */
  readonly takesCommand: boolean
}

export const completedCommand = (
  name: string,
  summary: string,
  { scopes, flags, operands }: CommandSheet,
): CompletedCommand => ({
  name,
  summary,
  flags: [...settingsOf(...scopes).flatMap(flagsOfSetting), ...flags.map(ownFlag)],
  operands,
  takesCommand: name === "run",
})

const flagsOfSetting = (setting: Setting): readonly CompletedFlag[] => {
  const { flag, switches, meaning, key } = setting
  if (switches.length > 0)
    return switches.map((each) => ({
      flag: each.flag,
      short: null,
      meaning: each.meaning,
      value: null,
    }))
  return [{ flag, short: null, meaning, value: key === "ledger" ? "file" : "free" }]
}

const ownFlag = ({
  flag,
  short,
  placeholder,
  meaning,
  choices,
  isFile,
}: OwnFlag): CompletedFlag => ({
  flag,
  short: short ?? null,
  meaning,
  value: placeholder === null ? null : (choices ?? (isFile === true ? "file" : "free")),
})
