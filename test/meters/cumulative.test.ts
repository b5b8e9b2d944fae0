import fc from "fast-check"
import { describe, expect, test } from "vitest"
import { addUsage, NO_USAGE } from "../../machines/budget/amounts.ts"
import type { Usage } from "../../machines/vocabulary.ts"
import {
  advance,
  type Cumulative,
  FROM_ZERO,
  forkOf,
  sumOf,
  type Totals,
} from "../../src/meters/cumulative.ts"
import { type Counts, counts, usageOf } from "./printed.ts"

const totals = (models: Readonly<Record<string, Counts>>): Totals =>
  new Map(Object.entries(models).map(([model, usage]) => [model, usageOf(usage)]))

const of = (input: number): Totals => totals({ m: [input, 0, 0, 0] })

/** The growth told along a sequence of readings. */
const grownAlong = (readings: readonly Totals[], from: Cumulative = FROM_ZERO) => {
  let counter = from
  let sum = NO_USAGE
  for (const reading of readings) {
    const { after, growth } = advance(counter, reading)
    counter = after
    sum = addUsage(sum, sumOf(growth))
  }
  return { counter, sum }
}

test("what was spent is the difference, not the sum, of cumulative readings", () => {
  expect(counts(grownAlong([of(100), of(250), of(260)]).sum)).toEqual([260, 0, 0, 0])
})

test("a reading that is repeated tells of nothing new", () => {
  expect(counts(grownAlong([of(100), of(100), of(100)]).sum)).toEqual([100, 0, 0, 0])
})

test("a count that fell began anew, and all of it was spent since", () => {
  expect(counts(grownAlong([of(100), of(30), of(50)]).sum)).toEqual([150, 0, 0, 0])
})

test("counts of one owner begin anew together, even when only one of them fell", () => {
  const { sum } = grownAlong([
    totals({ a: [100, 0, 0, 0], b: [5, 0, 0, 0] }),
    totals({ a: [20, 0, 0, 0], b: [7, 0, 0, 0] }),
  ])
  expect(counts(sum)).toEqual([132, 0, 0, 0])
})

test("a count that is no longer named fell", () => {
  const { sum } = grownAlong([totals({ a: [9, 0, 0, 0] }), totals({ b: [10, 0, 0, 0] })])
  expect(counts(sum)).toEqual([19, 0, 0, 0])
})

describe("a new owner that has spent more than the old one", () => {
  const before = advance(FROM_ZERO, of(100)).after

  test.each([
    ["more was seen than grew", { seenInput: 290, isSameOwner: true }, 300],
    ["as much was seen as grew", { seenInput: 195, isSameOwner: true }, 200],
    ["nothing was seen, and the name is another", { seenInput: 0, isSameOwner: false }, 300],
    ["nothing was seen, and the name is the same", { seenInput: 0, isSameOwner: true }, 200],
    ["both are as near, and the name is another", { seenInput: 250, isSameOwner: false }, 300],
    ["both are as near, and the name is the same", { seenInput: 250, isSameOwner: true }, 200],
    ["as much was seen as grew, whatever the name", { seenInput: 200, isSameOwner: false }, 200],
  ])("%s", (_, witness, grown) => {
    expect(counts(sumOf(advance(before, of(300), witness).growth))).toEqual([grown, 0, 0, 0])
  })
})

describe("a fork", () => {
  const parent = grownAlong([of(40), of(100)]).counter

  test("that repeats its parent's history tells of nothing until it has passed it", () => {
    expect(counts(grownAlong([of(40), of(100), of(130)], forkOf(parent)).sum)).toEqual([
      30, 0, 0, 0,
    ])
  })

  test("that does not repeat it goes on from there", () => {
    expect(counts(grownAlong([of(130)], forkOf(parent)).sum)).toEqual([30, 0, 0, 0])
  })

  test("that has passed its parent's total begins anew as any other", () => {
    expect(counts(grownAlong([of(130), of(20)], forkOf(parent)).sum)).toEqual([50, 0, 0, 0])
  })
})

const amount = fc.oneof(fc.nat({ max: 3 }), fc.nat({ max: 1_000_000 }))
const spent = fc
  .tuple(fc.constantFrom("a", "b"), fc.tuple(amount, amount, amount, amount))
  .map(([model, usage]) => ({ model, usage: usageOf(usage) }))
const step = fc.oneof(
  { weight: 6, arbitrary: spent.map((spend) => ({ kind: "spend" as const, spend })) },
  { weight: 2, arbitrary: fc.constant({ kind: "repeat" as const }) },
  { weight: 1, arbitrary: fc.constant({ kind: "restart" as const }) },
)

const plus = (before: Totals, model: string, usage: Usage): Totals =>
  new Map([...before, [model, addUsage(before.get(model) ?? NO_USAGE, usage)]])

test("property: the growth adds up to what was spent, over repeats and restarts that show", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const readings: Totals[] = []
      let owner: Totals = new Map()
      let truth = NO_USAGE
      for (const taken of steps) {
        if (taken.kind === "spend") {
          const { model, usage } = taken.spend
          owner = plus(owner, model, usage)
          truth = addUsage(truth, usage)
        }
        // An owner that has counted something shows that it began anew: its counts are gone.
        if (taken.kind === "restart") owner = new Map()
        readings.push(owner)
      }
      expect(grownAlong(readings).sum).toEqual(truth)
    }),
    { numRuns: 1_000 },
  )
})

/** What an owner shows after each of its calls. */
const readingsOf = (
  calls: readonly { readonly model: string; readonly usage: Usage }[],
  from: Totals,
): readonly Totals[] => {
  let owner = from
  return calls.map(({ model, usage }) => {
    owner = plus(owner, model, usage)
    return owner
  })
}

test("property: a fork that repeats any part of its history adds nothing for it", () => {
  const spends = fc.array(spent, { maxLength: 12 })
  fc.assert(
    fc.property(spends, spends, fc.nat({ max: 12 }), (parents, own, skipped) => {
      const history = readingsOf(parents, new Map())
      const parent = grownAlong(history).counter
      const later = readingsOf(own, parent.totals)
      const { sum } = grownAlong([...history.slice(skipped), ...later], forkOf(parent))
      expect(sum).toEqual(own.reduce((all, { usage }) => addUsage(all, usage), NO_USAGE))
    }),
    { numRuns: 1_000 },
  )
})
