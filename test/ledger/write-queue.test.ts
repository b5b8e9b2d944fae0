import { describe, expect, test } from "vitest"
import { LedgerUnavailable } from "../../src/ledger/ledger.ts"
import { makeWriteQueue } from "../../src/ledger/sqlite/write-queue.ts"
import { rowAt, rowsTo } from "./written-rows.ts"

interface Batch {
  readonly firstSeq: number
  readonly rows: number
  readonly succeed: () => void
  readonly fail: (reason: LedgerUnavailable["reason"]) => void
}

/** A queue whose batches the test lets through one by one. */
const queueInHand = (maxBatchRows = 1_000) => {
  const batches: Batch[] = []
  let arrived = Promise.withResolvers<void>()
  const queue = makeWriteQueue({
    path: "test",
    lastSeq: 0,
    maxBatchRows,
    firstRetryMs: 1,
    lastRetryMs: 4,
    write: (firstSeq, bodies) =>
      new Promise((resolve, reject) => {
        batches.push({
          firstSeq,
          rows: bodies.length,
          succeed: () => resolve(null),
          fail: (reason) =>
            reject(new LedgerUnavailable({ reason, path: "test", message: reason })),
        })
        arrived.resolve()
      }),
  })
  const batch = async (number: number): Promise<Batch> => {
    while (batches.length < number) {
      arrived = Promise.withResolvers<void>()
      await arrived.promise
    }
    const found = batches[number - 1]
    if (found === undefined) throw new Error("no batch")
    return found
  }
  return { queue, batch, batches }
}

describe("the write queue", () => {
  test("serves all callers of one turn with one batch, and gathers the next meanwhile", async () => {
    const { queue, batch, batches } = queueInHand()
    for (let seq = 1; seq <= 200; seq++) queue.append([rowAt(seq)])
    const waiting = Promise.all(Array.from({ length: 200 }, (_, at) => queue.durable(at + 1)))
    const first = await batch(1)
    expect([first.firstSeq, first.rows]).toEqual([1, 200])
    for (let seq = 201; seq <= 250; seq++) queue.append([rowAt(seq)])
    expect(queue.pendingRows()).toBe(250)
    first.succeed()
    await waiting
    const second = await batch(2)
    expect([second.firstSeq, second.rows]).toEqual([201, 50])
    second.succeed()
    await queue.durable(250)
    expect(queue.pendingRows()).toBe(0)
    expect(batches).toHaveLength(2)
  })

  test("lets rows that nobody is waiting for go with the next that somebody is", async () => {
    const { queue, batch, batches } = queueInHand()
    queue.append([rowAt(1)])
    const patient = queue.durable(1, "patient")
    await new Promise((resolve) => setImmediate(resolve))
    queue.append([rowAt(2)])
    const urgent = queue.durable(2)
    const first = await batch(1)
    expect([first.firstSeq, first.rows]).toEqual([1, 2])
    first.succeed()
    await Promise.all([patient, urgent])
    expect(batches).toHaveLength(1)
  })

  test("writes rows that nobody is waiting for by themselves, when no others come", async () => {
    const { queue, batch } = queueInHand()
    for (const seq of [1, 2]) {
      queue.append([rowAt(seq)])
      const patient = queue.durable(seq, "patient")
      const written = await batch(seq)
      expect([written.firstSeq, written.rows]).toEqual([seq, 1])
      written.succeed()
      await patient
    }
  })

  test("never makes a batch larger than allowed", async () => {
    const { queue, batch } = queueInHand(64)
    queue.append(rowsTo(150))
    const sizes: number[] = []
    for (let number = 1; number <= 3; number++) {
      const next = await batch(number)
      sizes.push(next.rows)
      next.succeed()
    }
    await queue.durable(150)
    expect(sizes).toEqual([64, 64, 22])
  })

  test("writes a failed batch again in its place, with what came since", async () => {
    const { queue, batch } = queueInHand()
    const told: (string | null)[] = []
    queue.onHealth((error) => told.push(error?.reason ?? null))
    queue.append(rowsTo(3))
    const waiting = queue.durable(2)
    ;(await batch(1)).fail("full")
    await expect(waiting).rejects.toMatchObject({ reason: "full" })
    queue.append([rowAt(4)])
    const again = await batch(2)
    expect(again.firstSeq).toBe(1)
    again.fail("io")
    const third = await batch(3)
    expect([third.firstSeq, third.rows]).toEqual([1, 4])
    third.succeed()
    await queue.close()
    await queue.durable(4)
    expect(told).toEqual(["full", null])
  })

  test.each(["fenced", "damaged"] as const)("does not try again once %s", async (reason) => {
    const { queue, batch, batches } = queueInHand()
    queue.append(rowsTo(3))
    ;(await batch(1)).fail(reason)
    await expect(queue.durable(3)).rejects.toMatchObject({ reason })
    queue.append([rowAt(4)])
    await expect(queue.durable(4)).rejects.toMatchObject({ reason })
    await expect(queue.close()).rejects.toMatchObject({ reason })
    expect(batches).toHaveLength(1)
  })

  test("closed while failing it tries once more and then gives up", async () => {
    const { queue, batch, batches } = queueInHand()
    queue.append(rowsTo(2))
    ;(await batch(1)).fail("full")
    await expect(queue.durable(2)).rejects.toMatchObject({ reason: "full" })
    const closed = queue.close()
    const known = batches.length
    ;(await batch(known)).fail("full")
    await expect(closed).rejects.toMatchObject({ reason: "full" })
    expect(queue.pendingRows()).toBe(2)
  })
})
