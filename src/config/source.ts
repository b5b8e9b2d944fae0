/** Where values come from, and how a message points at one of them there. */
import type { Setting } from "./settings-table.ts"
import { settingNamed } from "./settings-table.ts"

/** The keys on the way to a value: a setting's key, then perhaps a name inside its map. */
export type Path = readonly string[]

export interface Source {
  readonly name: string
  /** Whether values are data, or text that was read by their kind. */
  readonly form: "value" | "text"
  readonly keyOf: (path: Path) => string
  readonly lineOf: (path: Path) => number | null
  /** A setting's value as its author wrote it; null where it was data already. */
  readonly writtenAt: (key: string) => string | null
}

/** A map of settings as data: a file, a plan's `budget`, an option of the library. */
export interface NamedValues {
  readonly name: string
  readonly value: unknown
  readonly lineOf?: (path: Path) => number | null
  /** The keys under which the map stands in its file. */
  readonly under?: Path
}

export const sourceOfValues = ({ name, lineOf, under = [] }: NamedValues): Source => ({
  name,
  form: "value",
  keyOf: (path) => [...under, ...path].join("."),
  lineOf: (path) => lineOf?.([...under, ...path]) ?? null,
  writtenAt: () => null,
})

/** Settings written as text, by key; `nameOf` is what a setting is called there. */
export const sourceOfTexts = (
  name: string,
  nameOf: (setting: Setting) => string,
  texts: ReadonlyMap<string, string>,
): Source => ({
  name,
  form: "text",
  keyOf: ([key = "", ...rest]) => {
    const setting = settingNamed(key)
    return [setting === undefined ? key : nameOf(setting), ...rest].join(" ")
  },
  lineOf: () => null,
  writtenAt: (key) => texts.get(key) ?? null,
})
