import fc from "fast-check"
import { expect, onTestFinished, test } from "vitest"
import type { RecordedCall } from "../../src/replay/recorded-call.ts"
import { type OrderedCall, openScratch } from "../../src/replay/scratch.ts"
import { at, recordedCall } from "./recordings.ts"

const IDLE_MS = 30 * 60_000

const placed = async (calls: readonly RecordedCall[], idleMs = IDLE_MS) => {
  const scratch = await openScratch()
  onTestFinished(() => scratch.close())
  for (const call of calls) scratch.add(call)
  const extent = scratch.place(idleMs)
  return { scratch, extent, calls: [...scratch.inOrder()] }
}

const marks = (calls: readonly OrderedCall[]): readonly string[] =>
  calls.map(
    ({ agentId, nth, isFirst, isLast }) =>
      `${agentId}${nth}${isFirst ? " first" : ""}${isLast ? " last" : ""}`,
  )

test("lines about one call are one call: first time, largest of each count", async () => {
  const usage = (inputTokens: number, outputTokens: number, write: number, read: number) => ({
    inputTokens,
    outputTokens,
    cacheWriteTokens: write,
    cacheReadTokens: read,
  })
  const line = (clock: string, name: string, counts: RecordedCall["usage"]): RecordedCall => ({
    ...recordedCall({ callId: "x", at: at(clock), agentId: name, taskId: name }),
    usage: counts,
  })
  const { calls } = await placed([
    line("10:00:05", "copy", usage(1, 9, 1, 5)),
    line("10:00:01", "own", usage(5, 2, 2, 6)),
    line("10:00:07", "later", usage(3, 3, 3, 4)),
  ])
  expect(calls).toHaveLength(1)
  expect(calls).toMatchObject([
    { at: at("10:00:01"), agentId: "own", taskId: "own", usage: usage(5, 9, 3, 6) },
  ])
})

test("of copies at one instant the first that was read names the agent", async () => {
  const { calls } = await placed([
    recordedCall({ callId: "x", agentId: "one" }),
    recordedCall({ callId: "x", agentId: "two" }),
  ])
  expect(calls).toMatchObject([{ agentId: "one" }])
})

test("calls without an id stay apart, however alike", async () => {
  expect((await placed([recordedCall(), recordedCall()])).calls).toHaveLength(2)
})

test("a gap of exactly the idle time goes on, one millisecond more begins anew", async () => {
  const one = recordedCall({ at: at("10:00:00") })
  const gap = async (ms: number) => marks((await placed([one, { ...one, at: one.at + ms }])).calls)
  expect(await gap(IDLE_MS)).toEqual(["a1 first", "a1 last"])
  expect(await gap(IDLE_MS + 1)).toEqual(["a1 first last", "a2 first last"])
})

test("at one instant agents go by name, and each one's calls as they were read", async () => {
  const { calls } = await placed([
    recordedCall({ agentId: "b" }, 1),
    recordedCall({ agentId: "a" }, 2),
    recordedCall({ agentId: "b" }, 3),
    recordedCall({ agentId: "a" }, 4),
  ])
  expect(calls.map(({ usage }) => usage.inputTokens)).toEqual([2, 4, 1, 3])
})

test("stretches are those that a plain walk in memory finds", async () => {
  const call = fc.record({
    agentId: fc.constantFrom("a", "b", "c"),
    at: fc.integer({ min: 0, max: 12 }).map((step) => at("10:00:00") + step * 10),
  })
  await fc.assert(
    fc.asyncProperty(fc.array(call, { minLength: 1, maxLength: 25 }), async (given) => {
      const scratch = await openScratch()
      for (const one of given) scratch.add(recordedCall(one))
      const extent = scratch.place(20)
      const found = [...scratch.inOrder()]
      scratch.close()
      const starts = new Map<string, number[]>()
      const expected = given
        .map((one, seq) => ({ ...one, seq }))
        .sort((x, y) => x.at - y.at || x.agentId.localeCompare(y.agentId) || x.seq - y.seq)
        .map((one, _, sorted) => {
          const own = sorted.filter(({ agentId }) => agentId === one.agentId)
          const index = own.indexOf(one)
          const isFirst = index === 0 || one.at - (own[index - 1]?.at ?? 0) > 20
          const isLast = index === own.length - 1 || (own[index + 1]?.at ?? 0) - one.at > 20
          const known = starts.get(one.agentId) ?? []
          if (isFirst) starts.set(one.agentId, [...known, one.at])
          return {
            at: one.at,
            agentId: one.agentId,
            nth: known.length + (isFirst ? 1 : 0),
            isFirst,
            isLast,
          }
        })
      expect(
        found.map(({ at, agentId, nth, isFirst, isLast }) => ({
          at,
          agentId,
          nth,
          isFirst,
          isLast,
        })),
      ).toEqual(expected)
      expect(extent?.agents).toBe([...starts.values()].flat().length)
      expect(new Set(found.map(({ stretch }) => stretch)).size).toBe(extent?.agents)
    }),
    { numRuns: 60 },
  )
})

test("nothing added is nothing to place", async () => {
  expect((await placed([])).extent).toBeNull()
})
