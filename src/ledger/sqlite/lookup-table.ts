/**
 * Which rows carry a hash. Each run's hashes lie in a few hundred buckets by their upper bits:
 * looking one up reads one bucket of every run that may hold it, writing a run adds pages at the
 * end and changes no others.
 */
import type { DatabaseSync } from "node:sqlite"
import { crc32 } from "node:zlib"
import { filterOf, mayHold } from "./filter.ts"
import type { Run } from "./recent.ts"
import { Damage } from "./trouble.ts"
import { bytesIn, type Columns, numberIn } from "./values.ts"

export interface LookupTable {
  /** In order, within the bounds; stops after the run in which `limit` is reached. */
  readonly seqsOf: (hash: number, from: number, to: number, limit: number) => number[]
  /** Returns what to call once that is committed. */
  readonly write: (run: Run) => () => void
  /** Forgets the runs that end before row `seq`; called like `write`. */
  readonly cut: (seq: number) => () => void
}

const BUCKETS = 256
const ENTRY_BYTES = 8

interface WrittenRun {
  /** Its first row: its name. */
  readonly run: number
  readonly filter: Uint8Array
}

export const makeLookupTable = (db: DatabaseSync): LookupTable => {
  const select = db.prepare("SELECT entries, crc FROM lookups WHERE run = ? AND bucket = ?")
  const insert = db.prepare("INSERT INTO lookups VALUES (?, ?, ?, ?)")
  const insertFilter = db.prepare("INSERT INTO filters VALUES (?, ?, ?)")
  const remove = db.prepare("DELETE FROM lookups WHERE run < ?")
  const removeFilter = db.prepare("DELETE FROM filters WHERE run < ?")
  /** In order. */
  let runs = writtenRuns(db)

  /** The run that reaches to a row or past it, by its place. */
  const placeOf = (seq: number): number =>
    Math.max(
      0,
      runs.findLastIndex(({ run }) => run <= seq),
    )

  return {
    seqsOf: (hash, from, to, limit) => {
      const seqs: number[] = []
      for (const { run, filter } of runs.slice(placeOf(from))) {
        if (run > to || seqs.length >= limit) break
        if (!mayHold(filter, hash)) continue
        const bucket = bucketOf(hash)
        const entries = entriesOf(run, bucket, select.get(run, bucket))
        for (let place = 0; place < entries.byteLength; place += ENTRY_BYTES) {
          const seq = run + entries.getUint32(place + 4, true)
          if (entries.getUint32(place, true) === hash && seq >= from && seq <= to) seqs.push(seq)
        }
      }
      return seqs
    },
    write: ({ firstSeq, hashes }) => {
      bucketsOf(hashes).forEach((entries, bucket) => {
        insert.run(firstSeq, bucket, entries, crc32(entries, bucket))
      })
      const filter = filterOf(hashes)
      insertFilter.run(firstSeq, filter, crc32(filter))
      return () => {
        runs = [...runs, { run: firstSeq, filter }]
      }
    },
    cut: (seq) => {
      const kept = runs.slice(placeOf(seq))
      if (kept.length < runs.length) {
        remove.run(kept[0]?.run ?? 0)
        removeFilter.run(kept[0]?.run ?? 0)
      }
      return () => {
        runs = kept
      }
    },
  }
}

const bucketOf = (hash: number): number => Math.floor(hash / 2 ** 24)

const entriesOf = (run: number, bucket: number, columns: Columns | undefined): DataView => {
  const entries = columns === undefined ? new Uint8Array() : bytesIn(columns, "entries")
  if (columns === undefined || crc32(entries, bucket) !== numberIn(columns, "crc"))
    throw new Damage(`the lookups of the rows from ${run} on do not match their checksum`)
  return new DataView(entries.buffer, entries.byteOffset, entries.byteLength)
}

/** Entries of one hash stay in the order of their rows. */
const bucketsOf = (hashes: readonly number[]): readonly Uint8Array[] => {
  const buckets: number[][] = Array.from({ length: BUCKETS }, () => [])
  hashes.forEach((hash, place) => {
    const row = place >> 1
    // A row whose id and key share a hash is found by it once.
    const repeated = place % 2 === 1 && hashes[place - 1] === hash
    if (hash !== 0 && !repeated) buckets[bucketOf(hash)]?.push(hash, row)
  })
  return buckets.map((numbers) => {
    const bytes = new Uint8Array(numbers.length * 4)
    const view = new DataView(bytes.buffer)
    for (const [at, number] of numbers.entries()) view.setUint32(at * 4, number, true)
    return bytes
  })
}

const writtenRuns = (db: DatabaseSync): readonly WrittenRun[] =>
  db
    .prepare("SELECT run, bits, crc FROM filters ORDER BY run")
    .all()
    .map((columns) => {
      const run = numberIn(columns, "run")
      const filter = bytesIn(columns, "bits")
      if (crc32(filter) !== numberIn(columns, "crc"))
        throw new Damage(`the filter of the rows from ${run} on does not match its checksum`)
      return { run, filter }
    })
