/** Rows as they lie in the file, each checked against its checksum before anybody sees it. */
import type { DatabaseSync } from "node:sqlite"
import { rowChecksum } from "./schema.ts"
import { Damage } from "./trouble.ts"
import { type Columns, numberIn, textIn } from "./values.ts"

export interface StoredRow {
  readonly seq: number
  /** The row as JSON. */
  readonly body: string
}

export interface RowReader {
  /** Row `seq`; damage if it is not there. */
  readonly one: (seq: number) => string
  /** Rows `from` to `to`, without a hole. */
  readonly span: (from: number, to: number) => readonly StoredRow[]
}

export const makeRowReader = (db: DatabaseSync): RowReader => {
  const one = db.prepare("SELECT seq, body, crc FROM rows WHERE seq = ?")
  const span = db.prepare("SELECT seq, body, crc FROM rows WHERE seq BETWEEN ? AND ? ORDER BY seq")
  return {
    one: (seq) => {
      const found = one.get(seq)
      if (found === undefined) throw new Damage(`row ${seq} is missing`)
      return checkedRow(found).body
    },
    span: (from, to) => {
      const rows: StoredRow[] = []
      for (const columns of span.iterate(from, to)) {
        const row = checkedRow(columns)
        if (row.seq !== from + rows.length) break
        rows.push(row)
      }
      if (from + rows.length <= to) throw new Damage(`row ${from + rows.length} is missing`)
      return rows
    },
  }
}

/** Reads rows `from` to `to` in pages, so that checking a large ledger needs little memory. */
export const eachRow = (
  reader: RowReader,
  from: number,
  to: number,
  visit: (row: StoredRow) => void,
): void => {
  for (let at = from; at <= to; at += PAGE_ROWS)
    for (const row of reader.span(at, Math.min(to, at + PAGE_ROWS - 1))) visit(row)
}

const PAGE_ROWS = 1_000

const checkedRow = (columns: Columns): StoredRow => {
  const seq = numberIn(columns, "seq")
  const body = textIn(columns, "body")
  if (rowChecksum(seq, body) !== numberIn(columns, "crc"))
    throw new Damage(`row ${seq} does not match its checksum`)
  return { seq, body }
}
