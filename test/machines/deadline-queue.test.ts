import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { DeadlineQueue, type Due } from "../../machines/deadline-queue.ts"

type Step =
  | { readonly set: string; readonly dueAt: number }
  | { readonly clear: string }
  | { readonly takeAt: number }

const name = fc.integer({ min: 0, max: 20 }).map((n) => `deadline ${n}`)
const instant = fc.integer({ min: 0, max: 30 })
const anyStep: fc.Arbitrary<Step> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ set: name, dueAt: instant }) },
  fc.record({ clear: name }),
  fc.record({ takeAt: instant }),
)

/** The same in a plain list, always sorted. */
class SortedList {
  private due: Due<number>[] = []

  set(due: Due<number>): void {
    this.clear(due.name)
    this.due = [...this.due, due].sort((a, b) => a.dueAt - b.dueAt)
  }

  clear(cleared: string): void {
    this.due = this.due.filter((due) => due.name !== cleared)
  }

  dueBy(now: number): readonly Due<number>[] {
    return this.due.filter(({ dueAt }) => dueAt <= now)
  }

  get size(): number {
    return this.due.length
  }

  get earliest(): number | undefined {
    return this.due[0]?.dueAt
  }
}

const takeAll = (queue: DeadlineQueue<number>, now: number): readonly Due<number>[] => {
  const taken: Due<number>[] = []
  for (let due = queue.take(now); due !== undefined; due = queue.take(now)) taken.push(due)
  return taken
}

/** Entries in the heap, wanted or not: what the memory is used for. */
const heapLengthOf = (queue: DeadlineQueue<number>): number => {
  const heap: unknown = Reflect.get(queue, "heap")
  if (!Array.isArray(heap)) throw new Error("the queue keeps its deadlines in a heap")
  return heap.length
}

describe("the queue of deadlines", () => {
  it("agrees with a sorted list, whatever is set, replaced, cleared and taken", () => {
    const byName = (a: Due<number>, b: Due<number>) => (a.name < b.name ? -1 : 1)
    fc.assert(
      fc.property(fc.array(anyStep, { maxLength: 300 }), (steps) => {
        const [queue, list] = [new DeadlineQueue<number>(), new SortedList()]
        for (const [value, step] of steps.entries()) {
          if ("set" in step) {
            const due = { name: step.set, dueAt: step.dueAt, value }
            queue.set(due)
            list.set(due)
          } else if ("clear" in step) {
            queue.clear(step.clear)
            list.clear(step.clear)
          } else {
            const taken = takeAll(queue, step.takeAt)
            expect(taken.map(({ dueAt }) => dueAt)).toEqual(
              taken.map(({ dueAt }) => dueAt).sort((a, b) => a - b),
            )
            const expected = list.dueBy(step.takeAt)
            expect([...taken].sort(byName)).toEqual([...expected].sort(byName))
            for (const due of expected) list.clear(due.name)
          }
          expect(queue.size).toBe(list.size)
          expect(queue.peek()?.dueAt).toBe(list.earliest)
        }
      }),
      { numRuns: 200 },
    )
  })

  it("is due exactly at its instant", () => {
    const queue = new DeadlineQueue<string>()
    queue.set({ name: "a", dueAt: 10, value: "early" })
    expect(queue.take(9)).toBeUndefined()
    expect(queue.take(10)?.value).toBe("early")
    expect(queue.take(10)).toBeUndefined()
  })

  it("never grows past twice what is wanted and some slack, however often it is changed", () => {
    const queue = new DeadlineQueue<number>()
    for (let n = 0; n < 10_000; n += 1) {
      queue.set({ name: `${n % 10}`, dueAt: 1_000_000 - n, value: n })
      expect(heapLengthOf(queue)).toBeLessThanOrEqual(2 * queue.size + 64)
    }
    expect(queue.toJSON()).toEqual({ pending: 10, nextAt: 990_001 })
    for (let n = 0; n < 10; n += 1) queue.clear(`${n}`)
    expect(heapLengthOf(queue)).toBeLessThanOrEqual(64)
    expect(queue.toJSON()).toEqual({ pending: 0, nextAt: null })
  })

  it("keeps its order through a rebuild", () => {
    const queue = new DeadlineQueue<number>()
    for (let n = 0; n < 500; n += 1) queue.set({ name: `${n}`, dueAt: (n * 7919) % 500, value: n })
    for (let n = 0; n < 500; n += 2) queue.clear(`${n}`)
    const dueAts = takeAll(queue, 500).map(({ dueAt }) => dueAt)
    expect(dueAts).toHaveLength(250)
    expect(dueAts).toEqual([...dueAts].sort((a, b) => a - b))
  })
})
