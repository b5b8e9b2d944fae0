/** What every ledger keeps to; run against each of them by `ledger.test.ts`. */
import * as fc from "fast-check"
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest"
import type { Row, Unnumbered, Window } from "../../machines/budget/row.ts"
import type { LedgerService, RowQuery } from "../../src/ledger/ledger.ts"
import { findIn, historyOf, rowsIn } from "./reference.ts"
import * as sample from "./sample-rows.ts"

export interface LedgerUnderTest {
  /** A new, empty ledger. */
  readonly open: () => Promise<LedgerService>
  /** The same one again after `close`; null where nothing outlives it. */
  readonly reopen: ((closed: LedgerService) => Promise<LedgerService>) | null
}

const all = async <A>(items: AsyncIterable<A>): Promise<A[]> => {
  const collected: A[] = []
  for await (const item of items) collected.push(item)
  return collected
}

const openWindow = (id: string): Window => ({
  id,
  startsAt: Date.parse(id),
  endsAt: Date.parse(id) + 86_400_000,
  timeZone: "UTC",
})

export const ledgerContract = (name: string, underTest: LedgerUnderTest): void => {
  describe(name, () => {
    const opened: LedgerService[] = []
    const open = async (): Promise<LedgerService> => {
      const ledger = await underTest.open()
      opened.push(ledger)
      return ledger
    }
    const written = async (rows: readonly Row[]): Promise<LedgerService> => {
      const ledger = await open()
      ledger.append(rows)
      await ledger.durable(rows.length)
      return ledger
    }

    afterEach(async () => {
      for (const ledger of opened.splice(0)) await ledger.close().catch(() => {})
    })

    describe("writing", () => {
      test("keeps rows in order, and reads back exactly what was appended", async () => {
        const rows = sample.numbered(0, [
          sample.windowOpened(sample.TODAY),
          sample.admitted("a"),
          sample.holdPlaced("h", "a"),
          sample.holdSettled("h", "a"),
          sample.ended("a"),
        ])
        const ledger = await open()
        for (const row of rows) ledger.append([row])
        await ledger.durable(5)
        expect(await all(ledger.rows({}))).toEqual(rows)
      })

      test("is durable up to a row with everything before it, asked in any order", async () => {
        const ledger = await open()
        const settled: number[] = []
        const waits = [3, 1, 2, 0].map((seq) => ledger.durable(seq).then(() => settled.push(seq)))
        await waits[3]
        expect(settled).toEqual([0])
        ledger.append(sample.numbered(0, [sample.stopRequested("a")]))
        await waits[1]
        expect(settled).not.toContain(3)
        ledger.append(sample.numbered(1, [sample.stopRequested("b"), sample.stopRequested("c")]))
        await Promise.all(waits)
        expect(settled.toSorted()).toEqual([0, 1, 2, 3])
      })

      test("counts the rows that wait, down to none", async () => {
        const ledger = await open()
        expect(ledger.pendingRows()).toBe(0)
        ledger.append(sample.numbered(0, [sample.stopRequested("a"), sample.stopRequested("b")]))
        expect(ledger.pendingRows()).toBe(2)
        await ledger.durable(2)
        expect(ledger.pendingRows()).toBe(0)
      })

      test("refuses rows that leave a hole, without throwing, and says so once", async () => {
        const ledger = await open()
        const told: unknown[] = []
        ledger.onHealth((error) => told.push(error?.reason))
        ledger.append(sample.numbered(0, [sample.stopRequested("a")]))
        ledger.append(sample.numbered(2, [sample.stopRequested("c")]))
        ledger.append(sample.numbered(3, [sample.stopRequested("d")]))
        await expect(ledger.durable(3)).rejects.toMatchObject({
          _tag: "LedgerUnavailable",
          reason: "fenced",
        })
        ledger.append(sample.numbered(1, [sample.stopRequested("b")]))
        await expect(ledger.close()).rejects.toMatchObject({ reason: "fenced" })
        expect(told).toEqual(["fenced"])
      })

      test("tells no more health to a listener that left", async () => {
        const ledger = await open()
        const told: unknown[] = []
        ledger.onHealth((error) => told.push(error))()
        ledger.append(sample.numbered(5, [sample.stopRequested("a")]))
        await expect(ledger.durable(6)).rejects.toMatchObject({ reason: "fenced" })
        expect(told).toEqual([])
      })
    })

    describe("finding", () => {
      const rows = sample.numbered(0, [
        sample.admitted("a"),
        sample.admitted("b"),
        sample.holdPlaced("h1", "a"),
        sample.usageRecorded("1", "a"),
        sample.usageRecorded("1", "b"),
        sample.holdExpired("h1", "a"),
        sample.corrected({ holdId: "h1" }, "a", 500),
        sample.corrected({ usageId: "1" }, "b", 600),
        sample.usageRecorded(null, "b"),
        sample.holdPlaced("1", "b"),
      ])
      let ledger: LedgerService
      beforeAll(async () => {
        ledger = await underTest.open()
        ledger.append(rows)
        await ledger.durable(rows.length)
      })
      afterAll(() => ledger.close())

      test.each<[string, string | undefined, number[]]>([
        ["spawn a", undefined, [1]],
        ["h1", undefined, [3, 6, 7]],
        ["h1", "a", [3, 6, 7]],
        ["h1", "b", []],
        ["1", "a", [4]],
        ["1", "b", [5, 8, 10]],
        ["1", undefined, [10]],
        ["unheard of", undefined, []],
        ["unheard of", "a", []],
      ])("finds %j of agent %j in rows %j", async (id, key, seqs) => {
        const found = await ledger.find(id, key === undefined ? undefined : sample.agentKey(key))
        expect(found.map(({ seq }) => seq)).toEqual(seqs)
      })

      test("reads a few rows while many more are there, and stops when the reader stops", async () => {
        const ledger = await written(
          sample.numbered(
            0,
            Array.from({ length: 9_000 }, (_, at) => sample.usageRecorded(String(at), "a")),
          ),
        )
        const seen: number[] = []
        for await (const row of ledger.rows({ fromSeq: 10 })) {
          seen.push(row.seq)
          if (seen.length === 3) break
        }
        expect(seen).toEqual([10, 11, 12])
        expect(await all(ledger.rows({}))).toHaveLength(9_000)
      })
    })

    describe("history", () => {
      test("adds calls up by window, agent, task and model, corrections as differences", async () => {
        const ledger = await written(
          sample.numbered(0, [
            sample.admitted("a"),
            sample.usageRecorded("1", "a", { tokens: 400, model: "m1" }),
            sample.corrected({ usageId: "1" }, "a", 700),
            sample.holdSettled("h", "a", { tokens: 100, model: "m2" }),
            sample.holdExpired("e", "a"),
            sample.usageRecorded("2", "nobody", { tokens: 5, model: null }),
            sample.usageRecorded("3", "a", { tokens: 9, windowId: "2026-01-02", model: "m1" }),
          ]),
        )
        const lines = await all(ledger.history({ toWindow: sample.TODAY }))
        expect(lines).toEqual([
          line("agent a", "task a", null, { calls: 1, tokens: 1_000, unpriced: 1 }),
          line("agent a", "task a", "m1", { calls: 1, tokens: 700, of: [700], unpriced: 1 }),
          line("agent a", "task a", "m2", { calls: 1, tokens: 100, of: [100], unpriced: 1 }),
          line("nobody", "", null, { calls: 1, tokens: 5, of: [5], unpriced: 1 }),
        ])
        expect(await all(ledger.history({ fromWindow: "2026-01-02" }))).toHaveLength(1)
        expect(await all(ledger.history({}))).toHaveLength(5)
      })

      test("adds money up: an expired hold's in full, a correction's difference, and counts calls without a price", async () => {
        const m1 = { model: "m1", tokens: 10 }
        const cost = { beforeMicroUsd: 40, uncertainMicroUsd: 0, nowMicroUsd: 55 }
        const ledger = await written(
          sample.numbered(0, [
            sample.admitted("a"),
            sample.holdSettled("h", "a", { ...m1, costMicroUsd: 300 }),
            sample.usageRecorded("free", "a", { ...m1, costMicroUsd: 0 }),
            sample.usageRecorded("none", "a", { ...m1, costMicroUsd: null }),
            sample.usageRecorded("c", "a", { ...m1, costMicroUsd: 40 }),
            sample.corrected({ usageId: "c" }, "a", 400, sample.TODAY, { cost }),
            sample.corrected({ usageId: "none" }, "a", 400),
            sample.usageRecorded("priced later", "a", m1),
            sample.corrected({ usageId: "priced later" }, "a", 400, sample.TODAY, {
              cost: { beforeMicroUsd: null, uncertainMicroUsd: 0, nowMicroUsd: 7 },
            }),
            sample.holdExpired("e", "a", sample.TODAY, { heldCostMicroUsd: 900 }),
            sample.holdExpired("of no money", "a"),
          ]),
        )
        const lines = await all(ledger.history({}))
        expect(
          lines.map(({ model, calls, costMicroUsd, unpricedCalls }) => [
            ...[model, calls, costMicroUsd, unpricedCalls],
          ]),
        ).toEqual([
          [null, 2, 900, 1],
          ["m1", 5, 362, 1],
        ])
      })

      test("goes on past one page of lines", async () => {
        const rows = sample.numbered(
          0,
          Array.from({ length: 2_500 }, (_, at) =>
            sample.usageRecorded(null, `agent-${String(at).padStart(5, "0")}`),
          ),
        )
        const ledger = await written(rows)
        expect(await all(ledger.history({}))).toEqual(historyOf(rows))
      })
    })

    describe("starting again", () => {
      test("begins with nothing", async () => {
        const { checkpoint, rows } = await (await open()).recover()
        expect(checkpoint).toBeNull()
        expect(await all(rows)).toEqual([])
      })

      test("begins with the newest checkpoint and the rows after it", async () => {
        const rows = sample.numbered(
          0,
          Array.from({ length: 30 }, () => sample.stopRequested("a")),
        )
        const ledger = await written(rows)
        await ledger.checkpoint({ seq: 10, state: { used: 10 } })
        await ledger.checkpoint({ seq: 20, state: { used: 20, nested: [null, "x"] } })
        const recovered = await ledger.recover()
        expect(recovered.checkpoint).toEqual({ seq: 20, state: { used: 20, nested: [null, "x"] } })
        expect(await all(recovered.rows)).toEqual(rows.slice(20))
      })

      test("saves a checkpoint only once its rows are on disk", async () => {
        const ledger = await open()
        const saved = ledger.checkpoint({ seq: 2, state: "two" })
        ledger.append(sample.numbered(0, [sample.stopRequested("a")]))
        await ledger.durable(1)
        expect((await ledger.recover()).checkpoint).toBeNull()
        ledger.append(sample.numbered(1, [sample.stopRequested("b")]))
        await saved
        expect((await ledger.recover()).checkpoint).toEqual({ seq: 2, state: "two" })
      })
    })

    describe("retention", () => {
      const days = ["2026-01-01", "2026-01-02", "2026-01-03", "2026-01-04", "2026-01-05"]
      const rows = sample.numbered(
        0,
        days.flatMap((day, at): Unnumbered[] => [
          sample.windowOpened(day),
          sample.admitted(`k${at}`, day),
          sample.usageRecorded("1", `k${at}`, { windowId: day }),
          sample.ended(`k${at}`),
        ]),
      )
      const kept = async (ledger: LedgerService): Promise<number[]> =>
        (await all(ledger.rows({}))).map(({ seq }) => seq)
      const from = (seq: number): number[] =>
        rows.map((row) => row.seq).filter((known) => known >= seq)

      test.each<[number, number]>([
        [1, 13],
        [0, 13],
        [2, 9],
        [30, 1],
      ])(
        "of %i days leaves the rows from %i on, and history whole",
        async (retentionDays, first) => {
          const ledger = await written(rows)
          await ledger.checkpoint({ seq: 20, state: 1 })
          const window = openWindow("2026-01-05")
          const { droppedRows } = await ledger.retain({ openWindow: window, retentionDays })
          expect(droppedRows).toBe(first - 1)
          expect(await kept(ledger)).toEqual(from(first))
          expect(await all(ledger.history({}))).toEqual(historyOf(rows))
          const dropped = await ledger.find("1", sample.agentKey("k0"))
          expect(dropped).toHaveLength(first === 1 ? 1 : 0)
          expect(await ledger.find("1", sample.agentKey("k3"))).toHaveLength(1)
        },
      )

      test("never drops a row that no checkpoint covers", async () => {
        const ledger = await written(rows)
        const window = openWindow("2026-01-05")
        expect(await ledger.retain({ openWindow: window, retentionDays: 1 })).toEqual({
          droppedRows: 0,
        })
        await ledger.checkpoint({ seq: 6, state: 1 })
        expect(await ledger.retain({ openWindow: window, retentionDays: 1 })).toEqual({
          droppedRows: 6,
        })
        expect(await kept(ledger)).toEqual(from(7))
      })

      test("keeps the window before the open one however long ago it was", async () => {
        const ledger = await written(rows)
        await ledger.checkpoint({ seq: 20, state: 1 })
        const window = openWindow("2026-03-01")
        await ledger.retain({ openWindow: window, retentionDays: 7 })
        expect(await kept(ledger)).toEqual(from(17))
      })

      test("goes on writing, recovering and dropping afterwards", async () => {
        const ledger = await written(rows)
        await ledger.checkpoint({ seq: 20, state: 1 })
        const window = openWindow("2026-01-05")
        await ledger.retain({ openWindow: window, retentionDays: 1 })
        const more = sample.numbered(20, [
          sample.windowOpened("2026-01-06"),
          sample.usageRecorded("1", "k4", { windowId: "2026-01-06" }),
        ])
        ledger.append(more)
        await ledger.durable(22)
        expect(await all((await ledger.recover()).rows)).toEqual(more)
        expect(await all(ledger.history({}))).toEqual(historyOf([...rows, ...more]))
        expect(await ledger.retain({ openWindow: window, retentionDays: 1 })).toEqual({
          droppedRows: 0,
        })
      })
    })

    describe("closing", () => {
      test("writes what waits, then answers nothing more", async () => {
        const ledger = await open()
        const rows = sample.numbered(
          0,
          Array.from({ length: 3_000 }, () => sample.stopRequested("a")),
        )
        ledger.append(rows)
        await Promise.all([ledger.close(), ledger.close(), ledger.durable(3_000)])
        ledger.append(sample.numbered(3_000, [sample.stopRequested("late")]))
        const closed = { _tag: "LedgerUnavailable", reason: "closed" }
        await expect(ledger.durable(3_001)).rejects.toMatchObject(closed)
        await expect(ledger.find("x")).rejects.toMatchObject(closed)
        await expect(all(ledger.rows({}))).rejects.toMatchObject(closed)
        await expect(all(ledger.history({}))).rejects.toMatchObject(closed)
        await expect(ledger.checkpoint({ seq: 1, state: 1 })).rejects.toMatchObject(closed)
        await expect(ledger.recover()).rejects.toMatchObject(closed)
        const { reopen } = underTest
        if (reopen === null) return
        const again = await reopen(ledger)
        opened.push(again)
        expect(await all(again.rows({}))).toEqual(rows)
      })
    })
  })
}

/** The same, said once for everything: a ledger answers as an array of its rows would. */
export const ledgerAnswersAsAnArray = (name: string, underTest: LedgerUnderTest): void => {
  test(`${name} answers as an array of its rows would, whatever was asked of it`, async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 40 }), async (steps) => {
        let ledger = await underTest.open()
        try {
          const model: Model = { rows: [], first: 1, firstKept: [], checkpoints: [] }
          for (const each of steps) {
            await apply(each, ledger, model)
            if (each.do === "reopen" && underTest.reopen !== null) {
              await ledger.close()
              ledger = await underTest.reopen(ledger)
            }
          }
          await compare(ledger, model)
        } finally {
          await ledger.close()
        }
      }),
      { numRuns: underTest.reopen === null ? 200 : 25, endOnFailure: underTest.reopen !== null },
    )
  }, 180_000)
}

interface Model {
  rows: Row[]
  first: number
  /** What `first` was when each row came. */
  firstKept: number[]
  checkpoints: number[]
}

const DAYS = ["2026-01-01", "2026-01-02", "2026-01-03", "2026-01-04"] as const
const KEYS = ["a", "b", "c"] as const
const IDS = ["1", "2", "3", "x\u001fy", "ключ"] as const
const MODELS = ["m1", "m2", null] as const

const anyRow: fc.Arbitrary<(day: string) => Unnumbered> = fc
  .record({
    kind: fc.nat({ max: 10 }),
    key: fc.constantFrom(...KEYS),
    id: fc.constantFrom(...IDS),
    model: fc.constantFrom(...MODELS),
    tokens: fc.nat({ max: 1_000 }),
    microUsd: fc.option(fc.nat({ max: 1_000 })),
  })
  .map(({ kind, key, id, model, tokens, microUsd }) => (windowId) => {
    const call = {
      ...{ windowId, tokens, model },
      ...(microUsd === null ? {} : { costMicroUsd: microUsd }),
    }
    const before = tokens % 2 === 0 ? 500 : null
    const cost = { beforeMicroUsd: before, uncertainMicroUsd: 0, nowMicroUsd: microUsd ?? 0 }
    const money = microUsd === null ? {} : { cost }
    const makers: readonly (() => Unnumbered)[] = [
      () => sample.windowOpened(windowId),
      () => sample.admitted(key, windowId),
      () => sample.holdPlaced(`h${id}`, key, windowId),
      () => sample.holdSettled(`h${id}`, key, call),
      () =>
        sample.holdExpired(
          `h${id}`,
          key,
          windowId,
          microUsd === null ? {} : { heldCostMicroUsd: microUsd },
        ),
      () => sample.usageRecorded(id, key, call),
      () => sample.usageRecorded(null, key, call),
      () => sample.corrected({ usageId: id }, key, tokens, windowId, money),
      () => sample.corrected({ holdId: `h${id}` }, key, tokens, windowId, money),
      () => sample.stopRequested(key),
      () => sample.defaultsKept({ dailyTokenLimit: tokens, tokenWeights: { cacheRead: 0.1 } }),
    ]
    return (makers[kind] ?? sample.stopRequested.bind(null, key))()
  })

type Step =
  | {
      readonly do: "append"
      readonly day: number
      readonly rows: readonly ((day: string) => Unnumbered)[]
    }
  | { readonly do: "checkpoint" }
  | { readonly do: "retain"; readonly days: number }
  | { readonly do: "reopen" }

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant("append" as const),
      day: fc.nat({ max: 3 }),
      rows: fc.array(anyRow, { minLength: 1, maxLength: 12 }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("checkpoint" as const) }) },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant("retain" as const), days: fc.nat({ max: 3 }) }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("reopen" as const) }) },
)

const apply = async (each: Step, ledger: LedgerService, model: Model): Promise<void> => {
  if (each.do === "append") {
    const day = DAYS[each.day] ?? DAYS[0]
    const rows = sample.numbered(
      model.rows.length,
      each.rows.map((row) => row(day)),
    )
    model.rows.push(...rows)
    model.firstKept.push(...rows.map(() => model.first))
    ledger.append(rows)
    await ledger.durable(model.rows.length)
  }
  if (each.do === "checkpoint" && model.rows.length > 0) {
    await ledger.checkpoint({ seq: model.rows.length, state: { rows: model.rows.length } })
    model.checkpoints.push(model.rows.length)
  }
  if (each.do === "retain") {
    const { droppedRows } = await ledger.retain({
      openWindow: openWindow(DAYS[3]),
      retentionDays: each.days,
    })
    model.first += droppedRows
    expect(model.first - 1).toBeLessThanOrEqual(model.checkpoints.at(-1) ?? 0)
  }
}

const compare = async (ledger: LedgerService, model: Model): Promise<void> => {
  const rows = model.rows.filter(({ seq }) => seq >= model.first)
  const covered = model.checkpoints.at(-1) ?? 0
  const recovered = await ledger.recover()
  expect(recovered.checkpoint?.seq ?? 0).toBe(covered)
  expect(await all(recovered.rows)).toEqual(model.rows.slice(covered))
  const queries: readonly RowQuery[] = [
    {},
    { fromSeq: 5, toSeq: 20 },
    { fromAt: sample.NOON + 3, toAt: sample.NOON + 30 },
    { kinds: ["corrected", "admitted"] },
    ...KEYS.map((key) => ({ key: sample.agentKey(key) })),
    ...DAYS.map((windowId) => ({ windowId })),
    { key: sample.agentKey("a"), windowId: DAYS[1], kinds: ["usage_recorded"], fromSeq: 3 },
  ]
  for (const query of queries)
    expect(await all(ledger.rows(query)), JSON.stringify(query)).toEqual(rowsIn(rows, query))
  for (const id of IDS.flatMap((name) => [name, `h${name}`, `spawn ${name}`]))
    for (const key of [undefined, ...KEYS])
      expect(await ledger.find(id, key === undefined ? undefined : sample.agentKey(key))).toEqual(
        findIn(rows, id, key),
      )
  expect(await all(ledger.history({}))).toEqual(
    historyOf(model.rows, (seq) => model.firstKept[seq - 1] ?? 1),
  )
}

const line = (
  agentId: string,
  taskId: string,
  model: string | null,
  {
    calls,
    tokens,
    of = [],
    unpriced = 0,
  }: { calls: number; tokens: number; of?: readonly number[]; unpriced?: number },
) => {
  const usages = of.map(sample.usageOf)
  const sum = (kind: keyof ReturnType<typeof sample.usageOf>) =>
    usages.reduce((total, usage) => total + usage[kind], 0)
  return {
    windowId: sample.TODAY,
    agentId,
    taskId,
    model,
    calls,
    inputTokens: sum("inputTokens"),
    outputTokens: sum("outputTokens"),
    cacheWriteTokens: sum("cacheWriteTokens"),
    cacheReadTokens: sum("cacheReadTokens"),
    tokens,
    costMicroUsd: 0,
    unpricedCalls: unpriced,
  }
}
