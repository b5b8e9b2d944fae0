import fc from "fast-check"
import { expect } from "vitest"
import {
  amend,
  append,
  emptyTail,
  listed,
  newest,
  type Tail,
} from "../../../machines/budget/tail.ts"
import type { Checks } from "../machines.ts"

const tailOf = (items: readonly number[], length: number): Tail<number> =>
  items.reduce((tail, item) => append(tail, item, length).tail, emptyTail<number>())

export const tail: Checks = {
  "a tail lists the last few, oldest first, and hands out what it forgets": () =>
    fc.assert(
      fc.property(fc.array(fc.nat()), fc.integer({ min: 1, max: 5 }), (items, length) => {
        let grown = emptyTail<number>()
        const forgotten = items.map((item) => {
          const next = append(grown, item, length)
          grown = next.tail
          return next.forgotten
        })
        expect(listed(grown)).toEqual(items.slice(-length))
        expect(newest(grown)).toBe(items.at(-1))
        const kept = Array.from({ length: Math.min(length, items.length) }, () => undefined)
        expect(forgotten).toEqual([...kept, ...items.slice(0, items.length - kept.length)])
      }),
    ),

  "what was appended to is left as it was": () => {
    const before = tailOf([1, 2], 2)
    append(before, 3, 2)
    expect(listed(before)).toEqual([1, 2])
  },

  "the newest item that fits is amended, and nothing else": () => {
    const isEven = (n: number) => n % 2 === 0
    const tens = (n: number) => n * 10
    const table: readonly (readonly [number[], number[]])[] = [
      [[], []],
      [
        [1, 3],
        [1, 3],
      ],
      [
        [2, 4, 5],
        [2, 40, 5],
      ],
      [
        [2, 3, 5, 7],
        [3, 5, 7],
      ],
    ]
    const amended = table.map(([items]) => listed(amend(tailOf(items, 3), isEven, tens)))
    expect(amended).toEqual(table.map(([, expected]) => expected))
  },
}
