/** Bytes flipped anywhere: a ledger answers as it should, or says that it is damaged. */
import {
  appendFileSync,
  copyFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from "node:fs"
import { join } from "node:path"
import { expect, test } from "vitest"
import type { LedgerService, RolledUp } from "../../src/ledger/ledger.ts"
import { LedgerUnavailable } from "../../src/ledger/ledger.ts"
import { openSqliteLedger } from "../../src/ledger/sqlite.ts"
import { contentOf } from "./folder-content.ts"
import { findIn, historyOf, rowsIn } from "./reference.ts"
import * as sample from "./sample-rows.ts"
import { type SeededRandom, seededRandom } from "./seeded-random.ts"
import { temporaryFolder } from "./temporary-folder.ts"
import { startWriter } from "./writer.ts"
import { rowsTo } from "./written-rows.ts"

const ROUNDS = 40

/** What a process left that was killed after some hundred rows: most of them in the log. */
const killedLedger = async (closedRows: number): Promise<{ folder: string; acked: number }> => {
  const folder = temporaryFolder()
  const path = join(folder, "stint.db")
  const ledger = await openSqliteLedger(path, { runRows: 50 })
  ledger.append(rowsTo(closedRows))
  await ledger.checkpoint({ seq: Math.floor(closedRows / 2), state: "some" })
  await ledger.close()
  const writer = startWriter(path, 3)
  await writer.said("acked", 150)
  await writer.kill()
  return { folder, acked: writer.lastAcked() }
}

const copyOf = (folder: string): string => {
  const copy = join(temporaryFolder(), "copy")
  mkdirSync(copy)
  for (const file of readdirSync(folder))
    if (!file.endsWith("-shm")) copyFileSync(join(folder, file), join(copy, file))
  return copy
}

/** What a power cut leaves of a batch nobody was told about: some bytes past the good ones. */
const tear = (file: string, random: SeededRandom): string => {
  const tail = Buffer.from(Array.from({ length: 1 + random.below(9_000) }, () => random.below(256)))
  appendFileSync(file, tail)
  return `torn by ${tail.length} bytes`
}

/** Flips one to four bits, now and then within the first hundred bytes. Returns what it did. */
const flip = (file: string, random: SeededRandom): string => {
  if (file.endsWith("-wal") && random.below(6) === 0) return tear(file, random)
  const bytes = readFileSync(file)
  const places = Array.from({ length: 1 + random.below(4) }, () => {
    const place = random.below(random.below(5) === 0 ? 100 : bytes.length)
    const bit = 1 << random.below(8)
    bytes[place] = (bytes[place] ?? 0) ^ bit
    return `${place}^${bit}`
  })
  writeFileSync(file, bytes)
  return places.join(" ")
}

const collect = async <A>(items: AsyncIterable<A>): Promise<A[]> => {
  const collected: A[] = []
  for await (const item of items) collected.push(item)
  return collected
}

/** Each answer is right or is refused as damaged. */
const checkAnswers = async (ledger: LedgerService, acked: number): Promise<number> => {
  let refusals = 0
  const check = async (ask: () => Promise<unknown>, expected: (rows: number) => unknown) => {
    try {
      const answer = await ask()
      expect(answer).toEqual(expected(last))
    } catch (error) {
      if (!(error instanceof LedgerUnavailable)) throw error
      expect(error.reason).toBe("damaged")
      refusals += 1
    }
  }
  const { checkpoint, rows } = await ledger.recover()
  const recovered = await collect(rows)
  const last = recovered.at(-1)?.seq ?? checkpoint?.seq ?? 0
  expect(last).toBeGreaterThanOrEqual(acked)
  expect(recovered).toEqual(rowsTo(last).slice(checkpoint?.seq ?? 0))
  const key = sample.agentKey("agent 3")
  await check(
    () => collect(ledger.rows({})),
    (end) => rowsTo(end),
  )
  await check(
    () => collect(ledger.rows({ key })),
    (end) => rowsIn(rowsTo(end), { key }),
  )
  await check(
    () => collect(ledger.rows({ windowId: sample.TODAY })),
    (end) => rowsIn(rowsTo(end), { windowId: sample.TODAY }),
  )
  for (const seq of [2, 77, 150, acked - 1])
    await check(
      () => ledger.find(`hold ${seq}`),
      (end) => findIn(rowsTo(end), `hold ${seq}`),
    )
  await check(
    () => collect(ledger.history({})),
    (end): readonly RolledUp[] => historyOf(rowsTo(end)),
  )
  return refusals
}

test.each([
  ["log", "stint.db-wal", 1],
  ["main file", "stint.db", 400],
])(
  "a %s with flipped bits gives every acknowledged row or is refused, and is never wrong",
  async (_, damagedFile, closedRows) => {
    const random = seededRandom()
    const { folder, acked } = await killedLedger(closedRows)
    const outcomes = { refused: 0, answered: 0, refusedLater: 0 }
    for (let round = 0; round < ROUNDS; round++) {
      const copy = copyOf(folder)
      const flipped = flip(join(copy, damagedFile), random)
      const before = contentOf(copy)
      const where = `${random.seed} round ${round}: ${damagedFile} ${flipped}`
      let ledger: LedgerService
      try {
        // Some as a large ledger is, which is not read in full when it is opened.
        const fullCheckBytes = random.below(3) === 0 ? 0 : 2 ** 30
        ledger = await openSqliteLedger(join(copy, "stint.db"), { runRows: 50, fullCheckBytes })
      } catch (error) {
        if (!(error instanceof LedgerUnavailable)) throw error
        expect(flipped, where).not.toContain("torn")
        // The version is a number in the file too, and a flipped bit makes it a newer one.
        expect(["damaged", "newer_version"], `${where} ${error.message}`).toContain(error.reason)
        expect(contentOf(copy), where).toEqual(before)
        outcomes.refused += 1
        continue
      }
      try {
        const refusals = await checkAnswers(ledger, acked)
        if (refusals > 0) outcomes.refusedLater += 1
        else outcomes.answered += 1
      } catch (error) {
        throw new Error(where, { cause: error })
      } finally {
        await ledger.close()
      }
    }
    // Both ends were met, or the rounds showed nothing.
    expect(outcomes.refused, JSON.stringify(outcomes)).toBeGreaterThan(5)
    expect(outcomes.answered, JSON.stringify(outcomes)).toBeGreaterThan(0)
  },
  240_000,
)
