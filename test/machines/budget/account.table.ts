import fc from "fast-check"
import { expect } from "vitest"
import type { Account } from "../../../machines/budget/account.ts"
import type { Check, Checks, Machines } from "../machines.ts"
import { tellAccount } from "./script.ts"

const MAX = Number.MAX_SAFE_INTEGER
const THRESHOLDS = [80, 95, 100]

type Step = (account: Account) => Account

/** Each line: a step and the account after it, with its status and how far it has been told. */
const steps =
  (
    limit: number | null,
    lines: (m: Machines["account"]) => readonly (readonly [Step, string])[],
  ): Check =>
  ({ account: m }) => {
    let account = m.openAccount(limit, THRESHOLDS)
    const happened = lines(m).map(([step]) => {
      account = step(account)
      return `${tellAccount(account)} ${m.statusOf(account)} ${account.told}`
    })
    expect(happened).toEqual(lines(m).map(([, expected]) => expected))
  }

const charging =
  (m: Machines["account"], tokens: number, overrun = 0, certain = true): Step =>
  (account) =>
    m.charge(account, { tokens, certain, overrun })

export const account: Checks = {
  "a status begins where used × 100 ≥ limit × threshold, to the token": ({ account: m }) => {
    const table: readonly (readonly [
      limit: number | null,
      thresholds: number[],
      marks: number[],
    ])[] = [
      [100, [80, 95, 100], [80, 95, 100]],
      [1, [80, 95, 100], [1, 1, 1]],
      [3, [80, 95, 100], [3, 3, 3]],
      [10, [80, 95, 100], [8, 10, 10]],
      [1000, [33.33, 66.67, 99.99], [334, 667, 1000]],
      [10_000, [33.33, 66.67, 99.99], [3333, 6667, 9999]],
      [7, [0, 50, 150], [0, 4, 11]],
      [0, [80, 95, 100], [0, 0, 0]],
      [null, [80, 95, 100], []],
      [MAX, [80, 95, 100], [7_205_759_403_792_793, 8_556_839_292_003_942, MAX]],
    ]
    const marks = table.map(([limit, thresholds]) => m.marksOf(limit, thresholds))
    expect(marks).toEqual(table.map(([, , expected]) => expected))
  },

  "a mark is the first amount that reaches its threshold": ({ account: m }) =>
    fc.assert(
      fc.property(fc.maxSafeNat(), fc.integer({ min: 1, max: 10_000 }), (limit, hundredths) => {
        const [mark] = m.marksOf(limit, [hundredths / 100])
        const reaches = (used: bigint) => used * 10_000n >= BigInt(limit) * BigInt(hundredths)
        expect(reaches(BigInt(mark ?? -1))).toBe(true)
        if (limit > 0) expect(reaches(BigInt(mark ?? -1) - 1n)).toBe(false)
      }),
    ),

  "statuses change exactly at their marks, and what is held changes none": steps(100, (m) => [
    [(a) => m.hold(a, 100), "0+100 within_budget 0"],
    [charging(m, 79), "79+100 within_budget 0"],
    [charging(m, 1), "80+100 approaching_limit 1"],
    [charging(m, 14), "94+100 approaching_limit 1"],
    [charging(m, 1), "95+100 at_limit 2"],
    [charging(m, 4), "99+100 at_limit 2"],
    [charging(m, 1), "100+100 exceeded 3"],
    [(a) => m.release(a, 100), "100 exceeded 3"],
    [charging(m, 400, 400), "500!400 exceeded 3"],
  ]),

  "a limit of 0 is exceeded from the start": steps(0, () => [[(a) => a, "0 exceeded 3"]]),

  "an unlimited account is always within budget": steps(null, (m) => [
    [charging(m, MAX), `${MAX} within_budget 0`],
    [charging(m, 1), `${MAX} within_budget 0`],
  ]),

  "confirmed and uncertain tokens together are used": steps(100, (m) => [
    [charging(m, 40, 0, false), "40?40 within_budget 0"],
    [charging(m, 40), "80?40 approaching_limit 1"],
    [(a) => m.correct(a, { before: 40, uncertainBefore: 40, now: 25 }), "65 within_budget 1"],
    [(a) => m.correct(a, { before: 25, uncertainBefore: 0, now: 35 }), "75!10 within_budget 1"],
  ]),

  "a crossing is told once for each limit": steps(100, (m) => [
    [charging(m, 85), "85 approaching_limit 1"],
    [(a) => m.correct(a, { before: 85, uncertainBefore: 0, now: 50 }), "50 within_budget 1"],
    [charging(m, 35), "85 approaching_limit 1"],
    [(a) => m.limitTo(a, 200, THRESHOLDS), "85 within_budget 0"],
    [charging(m, 75), "160 approaching_limit 1"],
    [(a) => m.limitTo(a, 200, THRESHOLDS), "160 approaching_limit 1"],
    [(a) => m.correct(a, { before: 160, uncertainBefore: 0, now: 150 }), "150 within_budget 1"],
    [(a) => m.limitTo(a, 200, THRESHOLDS), "150 within_budget 1"],
    [(a) => m.limitTo(a, 200, [90, 96, 99]), "150 within_budget 0"],
    [charging(m, 10), "160 within_budget 0"],
    [(a) => m.limitTo(a, null, THRESHOLDS), "160 within_budget 0"],
  ]),

  "what a lowered limit leaves over is overrun": steps(100, (m) => [
    [charging(m, 50), "50 within_budget 0"],
    [(a) => m.hold(a, 30), "50+30 within_budget 0"],
    [(a) => m.limitTo(a, 70, THRESHOLDS), "50+30!10 within_budget 0"],
    [(a) => m.limitTo(a, 90, THRESHOLDS), "50+30!10 within_budget 0"],
    [(a) => m.limitTo(a, 60, THRESHOLDS), "50+30!20 approaching_limit 1"],
    [(a) => m.limitTo(a, 0, THRESHOLDS), "50+30!80 exceeded 3"],
  ]),

  "full is the limit itself, whatever the thresholds": ({ account: m }) => {
    const full = (limit: number | null, used: number) =>
      m.isFull(charging(m, used)(m.openAccount(limit, [10, 20, 150])))
    const table = [full(100, 99), full(100, 100), full(100, 101), full(0, 0), full(null, MAX)]
    expect(table).toEqual([false, true, true, true, false])
  },

  "what remains is never negative, and null of no limit": ({ account: m }) => {
    const remaining = (limit: number | null, used: number, held: number) =>
      m.remainingOf(m.hold(charging(m, used)(m.openAccount(limit, THRESHOLDS)), held))
    const table = [remaining(100, 30, 20), remaining(100, 90, 20), remaining(null, 5, 5)]
    expect(table).toEqual([50, 0, null])
  },
}
