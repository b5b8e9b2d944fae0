/**
 * The rows of the documented table: what in a request makes its cost more, or impossible, to tell
 * from its body, and what is done then. The readers work from the rows; so do the docs and the tests.
 */
import type { DialectName, Unboundable } from "../dialect.ts"
import type { Reading } from "./values.ts"

export type Treatment = BoundRule["treatment"]

export type BoundRule = Row & (Flagged | Multiplying)

interface Row {
  /** Unique among the rows of its API. */
  readonly rule: string
  /** What in the body it is about, for people. */
  readonly trigger: string
  readonly why: string
}

interface Flagged {
  /**
   * `unboundable`: refused in hard mode. `provider_count`: the provider's own count of the input
   * settles it. `bounded`: its bytes bound it, although one might doubt that.
   */
  readonly treatment: "unboundable" | "provider_count" | "bounded"
  /** What was found, in a few words without any text of the prompt; null: nothing. */
  readonly found: (call: BoundedCall) => string | null
}

interface Multiplying {
  /** So many answers are asked for; the factors of all rows are multiplied. */
  readonly treatment: "multiplies"
  readonly answers: (call: BoundedCall) => number
}

export interface BoundedCall extends Reading {
  readonly model: string
}

export interface CallBounds {
  readonly answers: number
  readonly unboundable: Unboundable | null
}

/** What the rows say of a call: the first that nothing settles, else the first a count settles. */
export const boundsOf = (
  dialect: DialectName,
  rules: readonly BoundRule[],
  call: BoundedCall,
): CallBounds => {
  let answers = 1
  let unboundable: Unboundable | null = null
  for (const rule of rules) {
    if (rule.treatment === "multiplies") {
      answers *= rule.answers(call)
    } else if (rule.treatment !== "bounded") {
      const countSettles = rule.treatment === "provider_count"
      if (unboundable !== null && (countSettles || !unboundable.countSettles)) continue
      const found = rule.found(call)
      if (found === null) continue
      unboundable = { rule: `${dialect}/${rule.rule}`, why: `${found}: ${rule.why}`, countSettles }
    }
  }
  return { answers, unboundable }
}

/** A parameter with any value but null, false, and an empty list. */
export const isSet = (value: unknown): boolean =>
  value !== undefined &&
  value !== null &&
  value !== false &&
  !(Array.isArray(value) && value.length === 0)

/** The first of the parameters that is set. */
export const anySet =
  (...names: readonly string[]) =>
  ({ fields }: BoundedCall): string | null => {
    const name = names.find((each) => isSet(fields.value(each)))
    return name === undefined ? null : `\`${name}\` is set`
  }

/** The row every API ends with: its own list of parameters is the list of what can be bounded. */
export const unknownParameter = (...nested: readonly string[]): BoundRule => ({
  rule: "unknown-parameter",
  treatment: "unboundable",
  trigger: `a parameter the gateway does not know${nested.length > 0 ? `, also in ${nested.map((name) => `\`${name}\``).join(", ")}` : ""}`,
  why: "a parameter that is not known to be harmless may ask for work that the body does not bound",
  found: ({ fields }) =>
    fields.unknown[0] === undefined ? null : `${told(fields.unknown[0])} is set`,
})

/** A word of the body that is short and plain enough to be no text of a prompt. */
export const told = (word: string): string =>
  /^[\w.:/-]{1,64}$/.test(word) ? `\`${word}\`` : "one whose name is no plain word"
