import fc from "fast-check"
import { describe, expect, it } from "vitest"
import {
  dequeue,
  EMPTY_QUEUE,
  enqueue,
  hasName,
  headOf,
  isWaiting,
  lengthOf,
  type Queue,
  withdraw,
} from "../../machines/queue.ts"
import type { RequestId } from "../../machines/vocabulary.ts"
import { requestOf } from "./budget/script.ts"

type Step = { readonly join: string } | { readonly withdraw: string } | "take"

const idOf = (name: string): RequestId => requestOf(name).requestId

const taken = (queue: Queue, step: Step): Queue => {
  if (step === "take") return dequeue(queue)
  if ("join" in step) return enqueue(queue, requestOf(step.join))
  return withdraw(queue, idOf(step.withdraw))
}

/** The same in a plain list. */
const listed = (list: readonly string[], step: Step): readonly string[] => {
  if (step === "take") return list.slice(1)
  if ("join" in step) return [...list, step.join]
  const at = list.indexOf(step.withdraw)
  return list.filter((_, index) => index !== at)
}

const drained = (queue: Queue): readonly string[] => {
  const names: string[] = []
  for (let left = queue; ; left = dequeue(left)) {
    const head = headOf(left)
    if (head === undefined) return names
    names.push(head.agentId)
  }
}

describe("the queue", () => {
  it("serves whoever came first, and forgets who withdraws", () => {
    const table: readonly (readonly [Step, string])[] = [
      [{ join: "a" }, "a"],
      [{ join: "b" }, "ab"],
      [{ join: "c" }, "abc"],
      [{ join: "d" }, "abcd"],
      [{ withdraw: "b" }, "acd"],
      [{ withdraw: "nobody" }, "acd"],
      ["take", "cd"],
      [{ withdraw: "c" }, "d"],
      [{ join: "e" }, "de"],
      ["take", "e"],
      ["take", ""],
    ]
    let queue = EMPTY_QUEUE
    const orders = table.map(([step]) => {
      queue = taken(queue, step)
      return drained(queue).join("")
    })
    expect(orders).toEqual(table.map(([, expected]) => expected))
  })

  it("agrees with a plain list, whatever is done to it", () => {
    const name = fc.constantFrom("a", "b", "c", "d", "e")
    // Nobody joins twice under one name, and nothing is taken from an empty line.
    const steps = fc.array(
      fc.oneof(
        name.map((join): Step => ({ join })),
        name.map((leaving): Step => ({ withdraw: leaving })),
        fc.constant<Step>("take"),
      ),
    )
    fc.assert(
      fc.property(steps, (all) => {
        let [queue, list] = [EMPTY_QUEUE, [] as readonly string[]]
        for (const step of all) {
          if (step === "take" && list.length === 0) continue
          if (typeof step === "object" && "join" in step && list.includes(step.join)) continue
          queue = taken(queue, step)
          list = listed(list, step)
          expect(headOf(queue)?.agentId).toBe(list[0])
          expect(lengthOf(queue)).toBe(list.length)
          for (const waiting of ["a", "b", "c", "d", "e"]) {
            expect(isWaiting(queue, idOf(waiting))).toBe(list.includes(waiting))
            expect(hasName(queue, waiting)).toBe(list.includes(waiting))
          }
        }
        expect(drained(queue)).toEqual(list)
      }),
    )
  })

  it("leaves the queue that a step was taken from as it was", () => {
    const before = enqueue(enqueue(EMPTY_QUEUE, requestOf("a")), requestOf("b"))
    dequeue(before)
    withdraw(before, idOf("a"))
    enqueue(before, requestOf("c"))
    expect(drained(before)).toEqual(["a", "b"])
  })
})
