import { execFileSync } from "node:child_process"
import {
  existsSync,
  mkdirSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { describe, expect, onTestFinished, test } from "vitest"
import { openSqliteLedger } from "../../src/ledger/sqlite.ts"
import { contentOf } from "./folder-content.ts"
import * as sample from "./sample-rows.ts"
import { temporaryFolder } from "./temporary-folder.ts"
import { startWriter } from "./writer.ts"
import { rowsTo } from "./written-rows.ts"

const refused = (path: string) =>
  openSqliteLedger(path).then(
    () => {
      throw new Error("it was opened")
    },
    (error) => error,
  )

/** A ledger with 40 rows, closed. */
const someLedger = async (folder = temporaryFolder()): Promise<string> => {
  const path = join(folder, "stint.db")
  const ledger = await openSqliteLedger(path)
  ledger.append(rowsTo(40))
  await ledger.close()
  return path
}

const expectRefusedUntouched = async (path: string, reason: string, message: RegExp) => {
  const before = contentOf(join(path, ".."))
  const error = await refused(path)
  expect(error).toMatchObject({ _tag: "LedgerUnavailable", reason })
  expect(error.message).toMatch(message)
  expect(error.message).toContain(path)
  expect(contentOf(join(path, ".."))).toEqual(before)
}

const asSql = (path: string, sql: string): void => {
  const db = new DatabaseSync(path, { defensive: false })
  db.exec(sql)
  db.close()
}

describe("where a ledger may lie", () => {
  test("a missing folder is made, for its owner alone, and so are the files", async () => {
    const folder = temporaryFolder()
    const path = join(folder, "a", "b", "stint.db")
    const ledger = await openSqliteLedger(path)
    ledger.append(rowsTo(1))
    await ledger.durable(1)
    expect(statSync(join(folder, "a", "b")).mode & 0o777).toBe(0o700)
    const files = readdirSync(join(folder, "a", "b"))
    expect(files).toContain("stint.db-lock")
    for (const file of files)
      expect([file, statSync(join(folder, "a", "b", file)).mode & 0o777]).toEqual([file, 0o600])
    await ledger.close()
  })

  test.each(["", ":memory:", "a\0b"])("%j names no file and is refused", async (path) => {
    expect(await refused(path)).toMatchObject({ _tag: "LedgerUnavailable", reason: "io" })
  })

  test("a name that looks like a URI is a name", async () => {
    const folder = temporaryFolder()
    const path = join(folder, "file:a?mode=memory#b%20c")
    const ledger = await openSqliteLedger(path)
    await ledger.close()
    expect(existsSync(path)).toBe(true)
  })

  test("a folder is refused, with the name of a file that would do", async () => {
    const path = join(temporaryFolder(), "folder")
    mkdirSync(path)
    const error = await refused(path)
    expect(error.reason).toBe("io")
    expect(error.message).toContain(join(path, "stint.db"))
  })

  test("a path through a file is refused", async () => {
    const file = join(temporaryFolder(), "file")
    writeFileSync(file, "")
    const error = await refused(join(file, "stint.db"))
    expect(error).toMatchObject({ reason: "io" })
    expect(error.message).toContain(file)
  })

  test.skipIf(process.platform !== "linux")(
    "where nothing can be made the ledger is read-only",
    async () => {
      expect(await refused("/sys/stint/stint.db")).toMatchObject({ reason: "read_only" })
    },
  )

  test.skipIf(process.platform !== "linux").each(["/proc/stint.db", "/proc/a/b/stint.db"])(
    "%s is refused in words, for no file can be made there",
    async (path) => {
      const error = await refused(path)
      expect(error).toMatchObject({ _tag: "LedgerUnavailable", reason: "io" })
      expect(error.message).toMatch(
        /^The ledger \/proc\/\S*stint\.db cannot be made: \/proc\S* takes no new file \(ENOENT\)\. .*name another file\.$/,
      )
    },
  )

  test("an empty file becomes a ledger", async () => {
    const path = join(temporaryFolder(), "stint.db")
    writeFileSync(path, "")
    const ledger = await openSqliteLedger(path)
    expect(ledger.epoch).toBe(1)
    await ledger.close()
  })
})

describe("one writer", () => {
  test("a second opener is refused with the holder's name, and let in once that was killed", async () => {
    const path = join(temporaryFolder(), "stint.db")
    const holder = startWriter(path, 2)
    await holder.said("acked", 5)
    const error = await refused(path)
    expect(error).toMatchObject({ _tag: "LedgerUnavailable", reason: "locked", path })
    expect(error.message).toContain(`process ${holder.pid} `)
    await holder.said("acked", holder.lines.length + 5)
    await holder.kill()
    const ledger = await openSqliteLedger(path)
    expect(ledger.epoch).toBe(2)
    await ledger.close()
  })

  test("holds within one process too, and under another name of the same file", async () => {
    const path = await someLedger()
    const ledger = await openSqliteLedger(path)
    const link = join(temporaryFolder(), "link.db")
    symlinkSync(path, link)
    expect(await refused(path)).toMatchObject({ reason: "locked" })
    expect(await refused(link)).toMatchObject({ reason: "locked" })
    expect(await refused(path)).toMatchObject({ reason: "locked" })
    ledger.append([{ ...(rowsTo(41)[40] ?? sample.never()) }])
    await ledger.durable(41)
    await ledger.close()
    await (await openSqliteLedger(link)).close()
  })

  test("a writer whose lock was taken away is fenced off for good at its next write", async () => {
    const path = await someLedger()
    const first = await openSqliteLedger(path)
    const told: unknown[] = []
    first.onHealth((error) => told.push(error?.reason))
    rmSync(`${path}-lock`)
    const second = await openSqliteLedger(path)
    expect(second.epoch).toBe(first.epoch + 1)
    first.append(sample.numbered(40, [sample.stopRequested("of the first")]))
    await expect(first.durable(41)).rejects.toMatchObject({ reason: "fenced" })
    await expect(first.checkpoint({ seq: 40, state: 1 })).rejects.toMatchObject({
      reason: "fenced",
    })
    second.append(rowsTo(41).slice(40))
    await second.durable(41)
    await expect(first.close()).rejects.toMatchObject({ reason: "fenced" })
    expect(told).toEqual(["fenced"])
    await second.close()
    const third = await openSqliteLedger(path)
    const rows = []
    for await (const row of third.rows({})) rows.push(row)
    expect(rows).toEqual(rowsTo(41))
    await third.close()
  })
})

describe("a file that is no ledger of this version is refused and left as it is", () => {
  test("a newer version", async () => {
    const path = await someLedger()
    asSql(path, "PRAGMA user_version = 3")
    await expectRefusedUntouched(path, "newer_version", /version 3.*up to 2/)
  })

  test("somebody else's database", async () => {
    const path = join(temporaryFolder(), "other.db")
    asSql(path, "CREATE TABLE theirs (a); INSERT INTO theirs VALUES (1)")
    await expectRefusedUntouched(path, "damaged", /not a ledger of Stint/)
  })

  test("no database", async () => {
    const path = join(temporaryFolder(), "notes.txt")
    writeFileSync(path, "Buy milk. ".repeat(1_000))
    await expectRefusedUntouched(path, "damaged", /does not begin as a database does/)
  })

  test("tables that are not ours", async () => {
    const path = await someLedger()
    asSql(path, "CREATE INDEX mine ON rows (body)")
    await expectRefusedUntouched(path, "damaged", /tables/)
  })
})

describe("a damaged ledger is refused, names what is wrong, and is left as it is", () => {
  test("a hole in the rows", async () => {
    const path = await someLedger()
    asSql(path, "DELETE FROM rows WHERE seq = 17")
    await expectRefusedUntouched(path, "damaged", /row 17 is missing/)
  })

  test("rows gone from the beginning", async () => {
    const path = await someLedger()
    asSql(path, "DELETE FROM rows WHERE seq < 4")
    await expectRefusedUntouched(path, "damaged", /rows 1 to 3 are missing/)
  })

  test("rows gone from the end", async () => {
    const path = await someLedger()
    asSql(path, "DELETE FROM rows WHERE seq > 30")
    await expectRefusedUntouched(path, "damaged", /row 40 was acknowledged.* ends with row 30/)
  })

  test("a row that was changed", async () => {
    const path = await someLedger()
    asSql(path, "UPDATE rows SET body = replace(body, 'model-a', 'model-b') WHERE seq = 14")
    await expectRefusedUntouched(path, "damaged", /row 14 does not match its checksum/)
  })

  test("a row in another's place", async () => {
    const path = await someLedger()
    asSql(
      path,
      "UPDATE rows SET (body, crc) = (SELECT body, crc FROM rows WHERE seq = 8) WHERE seq = 12",
    )
    await expectRefusedUntouched(path, "damaged", /row 12 does not match its checksum/)
  })

  test("an emptied file", async () => {
    const path = await someLedger()
    writeFileSync(path, "")
    await expectRefusedUntouched(path, "damaged", /row 40 was acknowledged/)
  })

  test("a log that was deleted after a crash", async () => {
    const path = join(temporaryFolder(), "stint.db")
    const writer = startWriter(path, 1)
    await writer.said("acked", 30)
    await writer.kill()
    rmSync(`${path}-wal`)
    await expectRefusedUntouched(path, "damaged", /was acknowledged/)
  })

  test("a large ledger's old rows are checked when they are read", async () => {
    const path = await someLedger()
    const before = await openSqliteLedger(path)
    await before.checkpoint({ seq: 30, state: "thirty" })
    await before.close()
    asSql(path, "UPDATE meta SET indexed_to = 40; UPDATE rows SET body = '{}' WHERE seq = 14")
    const ledger = await openSqliteLedger(path, { fullCheckBytes: 0 })
    const { checkpoint, rows } = await ledger.recover()
    expect(checkpoint).toEqual({ seq: 30, state: "thirty" })
    const recovered = []
    for await (const row of rows) recovered.push(row)
    expect(recovered).toEqual(rowsTo(40).slice(30))
    const reading = (async () => {
      for await (const row of ledger.rows({})) expect(row).toEqual(rowsTo(row.seq)[row.seq - 1])
    })()
    await expect(reading).rejects.toMatchObject({
      reason: "damaged",
      message: expect.stringMatching(/row 14 does not match/),
    })
    await ledger.close()
  })
})

describe("a ledger whose main file was removed", () => {
  test("begins anew, whatever lies beside it", async () => {
    const path = await someLedger()
    rmSync(path)
    const ledger = await openSqliteLedger(path)
    expect(ledger.epoch).toBe(1)
    ledger.append(rowsTo(3))
    await ledger.close()
    await (await openSqliteLedger(path)).close()
  })
})

describe("checkpoints", () => {
  test("a bad newest one leaves the one before, and more rows to fold", async () => {
    const path = await someLedger()
    const ledger = await openSqliteLedger(path)
    for (const seq of [10, 20, 30]) await ledger.checkpoint({ seq, state: `at ${seq}` })
    await ledger.close()
    asSql(path, "UPDATE checkpoints SET state = '\"at 31\"' WHERE seq = 30")
    const again = await openSqliteLedger(path)
    const { checkpoint, rows } = await again.recover()
    expect(checkpoint).toEqual({ seq: 20, state: "at 20" })
    const recovered = []
    for await (const row of rows) recovered.push(row)
    expect(recovered).toEqual(rowsTo(40).slice(20))
    await again.close()
  })

  test("rows that were dropped with only bad checkpoints left are damage, not a fresh start", async () => {
    const path = join(temporaryFolder(), "stint.db")
    const ledger = await openSqliteLedger(path)
    ledger.append(
      sample.numbered(0, [
        sample.windowOpened("2026-01-01"),
        sample.windowOpened("2026-01-02"),
        sample.windowOpened("2026-01-03"),
      ]),
    )
    await ledger.checkpoint({ seq: 3, state: 3 })
    const [openWindow] = sample.numbered(0, [sample.windowOpened("2026-01-03")])
    if (openWindow?.kind !== "window_opened") throw new Error("no window")
    const retained = await ledger.retain({ openWindow: openWindow.window, retentionDays: 1 })
    expect(retained).toEqual({ droppedRows: 1 })
    await ledger.close()
    asSql(path, "UPDATE checkpoints SET crc = 1")
    await expectRefusedUntouched(path, "damaged", /row.* 1 to 1 are missing/)
  })
})

const canMount = (() => {
  if (process.platform !== "linux" || process.getuid?.() !== 0) return false
  try {
    execFileSync("unshare", ["--mount", "mount", "-t", "tmpfs", "none", "/mnt"], {
      stdio: "ignore",
    })
    return true
  } catch {
    return false
  }
})()

/** Root writes whatever its mode says, so only a mount is read-only enough; without it: skipped. */
describe.skipIf(!canMount)("a read-only file system", () => {
  const readOnlyMount = (target: string): void => {
    execFileSync("mount", ["--bind", target, target])
    execFileSync("mount", ["-o", "remount,bind,ro", target])
    onTestFinished(() => {
      execFileSync("umount", [target])
    })
  }

  test("refuses a ledger in a folder that cannot be written", async () => {
    const path = await someLedger()
    readOnlyMount(join(path, ".."))
    await expectRefusedUntouched(path, "read_only", /read-only/)
  })

  test("refuses a ledger whose file alone cannot be written", async () => {
    const path = await someLedger()
    readOnlyMount(path)
    await expectRefusedUntouched(path, "read_only", /read-only/)
  })
})
