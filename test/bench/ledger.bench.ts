/**
 * How fast the ledger in a file is: `node test/bench/ledger.bench.ts [rows]`.
 *
 * Pairs of a hold and its settlement, each durable before the next, by 200 callers at once,
 * beside the plainest thing `node:sqlite` can do: the same rows as JSON under their number, 200
 * in a transaction, on the calling thread. Both take turns in one run; medians are compared.
 */
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { monitorEventLoopDelay } from "node:perf_hooks"
import { DatabaseSync, type StatementSync } from "node:sqlite"
import { fileURLToPath } from "node:url"
import { openSqliteLedger, type SqliteLedger } from "../../src/ledger/sqlite.ts"
import { holdPlaced, holdSettled, NOON, numbered } from "../ledger/sample-rows.ts"
import { type BenchResult, median } from "./result.ts"

const CALLERS = 200
const PAIRS = 4_000
const ROUNDS = 15

export const run = async (rows = 1_000_000): Promise<BenchResult[]> => {
  const folder = mkdtempSync(join(tmpdir(), "ledger-bench-"))
  try {
    return [...(await measureWriting(folder)), ...(await measureStarting(folder, rows))]
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

const measureWriting = async (folder: string): Promise<BenchResult[]> => {
  const ledger = await openSqliteLedger(join(folder, "ledger.db"))
  const plain = openPlain(join(folder, "plain.db"))
  const delays: number[] = []
  const ledgerRates: number[] = []
  const plainRates: number[] = []
  for (let round = 0; round < ROUNDS; round++) {
    const seq = round * PAIRS * 2
    const delay = monitorEventLoopDelay({ resolution: 1 })
    delay.enable()
    ledgerRates.push(await rateOf(() => writePairs(ledger, seq)))
    delay.disable()
    delays.push(Math.max(0, delay.percentile(99) / 1e6 - 1))
    plainRates.push(await rateOf(async () => writePlain(plain, seq)))
  }
  await ledger.close()
  plain.db.close()
  const ratios = ledgerRates.map((rate, round) => rate / (plainRates[round] ?? Number.NaN))
  return [
    {
      name: `durable hold+settle pairs, ${CALLERS} callers`,
      value: median(ledgerRates),
      unit: "pairs/s",
    },
    { name: "the same rows by plain node:sqlite", value: median(plainRates), unit: "pairs/s" },
    {
      name: "durable pairs ÷ plain node:sqlite",
      value: median(ratios),
      unit: "×",
      target: { atLeast: 0.4 },
    },
    {
      name: "event loop delay while writing at full rate, p99",
      value: median(delays),
      unit: "ms",
    },
  ]
}

/** Callers that each hold, wait, settle, wait, and begin again. */
const writePairs = async (ledger: SqliteLedger, after: number): Promise<void> => {
  let seq = after
  let begun = 0
  const write = (row: Parameters<typeof numbered>[1][number]): Promise<void> => {
    const rows = numbered(seq, [row])
    seq += 1
    ledger.append(rows)
    return ledger.durable(seq)
  }
  const caller = async (key: string): Promise<void> => {
    while (begun < PAIRS) {
      begun += 1
      const id = `hold-${after}-${begun}`
      await write(holdPlaced(id, key))
      await write(holdSettled(id, key))
    }
  }
  await Promise.all(Array.from({ length: CALLERS }, (_, at) => caller(`agent-${at}`)))
}

interface Plain {
  readonly db: DatabaseSync
  readonly insert: StatementSync
}

const openPlain = (path: string): Plain => {
  const db = new DatabaseSync(path)
  db.exec(`
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = FULL;
    CREATE TABLE rows (seq INTEGER PRIMARY KEY, body TEXT NOT NULL);
  `)
  return { db, insert: db.prepare("INSERT INTO rows (seq, body) VALUES (?, ?)") }
}

const writePlain = ({ db, insert }: Plain, after: number): void => {
  let seq = after
  for (let pair = 0; pair < PAIRS; pair += CALLERS) {
    for (const make of [holdPlaced, holdSettled]) {
      const rows = numbered(
        seq,
        Array.from({ length: CALLERS }, (_, at) =>
          make(`hold-${after}-${pair + at}`, `agent-${at}`),
        ),
      )
      db.exec("BEGIN IMMEDIATE")
      for (const row of rows) insert.run(row.seq, JSON.stringify(row))
      db.exec("COMMIT")
      seq += CALLERS
    }
  }
}

const measureStarting = async (folder: string, most: number): Promise<BenchResult[]> => {
  const few = await startTimes(folder, Math.min(10_000, most))
  const many = await startTimes(folder, most)
  return [
    { name: `start on ${few.rows} rows, no checkpoint`, value: few.without, unit: "ms" },
    { name: `start on ${few.rows} rows, checkpoint near the end`, value: few.with, unit: "ms" },
    { name: `start on ${many.rows} rows, no checkpoint`, value: many.without, unit: "ms" },
    { name: `start on ${many.rows} rows, checkpoint near the end`, value: many.with, unit: "ms" },
    {
      name: `start on ${many.rows} rows ÷ on ${few.rows}`,
      value: many.with / few.with,
      unit: "×",
      target: { atMost: 3 },
    },
    { name: `reading ${many.rows} rows`, value: many.rate, unit: "rows/s" },
    { name: `finding one id among ${many.rows} rows`, value: many.find, unit: "ms" },
    { name: `history of ${many.rows} rows`, value: many.history, unit: "ms" },
  ]
}

const startTimes = async (folder: string, rows: number) => {
  const path = join(folder, `${rows}.db`)
  await fill(path, rows)
  const without = await startsIn(path, 3)
  const ledger = await openSqliteLedger(path)
  const read = await millisecondsOf(() => drain(ledger.rows({})))
  const find = await medianOf(21, (at) => ledger.find(`hold-${Math.floor((rows / 50) * at)}`))
  const history = await millisecondsOf(() => drain(ledger.history({})))
  await ledger.checkpoint({ seq: rows - 100, state: { about: "x".repeat(10_000) } })
  await ledger.close()
  return {
    rows,
    without,
    with: await startsIn(path, 7),
    rate: (rows / read) * 1_000,
    find,
    history,
  }
}

const fill = async (path: string, rows: number): Promise<void> => {
  const ledger = await openSqliteLedger(path)
  for (let seq = 0; seq < rows; seq += 1_000) {
    const day = new Date(NOON + Math.floor((seq / rows) * 30) * 86_400_000)
    const windowId = day.toISOString().slice(0, 10)
    const batch = Array.from({ length: 500 }, (_, at) => {
      const [id, key] = [`hold-${seq / 2 + at}`, `agent-${(seq + at) % 200}`]
      return [holdPlaced(id, key, windowId), holdSettled(id, key, { windowId })]
    })
    ledger.append(numbered(seq, batch.flat()))
    await ledger.durable(seq + 1_000)
  }
  await ledger.close()
}

/** Opening and reading all that has to be folded. */
const startsIn = (path: string, times: number): Promise<number> => {
  let opened: SqliteLedger | null = null
  return medianOf(
    times,
    async () => {
      opened = await openSqliteLedger(path)
      await drain((await opened.recover()).rows)
    },
    async () => opened?.close(),
  )
}

const drain = async (items: AsyncIterable<unknown>): Promise<void> => {
  for await (const item of items) void item
}

const rateOf = async (work: () => Promise<void>): Promise<number> =>
  (PAIRS / (await millisecondsOf(work))) * 1_000

const millisecondsOf = async (work: () => Promise<unknown>): Promise<number> => {
  const start = performance.now()
  await work()
  return performance.now() - start
}

const medianOf = async (
  times: number,
  work: (at: number) => Promise<unknown>,
  after: () => Promise<unknown> = async () => {},
): Promise<number> => {
  const taken: number[] = []
  for (let at = 0; at < times; at++) {
    taken.push(await millisecondsOf(() => work(at)))
    await after()
  }
  return median(taken)
}

if (process.argv[1] === fileURLToPath(import.meta.url))
  for (const { name, value, unit } of await run(Number(process.argv[2] ?? 1_000_000)))
    process.stdout.write(
      `${name}: ${value >= 100 ? Math.round(value) : value.toFixed(2)} ${unit}\n`,
    )
