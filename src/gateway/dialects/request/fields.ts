/**
 * The parameters of a request by the names its API has for them. A name that only some server would
 * take for a parameter (`Max_Tokens`, or two spellings side by side) is a problem, not a guess.
 */
import { isObject } from "../../../meters/fields.ts"
import type { Json } from "../dialect.ts"
import { type JsonBody, shownKey } from "./body.ts"
import { type Span, spansOf } from "./json-spans.ts"

/** Folded spelling → the parameter and the spellings its API accepts. */
export type KnownNames = ReadonlyMap<string, Parameter>

interface Parameter {
  readonly name: string
  readonly spellings: readonly string[]
}

export interface Fields {
  /** Where the object stands in the body; "" for the body itself. */
  readonly path: string
  readonly value: (name: string) => unknown
  readonly span: (name: string) => Span | null
  /** Keys with a value that the API, as far as the gateway knows it, does not have. */
  readonly unknown: readonly string[]
}

/** Parameters that have one spelling. */
export const named = (...names: readonly string[]): KnownNames =>
  new Map(names.map((name) => [fold(name), { name, spellings: [name] }]))

/** Google's, which may be written either way: `maxOutputTokens` and `max_output_tokens`. */
export const namedEitherWay = (...names: readonly string[]): KnownNames =>
  new Map(names.map((name) => [fold(name), { name, spellings: spellingsOf(name) }]))

export const spellingsOf = (name: string): readonly string[] => [
  name,
  name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
]

/** As the most lenient parser compares names: Go's folds letters, among them `ſ` and the Kelvin sign. */
export const fold = (name: string): string =>
  name
    .slice(0, NAME_MAX)
    .normalize("NFKC")
    .toLowerCase()
    .replace(/[-_\s]/g, "")

const NAME_MAX = 64

export const fieldsOf = (body: JsonBody, known: KnownNames, problems: string[]): Fields =>
  sorted("", body.value, body.members, known, problems)

/** The object under a parameter; empty where there is none. Anything but an object is a problem. */
export const nestedFields = (
  text: string,
  parent: Fields,
  name: string,
  known: KnownNames,
  problems: string[],
): Fields => {
  const value = parent.value(name) ?? {}
  if (!isObject(value)) {
    problems.push(`\`${parent.path}${name}\` is no object; expected one`)
    return sorted(`${name}.`, {}, new Map(), known, problems)
  }
  const span = parent.span(name)
  const members = span && text[span.start] === "{" ? spansOf(text, span.start).members : new Map()
  return sorted(`${parent.path}${name}.`, value, members, known, problems)
}

const sorted = (
  path: string,
  value: Json,
  members: ReadonlyMap<string, Span>,
  known: KnownNames,
  problems: string[],
): Fields => {
  const keys = new Map<string, string>()
  const unknown: string[] = []
  for (const key of Object.keys(value)) {
    const parameter = known.get(fold(key))
    if (parameter === undefined) {
      if (value[key] !== null) unknown.push(key)
      continue
    }
    const { name, spellings } = parameter
    const other = keys.get(name)
    if (!spellings.includes(key))
      problems.push(`${shownKey(path + key)} is no spelling of \`${path}${name}\`; expected that`)
    else if (other !== undefined)
      problems.push(`\`${path}${other}\` and \`${path}${key}\` are the same; expected one of them`)
    else keys.set(name, key)
  }
  const under = <Value>(name: string, found: (key: string) => Value): Value | undefined => {
    const key = keys.get(name)
    return key === undefined ? undefined : found(key)
  }
  return {
    path,
    value: (name) => under(name, (key) => value[key]),
    span: (name) => under(name, (key) => members.get(key)) ?? null,
    unknown,
  }
}
