/** Settings from STINT_* variables. */

import type { Decoded } from "./decode.ts"
import { decodeTexts } from "./decode.ts"
import { nearest } from "./nearest.ts"
import { SETTING_LIST } from "./settings-table.ts"
import { sourceOfTexts } from "./source.ts"

export type Environment = Readonly<Record<string, string | undefined>>

/** What Stint tells its agents by: a Stint inside a Stint finds them and they are no settings. */
const NOT_SETTINGS: readonly string[] = ["STINT_AGENT_ID", "STINT_TASK_ID", "STINT_TREE"]

/**
 * Reads the variables of the table; an empty one counts as not set.
 *
 * An unknown STINT_* variable is a warning, not an error: variables are inherited, and one meant
 * for another program, or for a newer Stint around this one, must not stop the work. Warnings
 * name the variable and never show its value.
 */
export const environmentToSettings = (
  environment: Environment,
): Decoded & { readonly warnings: readonly string[] } => {
  const texts = new Map<string, string>()
  for (const { key, variable } of SETTING_LIST) {
    const text = environment[variable]
    if (text !== undefined && text !== "") texts.set(key, text)
  }
  const source = sourceOfTexts("environment", ({ variable }) => variable, texts)
  return { ...decodeTexts(texts, source), warnings: warningsAbout(environment) }
}

const warningsAbout = (environment: Environment): readonly string[] => {
  const known = [...SETTING_LIST.map(({ variable }) => variable), ...NOT_SETTINGS]
  return Object.keys(environment)
    .filter((name) => name.startsWith("STINT_") && environment[name] !== "")
    .filter((name) => !known.includes(name))
    .sort()
    .map((name) => {
      const near = nearest(name, known)
      const advice = near === null ? "unset it if you meant one" : `did you mean ${near}?`
      return `environment: ${name}: no setting has this variable and it is ignored; ${advice}`
    })
}
