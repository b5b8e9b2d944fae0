/** The parts of a request of Gemini's, whose keys say what they hold, in either spelling. */
import { isObject } from "../../../meters/fields.ts"
import type { Json } from "../dialect.ts"
import { told } from "../request/bound-rule.ts"
import { spellingsOf } from "../request/fields.ts"
import { listOf, UNTOLD } from "../request/kinds.ts"

/** A thing's value under either spelling of a name. */
export const under = (thing: Json, name: string): unknown =>
  spellingsOf(name)
    .map((spelling) => thing[spelling])
    .find((value) => value !== undefined && value !== null)

const CONTENT_KEY = (key: string): boolean => key === "parts" || key === "role"

/** The parts of contents, with those that a function gave back. What is no object counts as a part. */
export function* partsOf(contents: unknown): Iterable<unknown> {
  for (const content of listOf(contents)) {
    if (isObject(content) && Object.keys(content).every(CONTENT_KEY)) yield* parts(content.parts)
    else yield UNTOLD
  }
}

function* parts(value: unknown): Iterable<unknown> {
  for (const part of listOf(value)) {
    yield part
    const response = isObject(part) ? under(part, "functionResponse") : undefined
    if (isObject(response)) yield* parts(response.parts)
  }
}

/** The first key with a value of which `isMeant` holds; a thing that is no object is meant always. */
export const foundKey = (
  things: Iterable<unknown>,
  where: string,
  isMeant: (key: string) => boolean,
): string | null => {
  for (const thing of things) {
    if (!isObject(thing)) return `something that is no object in ${where}`
    const key = Object.keys(thing).find((each) => thing[each] !== null && isMeant(each))
    if (key !== undefined) return `${told(key)} in ${where}`
  }
  return null
}

export const oneOfKeys = (...names: readonly string[]): ((key: string) => boolean) => {
  const keys = new Set(names.flatMap(spellingsOf))
  return (key) => keys.has(key)
}
