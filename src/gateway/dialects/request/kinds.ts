/** Lists of things with a `type`, as messages, parts and tools are. */
import { isObject } from "../../../meters/fields.ts"
import type { Json } from "../dialect.ts"
import { told } from "./bound-rule.ts"
import { fold } from "./fields.ts"

/** What stands where a list may: a list's elements, a single thing as one, nothing as none. */
export const listOf = (value: unknown): readonly unknown[] => {
  if (Array.isArray(value)) return value
  return value === undefined || value === null ? [] : [value]
}

export const objectsOf = (value: unknown): readonly Json[] => listOf(value).filter(isObject)

/** What stands for a `type` that cannot be told: never in a list of known ones. */
export const UNTOLD = "?"

/** The `type` of a thing; null where it has none, `UNTOLD` where it is no word or a key is misspelled. */
export const kindOf = (thing: unknown): string | null => {
  if (!isObject(thing) || isMisspelled(thing)) return UNTOLD
  const { type } = thing
  if (type === undefined || type === null) return null
  return typeof type === "string" ? type : UNTOLD
}

/** The keys by which messages, parts and tools are judged. */
const READ_KEYS = new Set([
  ...["type", "content", "source", "output", "summary", "tools", "environment", "execution"],
  ...["audio", "encryptedcontent", "role", "id"],
])
const KEY_LENGTH_MAX = 20
const FOLDED_ALREADY = /^[a-z]+$/

/** `Type` is no type to one server and a type to another. */
export const isMisspelled = (thing: Json): boolean => {
  for (const key in thing) if (key.length <= KEY_LENGTH_MAX && isMisspelling(key)) return true
  return false
}

/** Keys come from outside: past so many, all are judged anew. */
const KEYS_MAX = 1_000
const judged = new Map<string, boolean>()

/** The same few keys stand in every block of every call, and folding one takes a microsecond. */
const isMisspelling = (key: string): boolean => {
  const known = judged.get(key)
  if (known !== undefined) return known
  const isOne = !FOLDED_ALREADY.test(key) && key !== "encrypted_content" && READ_KEYS.has(fold(key))
  if (judged.size >= KEYS_MAX) judged.clear()
  judged.set(key, isOne)
  return isOne
}

/** The first kind for which `isMeant` holds, told with the list it stands in. */
export const foundKind = (
  things: readonly unknown[],
  where: string,
  isMeant: (kind: string | null) => boolean,
): string | null => {
  for (const kind of kindsOf(things)) {
    if (isMeant(kind)) return `${kind === null ? "one without a type" : told(kind)} in ${where}`
  }
  return null
}

/** A kind of the list, or one with the date of its version (`bash_20250124`). */
export const isOneOf =
  (kinds: readonly (string | null)[], dated: readonly string[] = []) =>
  (kind: string | null): boolean =>
    kinds.includes(kind) || (kind !== null && dated.some((name) => isDated(kind, name)))

const isDated = (kind: string, name: string): boolean =>
  kind.startsWith(`${name}_`) && /^\d{8}$/.test(kind.slice(name.length + 1))

export const isNot =
  (isMeant: (kind: string | null) => boolean) =>
  (kind: string | null): boolean =>
    !isMeant(kind)

/** Each kind once, in the order in which they first stand; told once of a list that several rows look through. */
const kindsOf = (things: readonly unknown[]): ReadonlySet<string | null> => {
  const before = kindsKnown.get(things)
  if (before !== undefined) return before
  const kinds = new Set(things.map(kindOf))
  kindsKnown.set(things, kinds)
  return kinds
}

const kindsKnown = new WeakMap<readonly unknown[], ReadonlySet<string | null>>()

/** What several rows look through is gathered once a request. */
export const gathered = <Of extends object>(gather: (of: Of) => Iterable<unknown>) => {
  const known = new WeakMap<Of, readonly unknown[]>()
  return (of: Of): readonly unknown[] => {
    const before = known.get(of)
    if (before !== undefined) return before
    const things = [...gather(of)]
    known.set(of, things)
    return things
  }
}
