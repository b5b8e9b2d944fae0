/** The table of how calls end, row by row, and what must hold in every row. */
import * as fc from "fast-check"
import { describe, expect, it } from "vitest"
import { type CallEnd, OUTCOMES, type Outcome, outcomeOf } from "../../src/gateway/outcome.ts"

const END: CallEnd = {
  left: true,
  status: 200,
  stop: "complete",
  usage: "final",
  hasAnswer: true,
  saidError: false,
}
const REPORTED = { kind: "settle", with: "usage", provenance: "reported" }
const NOTHING = { kind: "settle", with: "nothing", provenance: "reported" }
const ESTIMATE = { kind: "settle", with: "estimate", provenance: "estimated" }
const CHARGE = { kind: "charge" }
const VOID = { kind: "void" }

const unsaid = (more: Partial<CallEnd>): Partial<CallEnd> => ({
  usage: "none",
  hasAnswer: false,
  ...more,
})

const ROWS: readonly (readonly [string, Partial<CallEnd>, object])[] = [
  ["never left", unsaid({ left: false, status: null, stop: "broken" }), VOID],
  ["never left, the client went", unsaid({ left: false, status: null, stop: "givenUp" }), VOID],
  ["whole and counted", {}, REPORTED],
  ["counted, then broken", { stop: "broken" }, REPORTED],
  ["counted, then nobody waited", { stop: "givenUp" }, REPORTED],
  ["an error that says its usage", { status: 400 }, REPORTED],
  ["reset before the head", unsaid({ status: null, stop: "broken" }), CHARGE],
  ["silent before the head", unsaid({ status: null, stop: "broken" }), CHARGE],
  ["given up before the head", unsaid({ status: null, stop: "givenUp" }), CHARGE],
  ["given up half way", { stop: "givenUp", usage: "partial" }, CHARGE],
  ["broken half way", { stop: "broken", usage: "partial" }, CHARGE],
  ["whole, its last word missing", { usage: "partial" }, CHARGE],
  ["broken, no usage yet", { stop: "broken", usage: "none" }, CHARGE],
  ["whole, no usage at all", { usage: "none" }, ESTIMATE],
  ["broken, nothing seen", unsaid({ stop: "broken" }), CHARGE],
  ["whole, nothing to read", unsaid({}), CHARGE],
  ["an error inside before any answer", unsaid({ saidError: true }), NOTHING],
  [
    "an error inside before any answer, broken",
    unsaid({ saidError: true, stop: "broken" }),
    NOTHING,
  ],
  ["an error inside after some answer", { saidError: true, usage: "none" }, CHARGE],
  ["an error inside after some usage", unsaid({ saidError: true, usage: "partial" }), CHARGE],
  ["a redirect", unsaid({ status: 307 }), NOTHING],
  ...[400, 401, 402, 403, 404, 405, 413, 415, 422, 426, 429, 451].map(
    (status) => [`status ${status}`, unsaid({ status }), NOTHING] as const,
  ),
  ...[500, 501, 502, 503, 520, 529].map(
    (status) => [`status ${status}`, unsaid({ status }), NOTHING] as const,
  ),
  ...[408, 409, 499, 504, 524].map(
    (status) => [`status ${status}`, unsaid({ status }), CHARGE] as const,
  ),
  ["status 429, its body cut", unsaid({ status: 429, stop: "broken" }), NOTHING],
  ["status 429, nobody waited", unsaid({ status: 429, stop: "givenUp" }), NOTHING],
  ["status 504, its body cut", unsaid({ status: 504, stop: "broken" }), CHARGE],
]

describe("what a call ended in", () => {
  for (const [name, end, outcome] of ROWS) {
    it(`${name}: ${Object.values(outcome).join(" ")}`, () => {
      expect(outcomeOf({ ...END, ...end })).toEqual(outcome)
    })
  }

  it("uses each row of the table", () => {
    const used = ROWS.map(([, end]) => OUTCOMES.find((row) => row.applies({ ...END, ...end })))
    expect(OUTCOMES.filter((row) => !used.includes(row)).map(({ when }) => when)).toEqual([])
  })
})

const ends: fc.Arbitrary<CallEnd> = fc.record({
  left: fc.boolean(),
  status: fc.oneof(fc.constant(null), fc.integer({ min: 200, max: 599 })),
  stop: fc.constantFrom("complete", "broken", "givenUp"),
  usage: fc.constantFrom("final", "partial", "none"),
  hasAnswer: fc.boolean(),
  saidError: fc.boolean(),
})

const always = (name: string, holds: (end: CallEnd, outcome: Outcome) => boolean): void =>
  it(name, () => {
    fc.assert(
      fc.property(ends, (end) => holds(end, outcomeOf(end))),
      { numRuns: 2_000 },
    )
  })

describe("whatever it ended in", () => {
  always("only what never left is given back", (end, { kind }) => (kind === "void") === !end.left)
  always(
    "`reported` is said only of the provider's words, or of its word that nothing ran",
    (end, outcome) =>
      outcome.kind !== "settle" ||
      outcome.provenance !== "reported" ||
      end.usage === "final" ||
      (end.usage === "none" && end.status !== null),
  )
  always(
    "less than what was held is written down only after the end, or after a status without a model",
    ({ left, status, stop, usage, hasAnswer, saidError }, { kind }) =>
      kind !== "settle" ||
      usage === "final" ||
      (left && stop === "complete" && hasAnswer && usage === "none" && !saidError) ||
      (usage === "none" && saidError && !hasAnswer) ||
      (usage === "none" && status !== null && (status < 200 || status >= 300)),
  )
  always(
    "no answer of a model is free",
    (end, outcome) =>
      !(outcome.kind === "settle" && outcome.with === "nothing") ||
      !end.hasAnswer ||
      (end.status !== null && (end.status < 200 || end.status >= 300)),
  )
})
