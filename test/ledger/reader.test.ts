import { chmodSync, readdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { expect, it } from "vitest"
import type { Row } from "../../machines/budget/row.ts"
import type { LedgerReader, RolledUp } from "../../src/ledger/ledger.ts"
import { openSqliteReader, type SqliteReader } from "../../src/ledger/sqlite/reader.ts"
import { openSqliteLedger } from "../../src/ledger/sqlite.ts"
import { contentOf } from "./folder-content.ts"
import { admitted, agentKey, ended, numbered, usageRecorded, windowOpened } from "./sample-rows.ts"
import { temporaryFolder } from "./temporary-folder.ts"
import { startWriter } from "./writer.ts"

const DAY = numbered(0, [
  windowOpened("2026-01-01"),
  admitted("a"),
  usageRecorded("1", "a", { tokens: 400 }),
  usageRecorded("2", "a", { tokens: 100, model: "model-b" }),
  ended("a"),
])

const written = async (path: string, rows: readonly Row[] = DAY) => {
  const ledger = await openSqliteLedger(path)
  ledger.append(rows)
  await ledger.durable(rows.at(-1)?.seq ?? 0)
  return ledger
}

const all = async <A>(items: AsyncIterable<A>): Promise<A[]> => {
  const collected: A[] = []
  for await (const item of items) collected.push(item)
  return collected
}

const opened = async (path: string): Promise<SqliteReader> => {
  const reader = await openSqliteReader(path)
  if (reader === null) throw new Error("there is no ledger")
  return reader
}

const historyOf = async (reader: LedgerReader): Promise<readonly RolledUp[]> =>
  all(reader.history({}))

it("reads beside the live holder what is on disk by then, and shuts nobody out", async () => {
  const path = join(temporaryFolder(), "stint.db")
  const holder = await written(path)
  const reader = await opened(path)
  const before = await historyOf(reader)
  expect(before.map(({ model, tokens }) => [model, tokens])).toEqual([
    ["model-a", 400],
    ["model-b", 100],
  ])
  holder.append(numbered(5, [admitted("b"), usageRecorded("1", "b")]))
  await holder.durable(7)
  expect(await historyOf(reader)).toEqual(before)
  reader.close()
  const later = await opened(path)
  expect(await historyOf(later)).toHaveLength(3)
  expect(await historyOf(later)).toEqual(await historyOf(holder))
  later.close()
  await holder.close()
})

it("sees one moment, also while the holder moves what it gathered into its tables", async () => {
  const path = join(temporaryFolder(), "stint.db")
  const holder = await openSqliteLedger(path, { runRows: 4 })
  holder.append(DAY.slice(0, 3))
  await holder.durable(3)
  const reader = await opened(path)
  for (const row of [...DAY.slice(3), ...numbered(5, [admitted("b"), usageRecorded("1", "b")])]) {
    holder.append([row])
    await holder.durable(row.seq)
  }
  const later = await opened(path)
  expect(await historyOf(later)).toEqual(await historyOf(holder))
  expect((await historyOf(reader)).map(({ tokens }) => tokens)).toEqual([400])
  expect(await all(reader.rows({}))).toEqual(DAY.slice(0, 3))
  reader.close()
  later.close()
  await holder.close()
})

it("answers as the holder does: rows, ids, checkpoint", async () => {
  const path = join(temporaryFolder(), "stint.db")
  const holder = await written(path)
  await holder.checkpoint({ seq: 3, state: { saved: true } })
  const reader = await opened(path)
  expect(await all(reader.rows({}))).toEqual(DAY)
  expect(await all(reader.rows({ key: agentKey("a"), fromSeq: 4 }))).toEqual(DAY.slice(3))
  expect(await reader.find("2", agentKey("a"))).toEqual([DAY[3]])
  const { checkpoint, rows } = await reader.recover()
  expect(checkpoint).toEqual({ seq: 3, state: { saved: true } })
  expect(await all(rows)).toEqual(DAY.slice(3))
  reader.close()
  await holder.close()
})

it("leaves a closed ledger as it lay, without a file beside it, also in a folder it may not write", async () => {
  const folder = temporaryFolder()
  const path = join(folder, "stint.db")
  await (await written(path)).close()
  const before = contentOf(folder)
  chmodSync(folder, 0o500)
  try {
    const reader = await opened(path)
    expect(await historyOf(reader)).toHaveLength(2)
    expect(reader.facts()).toMatchObject({ version: 2, rows: 5, lastSeq: 5 })
    expect(reader.facts().holder).toContain(`process ${process.pid} on `)
    reader.check()
    reader.close()
  } finally {
    chmodSync(folder, 0o700)
  }
  expect(contentOf(folder)).toEqual(before)
})

it("reads what a killed holder left", async () => {
  const path = join(temporaryFolder(), "stint.db")
  const writer = startWriter(path, 4)
  await writer.said("acked", 20)
  await writer.kill()
  const reader = await opened(path)
  expect(reader.facts().lastSeq).toBeGreaterThanOrEqual(writer.lastAcked())
  reader.check()
  reader.close()
})

it("makes nothing where there is no ledger", async () => {
  const folder = temporaryFolder()
  expect(await openSqliteReader(join(folder, "none", "stint.db"))).toBeNull()
  writeFileSync(join(folder, "empty.db"), "")
  expect(await openSqliteReader(join(folder, "empty.db"))).toBeNull()
  expect(readdirSync(folder)).toEqual(["empty.db"])
})

it("tells what is no ledger, and damage", async () => {
  const path = join(temporaryFolder(), "stint.db")
  writeFileSync(path, "a text of somebody")
  await expect(openSqliteReader(path)).rejects.toMatchObject({ reason: "damaged" })
})

it("says so when somebody writes a file that was complete when it was opened", async () => {
  const path = join(temporaryFolder(), "stint.db")
  await (await written(path)).close()
  const reader = await opened(path)
  const holder = await openSqliteLedger(path)
  expect(await historyOf(reader)).toHaveLength(2)
  holder.append(numbered(5, [admitted("b"), usageRecorded("1", "b")]))
  await holder.close()
  await expect(historyOf(reader)).rejects.toMatchObject({ reason: "io" })
  reader.close()
})
