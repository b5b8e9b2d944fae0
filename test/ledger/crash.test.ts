import { join } from "node:path"
import { expect, test } from "vitest"
import { openSqliteLedger } from "../../src/ledger/sqlite.ts"
import { historyOf } from "./reference.ts"
import { seededRandom } from "./seeded-random.ts"
import { temporaryFolder } from "./temporary-folder.ts"
import { startWriter } from "./writer.ts"
import { rowsTo } from "./written-rows.ts"

test("after twenty kills at random moments nothing acknowledged is missing and nothing is half there", async () => {
  const random = seededRandom()
  const path = join(temporaryFolder(), "stint.db")
  let acked = 0
  for (let round = 0; round < 20; round++) {
    const writer = startWriter(path, 1 + random.below(8))
    await writer.said("opened", 1)
    const found = Number(writer.lines[0]?.split(" ")[1])
    expect(found, random.seed).toBeGreaterThanOrEqual(acked)
    await writer.said("acked", 1 + random.below(60))
    await writer.kill()
    acked = Math.max(acked, writer.lastAcked())
  }
  const ledger = await openSqliteLedger(path)
  const rows = []
  for await (const row of (await ledger.recover()).rows) rows.push(row)
  expect(rows.length, random.seed).toBeGreaterThanOrEqual(acked)
  expect(rows, random.seed).toEqual(rowsTo(rows.length))
  const history = []
  for await (const line of ledger.history({})) history.push(line)
  expect(history, random.seed).toEqual(historyOf(rows))
  expect(ledger.epoch).toBe(21)
  await ledger.close()
}, 180_000)

test("a process that forgets to close its ledger ends all the same, and loses nothing", async () => {
  const path = join(temporaryFolder(), "stint.db")
  const writer = startWriter(path, 0)
  expect(await writer.ended).toBe(0)
  expect(writer.lastAcked()).toBe(1)
  const ledger = await openSqliteLedger(path)
  const rows = []
  for await (const row of ledger.rows({})) rows.push(row)
  expect(rows).toEqual(rowsTo(1))
  await ledger.close()
})
