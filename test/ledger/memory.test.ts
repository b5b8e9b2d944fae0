import { expect, test } from "vitest"
import type { LedgerService } from "../../src/ledger/ledger.ts"
import { makeMemoryLedger } from "../../src/ledger/memory.ts"
import * as sample from "./sample-rows.ts"
import { rowAt, rowsTo } from "./written-rows.ts"

const collect = async <A>(items: AsyncIterable<A>): Promise<A[]> => {
  const collected: A[] = []
  for await (const item of items) collected.push(item)
  return collected
}

const full = async (): Promise<LedgerService> => {
  const ledger = makeMemoryLedger({ capacityRows: 10 })
  for (let seq = 1; seq <= 95; seq++) ledger.append([rowAt(seq)])
  await ledger.durable(95)
  return ledger
}

test("keeps the newest rows and no others", async () => {
  const ledger = await full()
  expect(await collect(ledger.rows({}))).toEqual(rowsTo(95).slice(85))
  expect(await ledger.find("hold 93")).toEqual([rowAt(93), rowAt(94)])
  expect(await ledger.find("hold 81")).toEqual([])
  expect(await ledger.find("hold 85")).toEqual([rowAt(86)])
})

test("keeps as many lines of history as rows, the newest", async () => {
  const ledger = makeMemoryLedger({ capacityRows: 10 })
  const rows = Array.from({ length: 25 }, (_, at) => sample.usageRecorded(null, `agent-${at + 10}`))
  ledger.append(sample.numbered(0, rows))
  await ledger.durable(25)
  const lines = await collect(ledger.history({}))
  expect(lines.map(({ agentId }) => agentId)).toEqual(
    rows.slice(15).map((_, at) => `agent-${at + 25}`),
  )
})

test("refuses to start from rows it has let go of", async () => {
  const ledger = await full()
  await expect(ledger.recover()).rejects.toMatchObject({
    reason: "damaged",
    message: expect.stringMatching(/Rows 1 to 85 are gone/),
  })
  await ledger.checkpoint({ seq: 85, state: "85" })
  const { checkpoint, rows } = await ledger.recover()
  expect(checkpoint).toEqual({ seq: 85, state: "85" })
  expect(await collect(rows)).toEqual(rowsTo(95).slice(85))
})

test("is durable at the end of the turn and not before", async () => {
  const ledger = makeMemoryLedger()
  ledger.append(rowsTo(2))
  const early = ledger.find("hold 1")
  expect(ledger.pendingRows()).toBe(2)
  expect(await early).toEqual([])
  expect(ledger.pendingRows()).toBe(0)
  expect(await ledger.find("hold 1")).toEqual(rowsTo(2))
})
