/**
 * What a call ended in decides what becomes of its hold: one table, first row that applies. It is
 * given back only if the call provably never left, and charged until the provider's last word is in.
 */
import type { Provenance } from "../../machines/vocabulary.ts"

/** How one attempt at the provider ended, whatever the client saw of it. */
export interface CallEnd {
  /** Some byte of it may have reached the provider. */
  readonly left: boolean
  /** Of the answer's head; null: none came. */
  readonly status: number | null
  /** By itself, broken off (reset, silence), or given up while nobody was listening any more. */
  readonly stop: "complete" | "broken" | "givenUp"
  readonly usage: "final" | "partial" | "none"
  /** Some of the answer was seen, if only an unfinished part. */
  readonly hasAnswer: boolean
  /** The provider said inside the answer that it failed. */
  readonly saidError: boolean
}

export type Outcome =
  | { readonly kind: "void" }
  | { readonly kind: "charge" }
  | {
      readonly kind: "settle"
      /** The provider's own words, none at all, or as many tokens as what was seen can be. */
      readonly with: "usage" | "nothing" | "estimate"
      readonly provenance: Provenance
    }

const REPORTED: Outcome = { kind: "settle", with: "usage", provenance: "reported" }
const NOT_BILLED: Outcome = { kind: "settle", with: "nothing", provenance: "reported" }
const ESTIMATED: Outcome = { kind: "settle", with: "estimate", provenance: "estimated" }
const CHARGED: Outcome = { kind: "charge" }

/** Said by whoever lost patience or track, perhaps in front of a provider that went on working. */
const UNCERTAIN_STATUSES: ReadonlySet<number> = new Set([408, 409, 499, 504, 524])

const isSuccess = (status: number): boolean => status >= 200 && status < 300

interface Row {
  readonly when: string
  readonly applies: (end: CallEnd) => boolean
  readonly outcome: Outcome
}

export const OUTCOMES: readonly Row[] = [
  { when: "it never left", applies: (end) => !end.left, outcome: { kind: "void" } },
  {
    when: "the provider said all of its usage",
    applies: (end) => end.usage === "final",
    outcome: REPORTED,
  },
  {
    when: "it left and no answer came",
    applies: (end) => end.status === null,
    outcome: CHARGED,
  },
  {
    when: "the status does not say whether the model ran",
    applies: ({ status, usage }) =>
      status !== null && usage === "none" && UNCERTAIN_STATUSES.has(status),
    outcome: CHARGED,
  },
  {
    when: "the status says that no model answered",
    applies: ({ status, usage }) => status !== null && usage === "none" && !isSuccess(status),
    outcome: NOT_BILLED,
  },
  {
    when: "the answer says that it failed before it began",
    applies: ({ usage, saidError, hasAnswer }) => usage === "none" && saidError && !hasAnswer,
    outcome: NOT_BILLED,
  },
  {
    when: "it was cut before the last word, and the provider may have gone on",
    applies: (end) => end.stop !== "complete" || end.usage === "partial" || end.saidError,
    outcome: CHARGED,
  },
  {
    when: "it ended by itself, and its usage is never said",
    applies: (end) => end.hasAnswer,
    outcome: ESTIMATED,
  },
  { when: "nobody can say", applies: () => true, outcome: CHARGED },
]

export const outcomeOf = (end: CallEnd): Outcome =>
  OUTCOMES.find((row) => row.applies(end))?.outcome ?? CHARGED
