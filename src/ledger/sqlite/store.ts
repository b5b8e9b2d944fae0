/** The ledger's statements: everything the worker does with an open file. */
import type { Row, Window } from "../../../machines/budget/row.ts"
import type { AgentKey } from "../../../machines/vocabulary.ts"
import type { RolledUp, RowQuery } from "../ledger.ts"
import { carries, matches, refsOf } from "../lookup.ts"
import { oldestKeptWindow } from "../retention.ts"
import { checkpointsIn, coveredSeq, type StoredCheckpoint, saveCheckpoint } from "./checkpoints.ts"
import { makeDerived } from "./derived.ts"
import { closeFiles, type OpenFiles } from "./open.ts"
import { hashOfId, hashOfKey } from "./recent.ts"
import { eachRow, makeRowReader, type StoredRow } from "./row-reader.ts"
import { rowChecksum } from "./schema.ts"
import type { HistoryQuery } from "./sum-table.ts"
import { Trouble } from "./trouble.ts"
import { numberOf } from "./values.ts"

/** One page of rows as a JSON array; `next` is where the next one begins after, null at the end. */
export interface RowPage {
  readonly json: string
  readonly next: number | null
  /** The last row there was when the reading began. */
  readonly to: number
}

export interface Store {
  readonly lastSeq: () => number
  /** Writes rows as JSON, the first one being row `firstSeq`; all of them or none. */
  readonly write: (firstSeq: number, bodies: readonly string[]) => void
  /** Notes that the rows just written are acknowledged, and takes into memory what follows from them. */
  readonly derive: () => void
  readonly find: (id: string, key: AgentKey | undefined) => string
  readonly rows: (query: RowQuery, after: number, to: number | null) => RowPage
  readonly history: (
    query: HistoryQuery,
    after: RolledUp | null,
  ) => { readonly lines: readonly RolledUp[]; readonly more: boolean }
  readonly checkpoint: (checkpoint: StoredCheckpoint) => void
  readonly newestCheckpoint: () => StoredCheckpoint | null
  /** Up to which row `retain` may drop. */
  readonly retainable: (openWindow: Window, retentionDays: number) => number
  /** Drops some of the rows up to `seq`. */
  readonly drop: (seq: number) => { readonly dropped: number; readonly done: boolean }
  readonly limitPages: (pages: number) => void
  readonly close: () => void
}

const PAGE_ROWS = 1_000
const SCANNED_ROWS = 4_000
const DROPPED_ROWS = 1_000

export const makeStore = (files: OpenFiles, runRows: number): Store => {
  const { db, path, epoch, note } = files
  const reader = makeRowReader(db)
  const readRow = (seq: number): Row => JSON.parse(reader.one(seq))
  const insert = db.prepare("INSERT INTO rows (seq, epoch, body, crc) VALUES (?, ?, ?, ?)")
  const epochNow = db.prepare("SELECT epoch FROM meta")
  const firstRow = db.prepare("SELECT min(seq) FROM rows")
  const dropRows = db.prepare("DELETE FROM rows WHERE seq <= ?")

  let lastSeq = numberOf(db.prepare("SELECT max(seq) FROM rows")) ?? checkpointsIn(db)[0]?.seq ?? 0
  const firstSeq = (): number => numberOf(firstRow) ?? lastSeq + 1
  const derived = makeDerived(db, {
    indexedTo: numberOf(db.prepare("SELECT indexed_to FROM meta")) ?? 0,
    runRows,
    firstSeq,
    readRow,
  })
  eachRow(reader, derived.indexedTo() + 1, lastSeq, ({ body }) => derived.add(JSON.parse(body)))
  /** Written, and not yet derived from. */
  let written: readonly string[] = []

  const begin = db.prepare("BEGIN IMMEDIATE")
  const commit = db.prepare("COMMIT")
  const transaction = <A>(work: () => A): A => {
    begin.run()
    try {
      if (numberOf(epochNow) !== epoch) throw fenced(path)
      const result = work()
      commit.run()
      return result
    } catch (error) {
      // Some errors have rolled back already.
      if (db.isTransaction) db.exec("ROLLBACK")
      throw error
    }
  }

  const derive = (): void => {
    note.write(lastSeq)
    const bodies = written
    written = []
    for (const body of bodies) derived.add(JSON.parse(body))
  }

  const candidates = (query: RowQuery, after: number, to: number): readonly StoredRow[] => {
    if (query.key === undefined) return reader.span(after + 1, Math.min(to, after + SCANNED_ROWS))
    return derived
      .seqsOf(hashOfKey(query.key), after, to, PAGE_ROWS)
      .map((seq) => ({ seq, body: reader.one(seq) }))
  }

  return {
    lastSeq: () => lastSeq,

    write: (first, bodies) => {
      if (first !== lastSeq + 1)
        throw new Trouble("fenced", `Row ${first} does not follow row ${lastSeq} of ${path}.`)
      const committed = transaction(() => {
        let seq = lastSeq
        for (const body of bodies) {
          seq += 1
          insert.run(seq, epoch, body, rowChecksum(seq, body))
        }
        return derived.writeRun("full")
      })
      lastSeq += bodies.length
      committed()
      written = bodies
    },

    derive,

    find: (id, key) => {
      const seqs = refsOf(id, key).flatMap((ref) =>
        derived.seqsOf(hashOfId(ref), 0, lastSeq, Number.POSITIVE_INFINITY),
      )
      const bodies = [...new Set(seqs)]
        .sort((a, b) => a - b)
        .map(reader.one)
        .filter((body) => carries(JSON.parse(body), id, key))
      return `[${bodies.join(",")}]`
    },

    rows: (query, after, until) => {
      const span = query.windowId === undefined ? null : derived.windows.spanOf(query.windowId)
      const none = query.windowId !== undefined && span === null
      const to = until ?? Math.min(lastSeq, query.toSeq ?? lastSeq, span?.lastSeq ?? lastSeq)
      const from = Math.max(after + 1, query.fromSeq ?? 1, firstSeq(), span?.firstSeq ?? 1)
      if (none || from > to) return { json: "[]", next: null, to }
      const found = candidates(query, from - 1, to)
      const bodies = isFiltered(query)
        ? found.filter(({ body }) => matches(JSON.parse(body), query))
        : found
      const last = found.at(-1)?.seq ?? to
      return {
        json: `[${bodies.map(({ body }) => body).join(",")}]`,
        next: last < to ? last : null,
        to,
      }
    },

    history: (query, after) => derived.sums.page(query, after),

    checkpoint: (checkpoint) => transaction(() => saveCheckpoint(db, checkpoint)),

    newestCheckpoint: () => checkpointsIn(db)[0] ?? null,

    retainable: (openWindow, retentionDays) => {
      const before = derived.windows.before(openWindow.id)
      const kept = derived.windows.firstSeqSince(
        oldestKeptWindow(openWindow, before, retentionDays),
      )
      return Math.min(coveredSeq(db), kept === null ? lastSeq : kept - 1)
    },

    drop: (seq) => {
      if (derived.indexedTo() < seq) {
        transaction(() => derived.writeRun("now"))()
        return { dropped: 0, done: false }
      }
      const first = firstSeq()
      const last = Math.min(seq, first + DROPPED_ROWS - 1)
      if (first > last) return { dropped: 0, done: true }
      const rows = reader.span(first, last).map(({ body }): Row => JSON.parse(body))
      transaction(() => {
        dropRows.run(last)
        return derived.forget(rows)
      })()
      return { dropped: last - first + 1, done: last === seq }
    },

    limitPages: (pages) => {
      db.exec(`PRAGMA max_page_count = ${pages}`)
    },

    close: () => closeFiles(files),
  }
}

const isFiltered = (query: RowQuery): boolean =>
  query.fromAt !== undefined ||
  query.toAt !== undefined ||
  query.windowId !== undefined ||
  query.key !== undefined ||
  query.kinds !== undefined

const fenced = (path: string): Trouble =>
  new Trouble(
    "fenced",
    `Another process has opened the ledger ${path} since, so this one may not write it any more. End this one.`,
  )
