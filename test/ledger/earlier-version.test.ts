/** `fixtures/version-1.db.gz` was written by the last Stint whose sums knew no money. */
import { readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { fileURLToPath } from "node:url"
import { gunzipSync } from "node:zlib"
import { describe, expect, test } from "vitest"
import type { LedgerReader, RolledUp } from "../../src/ledger/ledger.ts"
import { openSqliteReader, type SqliteReader } from "../../src/ledger/sqlite/reader.ts"
import { SCHEMA } from "../../src/ledger/sqlite/schema.ts"
import { openSqliteLedger } from "../../src/ledger/sqlite.ts"
import { contentOf } from "./folder-content.ts"
import * as sample from "./sample-rows.ts"
import { temporaryFolder } from "./temporary-folder.ts"

const FIXTURE = fileURLToPath(new URL("fixtures/version-1.db.gz", import.meta.url))

const earlierLedger = (): string => {
  const path = join(temporaryFolder(), "stint.db")
  writeFileSync(path, gunzipSync(readFileSync(FIXTURE)))
  return path
}

const linesOf = async (ledger: LedgerReader): Promise<readonly RolledUp[]> => {
  const lines = []
  for await (const line of ledger.history({})) lines.push(line)
  return lines
}

const moneyIn = (lines: readonly RolledUp[]) =>
  lines.map(({ windowId, model, calls, tokens, costMicroUsd, unpricedCalls }) => [
    ...[windowId, model, calls, tokens, costMicroUsd, unpricedCalls],
  ])

/** The rows of the first day are gone; those of the third are kept, the last two in no table yet. */
const MONEY = [
  ["2026-01-01", "model-a", 2, 800, 0, 2],
  ["2026-01-03", null, 1, 1_000, 900, 0],
  ["2026-01-03", "model-a", 4, 1_700, 360, 1],
]

const readerOf = async (path: string): Promise<SqliteReader> => {
  const reader = await openSqliteReader(path)
  if (reader === null) throw new Error("there is no ledger")
  return reader
}

const asSql = (path: string, sql: string): void => {
  const db = new DatabaseSync(path, { defensive: false })
  db.exec(sql)
  db.close()
}

const tablesIn = (path: string) => {
  const db = new DatabaseSync(path, { readOnly: true })
  const tables = db.prepare("SELECT name, sql FROM sqlite_schema").all()
  const version = db.prepare("PRAGMA user_version").get()?.user_version
  db.close()
  return { version, tables: Object.fromEntries(tables.map(({ name, sql }) => [name, sql])) }
}

describe("a ledger of the first version", () => {
  test("is brought up to date in place, its money known where its rows still are", async () => {
    const path = earlierLedger()
    const ledger = await openSqliteLedger(path)
    expect(moneyIn(await linesOf(ledger))).toEqual(MONEY)
    const before = await linesOf(ledger)
    ledger.append(
      sample.numbered(17, [
        sample.usageRecorded("u5", "nobody", { windowId: "2026-01-03", costMicroUsd: 7 }),
      ]),
    )
    await ledger.durable(18)
    await ledger.close()
    expect(tablesIn(path)).toEqual({ version: 2, tables: SCHEMA })
    const again = await openSqliteLedger(path)
    const [added, ...others] = (await linesOf(again)).toReversed()
    expect(added).toMatchObject({ agentId: "nobody", costMicroUsd: 7, unpricedCalls: 0 })
    expect(others.toReversed()).toEqual(before)
    expect((await again.recover()).checkpoint).toEqual({ seq: 15, state: "fifteen" })
    await again.close()
  })

  test("is read as it is, with the same sums, and nothing of it is changed", async () => {
    const path = earlierLedger()
    const before = contentOf(join(path, ".."))
    const reader = await readerOf(path)
    reader.check()
    expect(moneyIn(await linesOf(reader))).toEqual(MONEY)
    expect(reader.facts().version).toBe(1)
    reader.close()
    expect(contentOf(join(path, ".."))).toEqual(before)
  })

  test("whose sums are damaged is refused and left as it was", async () => {
    const path = earlierLedger()
    asSql(path, "UPDATE sums SET tokens = tokens + 1 WHERE window_id = '2026-01-03' AND model = ''")
    const before = contentOf(join(path, ".."))
    await expect(openSqliteLedger(path)).rejects.toMatchObject({
      reason: "damaged",
      message: expect.stringMatching(/sums of agent b in 2026-01-03 do not match their checksum/),
    })
    expect(contentOf(join(path, ".."))).toEqual(before)
    expect(tablesIn(path).version).toBe(1)
  })

  test("of which a row with money is damaged is refused and left as it was", async () => {
    const path = earlierLedger()
    asSql(path, "UPDATE rows SET body = replace(body, '300', '400') WHERE seq = 9")
    const before = contentOf(join(path, ".."))
    // A large file is not read in full before: the row is found in the middle of the change.
    await expect(openSqliteLedger(path, { fullCheckBytes: 0 })).rejects.toMatchObject({
      reason: "damaged",
      message: expect.stringMatching(/row 9 does not match its checksum/),
    })
    expect(contentOf(join(path, ".."))).toEqual(before)
    expect(tablesIn(path).version).toBe(1)
  })

  test("with the tables of another version is damaged", async () => {
    const path = earlierLedger()
    asSql(path, "PRAGMA user_version = 2")
    await expect(openSqliteLedger(path)).rejects.toMatchObject({ reason: "damaged" })
    await expect(openSqliteReader(path)).rejects.toMatchObject({ reason: "damaged" })
  })
})
