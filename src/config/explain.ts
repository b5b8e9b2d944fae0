/** From what a schema found wrong to problems in a reader's words, in the order of the source. */
import * as Schema from "effect/Schema"
import * as SchemaIssue from "effect/SchemaIssue"
import { InexactNumber } from "./decimal.ts"
import { showText, showValue } from "./found.ts"
import { nearest } from "./nearest.ts"
import type { Problem, ProblemReason } from "./problem.ts"
import type { Setting } from "./settings-table.ts"
import { settingNamed } from "./settings-table.ts"
import type { Path, Source } from "./source.ts"

export const isMap = (value: unknown): value is Readonly<Record<string, unknown>> =>
  Object.prototype.toString.call(value) === "[object Object]" && !(value instanceof InexactNumber)

/** The source as a whole is no map of settings. */
export const wrongWhole = (found: unknown, source: Source): Problem =>
  problemAt([], source, "invalid_value", showValue(found), "a map of settings")

/** One problem for each value that is wrong, however many ways it is. */
export const problemsOf = (
  issue: SchemaIssue.Issue,
  input: Readonly<Record<string, unknown>>,
  source: Source,
  settings: readonly Setting[],
): readonly Problem[] => {
  const order = Object.keys(input)
  const paths = formatIssues(issue).issues.map(({ path = [] }) => reportedPath(path.map(stepOf)))
  const distinct = [...new Map(paths.map((path) => [path.join("\0"), path])).values()]
  return distinct
    .sort(([a = ""], [b = ""]) => order.indexOf(a) - order.indexOf(b))
    .map((path) => explain(path, input, source, settings))
}

const formatIssues = SchemaIssue.makeFormatterStandardSchemaV1()

const stepOf = (step: PropertyKey | { readonly key: PropertyKey }): string =>
  String(typeof step === "object" ? step.key : step)

/** Maps are reported by the name in them, lists as a whole. */
const reportedPath = ([key = "", name]: Path): Path =>
  name === undefined || settingNamed(key)?.kind.parts === null ? [key] : [key, name]

const explain = (
  path: Path,
  input: Readonly<Record<string, unknown>>,
  source: Source,
  settings: readonly Setting[],
): Problem => {
  const [key = "", name] = path
  const setting = settings.find((known) => known.key === key)
  if (setting === undefined) return unknownKey(path, source, settings)
  if (name === undefined) return wrongSetting(setting, input[key], source)
  return wrongPart(setting, name, input[key], source)
}

const problemAt = (
  path: Path,
  source: Source,
  reason: ProblemReason,
  found: string,
  allowed: string,
): Problem => ({
  reason,
  source: source.name,
  line: source.lineOf(path),
  key: source.keyOf(path),
  found,
  allowed,
})

const wrongSetting = (setting: Setting, value: unknown, source: Source): Problem => {
  const written = source.writtenAt(setting.key)
  const found = written === null ? showValue(value) : showText(written)
  return problemAt([setting.key], source, "invalid_value", found, allowedOf(setting, value, source))
}

const wrongPart = (setting: Setting, name: string, value: unknown, source: Source): Problem => {
  const { names = [], allowed = "" } = setting.kind.parts ?? {}
  const path = [setting.key, name]
  if (names.includes(name)) {
    const part = isMap(value) ? value[name] : value
    return problemAt(path, source, "invalid_value", showValue(part), allowed)
  }
  const near = nearest(name, names)
  const expected = near === null ? `one of ${names.join(", ")}` : didYouMean(near)
  return problemAt(path, source, "unknown_key", AN_UNKNOWN_KEY, expected)
}

const AN_UNKNOWN_KEY = "an unknown key"

const didYouMean = (near: string): string => `a known one: did you mean ${near}?`

/** A key that none of `settings` has: the nearest of them, or where else it belongs. */
export const unknownKey = (path: Path, source: Source, settings: readonly Setting[]): Problem => {
  const [key = ""] = path
  const keys = settings.map((known) => known.key)
  const elsewhere = settingNamed(key)
  if (elsewhere !== undefined)
    return problemAt(
      path,
      source,
      "unknown_key",
      "a key that is not the budget's",
      placeOf(elsewhere),
    )
  const near = nearest(key, keys)
  const allowed = near === null ? `one of ${keys.join(", ")}` : didYouMean(near)
  return problemAt(path, source, "unknown_key", AN_UNKNOWN_KEY, allowed)
}

const placeOf = ({ flag, variable }: Setting): string =>
  `it elsewhere: --${flag}, ${variable} or stint.yaml`

const allowedOf = (setting: Setting, value: unknown, source: Source): string => {
  const { kind } = setting
  const text = source.form === "text"
  const allowed = text ? kind.allowedText : kind.allowed
  if (typeof value !== "string") return allowed
  const near = kind.suggest(value)
  return `${allowed}${near === null ? "" : `: did you mean ${near}?`}${text ? "" : asData(setting, value)}`
}

/** In files values are data, and `10_000_000` or `unlimited` are texts: says what to write instead. */
const asData = ({ kind }: Setting, text: string): string => {
  const read = kind.read(text)
  return Schema.is(kind.schema)(read) ? `; write ${showValue(read)}` : ""
}
