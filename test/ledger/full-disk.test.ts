import { execFileSync } from "node:child_process"
import { mkdirSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, onTestFinished, test } from "vitest"
import type { LedgerUnavailable } from "../../src/ledger/ledger.ts"
import { openSqliteLedger, type SqliteLedger } from "../../src/ledger/sqlite.ts"
import { temporaryFolder } from "./temporary-folder.ts"
import { rowAt, rowsTo } from "./written-rows.ts"

const QUICK = { firstRetryMs: 5, lastRetryMs: 20 }

const rowsOf = async (ledger: SqliteLedger) => {
  const rows = []
  for await (const row of ledger.rows({})) rows.push(row)
  return rows
}

/** Appends row by row until one cannot be written; returns its number. */
const writeUntilRefused = async (ledger: SqliteLedger, from: number): Promise<number> => {
  for (let seq = from; ; seq++) {
    ledger.append([rowAt(seq)])
    try {
      await ledger.durable(seq)
    } catch {
      return seq
    }
  }
}

/** Resolves with the next change of health. */
const nextHealth = (ledger: SqliteLedger): Promise<LedgerUnavailable | null> =>
  new Promise((resolve) => {
    const stop = ledger.onHealth((error) => {
      stop()
      resolve(error)
    })
  })

/** What has to hold whatever filled the disk and whatever makes room again. */
const fillsAndRecovers = async (ledger: SqliteLedger, makeRoom: () => Promise<void>) => {
  const told: (string | null)[] = []
  ledger.onHealth((error) => told.push(error?.reason ?? null))
  const refused = await writeUntilRefused(ledger, ledger.pendingRows() + 1)
  expect(told).toEqual(["full"])
  expect(ledger.pendingRows()).toBe(1)
  await expect(ledger.durable(refused)).rejects.toMatchObject({
    _tag: "LedgerUnavailable",
    reason: "full",
    message: expect.stringMatching(/no space left/),
  })
  await expect(ledger.durable(refused - 1)).resolves.toBeUndefined()
  await expect(ledger.checkpoint({ seq: refused, state: 1 })).rejects.toMatchObject({
    reason: "full",
  })

  const more = Array.from({ length: 300 }, (_, at) => rowAt(refused + at + 1))
  for (const row of more) ledger.append([row])
  expect(ledger.pendingRows()).toBe(301)
  expect(await rowsOf(ledger)).toEqual(rowsTo(refused - 1))
  expect(await ledger.find(`hold ${refused + 20}`)).toEqual([])

  const healthy = nextHealth(ledger)
  await makeRoom()
  expect(await healthy).toBeNull()
  await ledger.durable(refused + 300)
  expect(told).toEqual(["full", null])
  expect(ledger.pendingRows()).toBe(0)
  expect(await rowsOf(ledger)).toEqual(rowsTo(refused + 300))
}

describe("a ledger that has no room left", () => {
  test("tells everybody who waits, keeps the rows, and writes each once when there is room", async () => {
    const ledger = await openSqliteLedger(join(temporaryFolder(), "stint.db"), QUICK)
    await ledger.limitPages(1)
    await fillsAndRecovers(ledger, () => ledger.limitPages(1_000_000))
    await ledger.close()
  })

  test("tells it again when it happens again", async () => {
    const ledger = await openSqliteLedger(join(temporaryFolder(), "stint.db"), QUICK)
    const told: (string | null)[] = []
    ledger.onHealth((error) => told.push(error?.reason ?? null))
    let refused = 0
    for (let times = 0; times < 2; times++) {
      await ledger.limitPages(1)
      refused = await writeUntilRefused(ledger, refused + 1)
      const healthy = nextHealth(ledger)
      await ledger.limitPages(1_000_000)
      expect(await healthy).toBeNull()
      await ledger.durable(refused)
    }
    expect(told).toEqual(["full", null, "full", null])
    expect(await rowsOf(ledger)).toEqual(rowsTo(refused))
    await ledger.close()
  })

  test("does not close as if all were written, and leaves nothing half-written", async () => {
    const path = join(temporaryFolder(), "stint.db")
    const ledger = await openSqliteLedger(path, QUICK)
    await ledger.limitPages(1)
    const refused = await writeUntilRefused(ledger, 1)
    ledger.append([rowAt(refused + 1), rowAt(refused + 2)])
    await expect(ledger.close()).rejects.toMatchObject({ reason: "full" })
    const again = await openSqliteLedger(path)
    expect(await rowsOf(again)).toEqual(rowsTo(refused - 1))
    await again.close()
  })

  test("writes what waits when it is closed with room again", async () => {
    const path = join(temporaryFolder(), "stint.db")
    const ledger = await openSqliteLedger(path, { firstRetryMs: 60_000, lastRetryMs: 60_000 })
    await ledger.limitPages(1)
    const refused = await writeUntilRefused(ledger, 1)
    ledger.append([rowAt(refused + 1)])
    await ledger.limitPages(1_000_000)
    await ledger.close()
    const again = await openSqliteLedger(path)
    expect(await rowsOf(again)).toEqual(rowsTo(refused + 1))
    await again.close()
  })
})

const mountedFolder = (): string | null => {
  const folder = join(temporaryFolder(), "small")
  mkdirSync(folder)
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=1m", "none", folder], { stdio: "ignore" })
  } catch {
    return null
  }
  onTestFinished(() => {
    execFileSync("umount", [folder])
  })
  return folder
}

/** A disk that is really full needs a mount of its own; where that is not allowed: skipped. */
test("a file system that is full is met as a full ledger is", async ({ skip }) => {
  const folder = mountedFolder()
  if (folder === null) return skip("a file system of limited size cannot be mounted here")
  const ledger = await openSqliteLedger(join(folder, "stint.db"), QUICK)
  const filler = join(folder, "filler")
  writeFileSync(filler, Buffer.alloc(500_000))
  await fillsAndRecovers(ledger, async () => rmSync(filler))
  await ledger.close()
})

test("a disk too full to begin on is refused, and begun on when there is room", async ({
  skip,
}) => {
  const folder = mountedFolder()
  if (folder === null) return skip("a file system of limited size cannot be mounted here")
  const filler = join(folder, "filler")
  writeFileSync(filler, Buffer.alloc(1_040_000))
  const path = join(folder, "stint.db")
  await expect(openSqliteLedger(path)).rejects.toMatchObject({ reason: "full" })
  rmSync(filler)
  const ledger = await openSqliteLedger(path)
  ledger.append(rowsTo(3))
  await ledger.durable(3)
  await ledger.close()
})
