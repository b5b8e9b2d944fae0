/** Reading a command's flags: unknown ones are told with the nearest known one, all at once. */
import { type ParseArgsOptionsConfig, parseArgs } from "node:util"
import type { FlagValues } from "../../config/flags.ts"
import { nearest } from "../../config/nearest.ts"

/** What is wrong with the call; one problem a line. */
export class BadCall extends Error {}

export const readFlags = (
  words: readonly string[],
  options: ParseArgsOptionsConfig,
  command: string,
): { readonly values: FlagValues; readonly positionals: readonly string[] } => {
  const argv = joinNegatives(words, options)
  const unknown = unknownFlags(argv, options)
  if (unknown.length > 0)
    throw new BadCall(unknown.map((flag) => describeUnknown(flag, options, command)).join("\n"))
  try {
    const parsed = parseArgs({ args: [...argv], options, allowPositionals: true })
    return { values: parsed.values, positionals: parsed.positionals }
  } catch (error) {
    if (error instanceof TypeError) throw new BadCall(`command line: ${error.message}`)
    throw error
  }
}

/** `--limit -5` is a wrong value, to be told as such, and not a flag called 5. */
const joinNegatives = (
  words: readonly string[],
  options: ParseArgsOptionsConfig,
): readonly string[] => {
  const joined: string[] = []
  for (const word of words) {
    const last = joined.at(-1) ?? ""
    const wantsValue = last.startsWith("--") && options[last.slice(2)]?.type === "string"
    if (wantsValue && /^-[\d.]/.test(word)) joined.splice(-1, 1, `${last}=${word}`)
    else joined.push(word)
  }
  return joined
}

/** Found before the strict reading, which stops at the first one and knows no near word. */
const unknownFlags = (
  argv: readonly string[],
  options: ParseArgsOptionsConfig,
): readonly string[] => {
  const { tokens } = parseArgs({ args: [...argv], options, strict: false, tokens: true })
  return tokens.flatMap((token) =>
    token.kind === "option" && !Object.hasOwn(options, token.name) ? [token.rawName] : [],
  )
}

const describeUnknown = (
  flag: string,
  options: ParseArgsOptionsConfig,
  command: string,
): string => {
  const near = nearest(flag.replace(/^-+/, ""), Object.keys(options))
  const advice = near === null ? `see stint ${command} --help` : `did you mean --${near}?`
  return `command line: ${flag}: no such option; ${advice}`
}

/** A flag that may stand once. */
export const oneOf = (values: FlagValues, name: string): string | undefined => {
  const [given, ...more] = [values[name] ?? []].flat().map(String)
  if (more.length > 0)
    throw new BadCall(
      `command line: --${name}: found it ${more.length + 1} times, expected it once`,
    )
  if (given === "") throw new BadCall(`command line: --${name}: found "", expected a value`)
  return given
}

export const isGiven = (values: FlagValues, name: string): boolean =>
  [values[name] ?? []].flat().includes(true)
