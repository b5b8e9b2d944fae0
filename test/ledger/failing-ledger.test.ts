import { expect, test } from "vitest"
import { makeMemoryLedger } from "../../src/ledger/memory.ts"
import { makeFailingLedger } from "./failing-ledger.ts"
import { rowAt, rowsTo } from "./written-rows.ts"

test("a ledger made to fail keeps what it is given, and writes it in order once it works again", async () => {
  const ledger = makeFailingLedger(makeMemoryLedger())
  const told: (string | null)[] = []
  ledger.onHealth((error) => told.push(error?.reason ?? null))
  ledger.append(rowsTo(2))
  await ledger.durable(2)
  const early = ledger.durable(3)
  ledger.failWith("full")
  await expect(early).rejects.toMatchObject({ reason: "full" })
  ledger.append([rowAt(3)])
  ledger.append([rowAt(4)])
  await expect(ledger.durable(4)).rejects.toMatchObject({ reason: "full" })
  await ledger.durable(2)
  expect(ledger.pendingRows()).toBe(2)
  ledger.failWith(null)
  await ledger.durable(4)
  const rows = []
  for await (const row of ledger.rows({})) rows.push(row)
  expect(rows).toEqual(rowsTo(4))
  expect(told).toEqual(["full", null])
})
