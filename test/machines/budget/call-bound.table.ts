import fc from "fast-check"
import { expect } from "vitest"
import type { CallBound } from "../../../machines/budget/call-bound.ts"
import type { Checks } from "../machines.ts"
import { SETTINGS } from "./script.ts"

const PICO = 1_000_000n
const MAX = Number.MAX_SAFE_INTEGER

const bound = (more: Partial<CallBound>): CallBound => ({
  inputTokens: 0,
  outputTokens: { least: 0, most: 0 },
  answers: 1,
  price: null,
  ...more,
})

const priced = (inputPicoUsd: number, outputPicoUsd = 0, perCallMicroUsd = 0) => ({
  inputPicoUsd,
  outputPicoUsd,
  perCallMicroUsd,
})

const weights = SETTINGS.tokenWeights

/** The same sum, exact whatever its size. */
const exactly = ({ inputTokens, answers, price }: CallBound, outputTokens: number): number => {
  if (price === null) throw new Error("there is a price")
  const output = BigInt(Math.min(answers * outputTokens, MAX))
  const pico =
    BigInt(inputTokens) * BigInt(price.inputPicoUsd) + output * BigInt(price.outputPicoUsd)
  const micro = (pico + PICO - 1n) / PICO + BigInt(price.perCallMicroUsd)
  return micro > BigInt(MAX) ? MAX : Number(micro)
}

const amounts = fc.oneof(
  fc.constantFrom(0, 1, 2, 999_999, 1_000_000, 1_000_001, 2 ** 31, 2 ** 32 + 1, 2 ** 53 - 1),
  fc.nat(10_000_000),
)
const prices = fc.constantFrom(0, 1, 3, 999_999, 1_000_000, 15_000_000, 75_000_000, 2 ** 40)

export const callBound: Checks = {
  "a bound is its input at the dearest weight and every answer at its longest": (m) => {
    const cached = { input: 1, output: 2, cacheWrite: 1.25, cacheRead: 0.1 }
    const call = bound({ inputTokens: 101, answers: 3 })
    expect(m.callBound.boundAt(call, 10, cached).tokens).toBe(187)
    expect(m.callBound.boundAt(call, 10, weights).tokens).toBe(131)
    const reads = { input: 0, output: 0, cacheWrite: 0, cacheRead: 0.333 }
    expect(m.callBound.boundAt(call, 10, reads).tokens).toBe(34)
  },

  "money is rounded up once, for the whole call": (m) => {
    const costOf = (call: CallBound, output: number) =>
      m.callBound.boundAt(call, output, weights).costMicroUsd
    expect(costOf(bound({ inputTokens: 1, price: priced(1) }), 0)).toBe(1)
    // 0.6 + 0.4 micro-dollars are 1 rounded once, and would be 2 rounded twice.
    expect(costOf(bound({ inputTokens: 1, price: priced(600_000, 400_000) }), 1)).toBe(1)
    expect(costOf(bound({ inputTokens: 1, price: priced(600_000, 400_001) }), 1)).toBe(2)
    expect(costOf(bound({ inputTokens: 3, price: priced(1_000_000, 0, 5) }), 0)).toBe(8)
    expect(costOf(bound({ inputTokens: 0, price: priced(0) }), 0)).toBe(0)
    expect(costOf(bound({ inputTokens: 9 }), 9)).toBeNull()
  },

  "money loses no digit past 2^53, and stops at the largest amount": (m) => {
    const costOf = (call: CallBound, output: number) =>
      m.callBound.boundAt(call, output, weights).costMicroUsd
    // An odd number of picodollars beyond 2^53, which no double holds.
    const beyond = bound({ inputTokens: 9_007_199_255, price: priced(1_000_000) })
    expect(costOf({ ...beyond, price: priced(1_000_000, 1) }, 1)).toBe(9_007_199_256)
    expect(costOf(beyond, 1)).toBe(9_007_199_255)
    const huge = bound({ inputTokens: MAX, answers: MAX, price: priced(75_000_000, 75_000_000) })
    expect(costOf(huge, MAX)).toBe(MAX)
    expect(m.callBound.boundAt(huge, MAX, weights).tokens).toBe(MAX)
    const perCall = bound({ inputTokens: 1, price: priced(1, 0, MAX) })
    expect(costOf(perCall, 0)).toBe(MAX)
    fc.assert(
      fc.property(
        amounts,
        amounts,
        fc.constantFrom(1, 2, 8),
        prices,
        prices,
        (inputTokens, output, answers, inputPicoUsd, outputPicoUsd) => {
          const call = bound({ inputTokens, answers, price: priced(inputPicoUsd, outputPicoUsd) })
          expect(costOf(call, output)).toBe(exactly(call, output))
        },
      ),
    )
  },

  "the longest answer is found at every boundary": (m) => {
    const longest = (least: number, most: number, room: number) =>
      m.callBound.longestAnswer({ least, most }, (length) => length <= room)
    expect(longest(1, 100, 100)).toBe(100)
    expect(longest(1, 100, 99)).toBe(99)
    expect(longest(1, 100, 1)).toBe(1)
    expect(longest(1, 100, 0)).toBeNull()
    expect(longest(0, 100, 0)).toBe(0)
    expect(longest(100, 100, 100)).toBe(100)
    expect(longest(100, 100, 99)).toBeNull()
    // What is useful is more than what was asked for: all of it, or nothing.
    expect(longest(100, 50, 60)).toBe(50)
    expect(longest(100, 50, 40)).toBeNull()
    expect(longest(1, 2, 1)).toBe(1)
    expect(longest(0, MAX, MAX - 1)).toBe(MAX - 1)
    expect(longest(0, MAX, 1)).toBe(1)
  },

  "the longest answer fits, and one more does not": (m) =>
    fc.assert(
      fc.property(amounts, amounts, amounts, (a, b, room) => {
        const [least, most] = [Math.min(a, b), Math.max(a, b)]
        const found = m.callBound.longestAnswer({ least, most }, (length) => length <= room)
        if (found === null) expect(room).toBeLessThan(least)
        else expect(found).toBe(Math.min(most, room))
      }),
    ),
}
