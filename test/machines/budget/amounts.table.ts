import fc from "fast-check"
import { expect } from "vitest"
import type { TokenWeights } from "../../../machines/budget/settings.ts"
import type { Usage } from "../../../machines/vocabulary.ts"
import type { Checks } from "../machines.ts"
import { tokens } from "./script.ts"

const MAX = Number.MAX_SAFE_INTEGER

const usage = (input: number, output = 0, cacheWrite = 0, cacheRead = 0): Usage => ({
  inputTokens: input,
  outputTokens: output,
  cacheWriteTokens: cacheWrite,
  cacheReadTokens: cacheRead,
})

const weights = (input: number, output = 1, cacheWrite = 1, cacheRead = 0): TokenWeights => ({
  input,
  output,
  cacheWrite,
  cacheRead,
})

/** The rule by the book, in whole numbers of any size. */
const weighedByTheBook = (of: Usage, by: TokenWeights): number => {
  const thousandths = (weight: number) => BigInt(weight.toFixed(3).replace(".", ""))
  const sum =
    BigInt(of.inputTokens) * thousandths(by.input) +
    BigInt(of.outputTokens) * thousandths(by.output) +
    BigInt(of.cacheWriteTokens) * thousandths(by.cacheWrite) +
    BigInt(of.cacheReadTokens) * thousandths(by.cacheRead)
  const whole = sum % 1000n === 0n ? sum / 1000n : sum / 1000n + 1n
  return Number(whole > BigInt(MAX) ? BigInt(MAX) : whole)
}

const count = fc.oneof(
  fc.nat(3000),
  fc.constantFrom(0, 1, 999, 1000, 1001, MAX - 1, MAX, Math.floor(MAX / 1000)),
  fc.maxSafeNat(),
)
const weight = fc.oneof(
  fc.constantFrom(0, 0.001, 0.1, 0.333, 0.999, 1, 1.001, 3.75, 1000),
  fc.nat(5_000_000).map((thousandths) => thousandths / 1000),
)

export const amounts: Checks = {
  "a sum saturates at 2^53 − 1 and a difference at 0": ({ amounts: { add, subtract } }) => {
    const table: readonly (readonly [number, number])[] = [
      [add(0, 0), 0],
      [add(2, 3), 5],
      [add(MAX - 1, 1), MAX],
      [add(MAX, 1), MAX],
      [add(MAX, MAX), MAX],
      [subtract(3, 2), 1],
      [subtract(2, 2), 0],
      [subtract(2, 3), 0],
      [subtract(0, MAX), 0],
    ]
    expect(table.map(([sum]) => sum)).toEqual(table.map(([, expected]) => expected))
  },

  "an amount is a whole number from 0 to 2^53 − 1": ({ amounts: { isAmount } }) => {
    const amounts = [0, -0, 1, MAX]
    const others = [
      -1,
      0.5,
      Number.NaN,
      MAX + 1,
      Number.POSITIVE_INFINITY,
      "1",
      null,
      undefined,
      1n,
    ]
    expect(amounts.filter((value) => !isAmount(value))).toEqual([])
    expect(others.filter((value) => isAmount(value))).toEqual([])
  },

  "a call is weighed in thousandths and rounded up once": ({ amounts: { weigh } }) => {
    const table: readonly (readonly [Usage, TokenWeights, number])[] = [
      [usage(0), weights(1), 0],
      [usage(100, 20, 3, 1000), weights(1), 123],
      [usage(1), weights(0.001), 1],
      [usage(1000), weights(0.001), 1],
      [usage(1001), weights(0.001), 2],
      [usage(1, 1, 1, 1), weights(0.333, 0.333, 0.333, 0.001), 1],
      [usage(1, 1, 1, 2), weights(0.333, 0.333, 0.333, 0.001), 2],
      [usage(10), weights(0.1), 1],
      [usage(3), weights(0.1), 1],
      [usage(1000), weights(1.001), 1001],
      [usage(7, 0, 0, 7), weights(0, 0, 0, 0), 0],
      [usage(10, 10, 10, 10), weights(1, 1, 1, 1), 40],
    ]
    const weighed = table.map(([of, by]) => weigh(of, by))
    expect(weighed).toEqual(table.map(([, , expected]) => expected))
  },

  "what is too large to be exact in a double is weighed exactly": ({ amounts: { weigh } }) => {
    const table: readonly (readonly [Usage, TokenWeights, number])[] = [
      [usage(MAX), weights(1), MAX],
      [usage(MAX), weights(0.001), 9_007_199_254_741],
      [usage(MAX), weights(0.999), 8_998_192_055_486_251],
      [usage(MAX - 1, 1), weights(1), MAX],
      [usage(MAX, 1), weights(1), MAX],
      [usage(MAX), weights(1000), MAX],
      [usage(9_007_199_254_741), weights(1000), MAX],
      [usage(9_007_199_254_740), weights(1000), 9_007_199_254_740_000],
      [usage(MAX, MAX, MAX, MAX), weights(1, 1, 1, 1), MAX],
    ]
    const weighed = table.map(([of, by]) => weigh(of, by))
    expect(weighed).toEqual(table.map(([, , expected]) => expected))
  },

  "weighing agrees with whole-number arithmetic": ({ amounts: { weigh } }) =>
    fc.assert(
      fc.property(
        fc.tuple(count, count, count, count),
        fc.tuple(weight, weight, weight, weight),
        (counts, by) => {
          const [of, kinds] = [usage(...counts), weights(...by)]
          expect(weigh(of, kinds)).toBe(weighedByTheBook(of, kinds))
        },
      ),
    ),

  "raw tokens are the plain sum of the four kinds": ({ amounts: { rawTokens } }) => {
    expect(rawTokens(usage(1, 20, 300, 4000))).toBe(4321)
    expect(rawTokens(usage(MAX, MAX, MAX, MAX))).toBe(MAX)
  },

  "usage is added, subtracted and compared kind by kind": ({ amounts }) => {
    const { addUsage, subtractUsage, largestOfEach, sameUsage, NO_USAGE } = amounts
    const [a, b] = [usage(1, 20, 300, 4000), usage(2, 10, 300, 5000)]
    expect(addUsage(a, b)).toEqual(usage(3, 30, 600, 9000))
    expect(subtractUsage(a, b)).toEqual(usage(0, 10, 0, 0))
    expect(largestOfEach(a, b)).toEqual(usage(2, 20, 300, 5000))
    expect(sameUsage(a, { ...a })).toBe(true)
    for (const kind of Object.keys(a)) expect(sameUsage(a, { ...a, [kind]: 7 })).toBe(false)
    expect(addUsage(NO_USAGE, tokens(5))).toEqual(tokens(5))
  },

  "a percentage has two decimals": ({ amounts: { percentOf } }) => {
    const table: readonly (readonly [number, number | null, number | null])[] = [
      [0, 100, 0],
      [1, 3, 33.33],
      [2, 3, 66.67],
      [5_406_598, 10_000_000, 54.07],
      [150, 100, 150],
      [5, null, null],
      [0, 0, 100],
      [5, 0, 100],
      [MAX, 1, 900_719_925_474_099_100],
    ]
    const percents = table.map(([part, whole]) => percentOf(part, whole))
    expect(percents).toEqual(table.map(([, , expected]) => expected))
  },

  "of two limits the narrower holds, and null is none": ({ amounts: { narrowerLimit } }) => {
    const table: readonly (readonly [number | null, number | null, number | null])[] = [
      [null, null, null],
      [5, null, 5],
      [null, 5, 5],
      [5, 7, 5],
      [7, 5, 5],
      [0, 5, 0],
      [null, 0, 0],
    ]
    const narrower = table.map(([a, b]) => narrowerLimit(a, b))
    expect(narrower).toEqual(table.map(([, , expected]) => expected))
  },
}
