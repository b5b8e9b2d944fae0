/** Where each window's rows lie: from its first row to its last, others in between. */
import type { DatabaseSync } from "node:sqlite"
import type { WindowId } from "../../../machines/vocabulary.ts"
import type { Run, WindowSpan } from "./recent.ts"
import { checksum } from "./schema.ts"
import { Damage } from "./trouble.ts"
import { type Columns, numberIn, textIn } from "./values.ts"

export interface WindowTable {
  readonly spanOf: (windowId: WindowId) => WindowSpan | null
  /** The window before this one that has rows. */
  readonly before: (windowId: WindowId) => string | null
  /** The first row of this window or any later one. */
  readonly firstSeqSince: (windowId: string) => number | null
  readonly write: (windows: ReadonlyMap<WindowId, WindowSpan>) => void
  /** Rows up to `seq` are gone. */
  readonly cut: (seq: number) => void
}

export const makeWindowTable = (db: DatabaseSync, recent: () => Run): WindowTable => {
  const select = db.prepare("SELECT * FROM windows WHERE window_id = ?")
  const since = db.prepare("SELECT * FROM windows WHERE window_id >= ?")
  const before = db.prepare("SELECT max(window_id) AS window_id FROM windows WHERE window_id < ?")
  const replace = db.prepare("INSERT OR REPLACE INTO windows VALUES (?, ?, ?, ?)")
  const cut = db.prepare("DELETE FROM windows WHERE last_seq <= ?")

  const indexed = (windowId: WindowId): WindowSpan | null => {
    const columns = select.get(windowId)
    return columns === undefined ? null : checkedSpan(columns)
  }

  return {
    spanOf: (windowId) => joined(indexed(windowId), recent().windows.get(windowId) ?? null),
    before: (windowId) => {
      const ids: string[] = [...recent().windows.keys()]
      const inTable = before.get(windowId)?.window_id
      if (typeof inTable === "string") ids.push(inTable)
      return (
        ids
          .filter((id) => id < windowId)
          .sort()
          .at(-1) ?? null
      )
    },
    firstSeqSince: (windowId) => {
      const spans = since.all(windowId).map(checkedSpan)
      for (const [id, span] of recent().windows) if (id >= windowId) spans.push(span)
      return spans.length === 0 ? null : Math.min(...spans.map((span) => span.firstSeq))
    },
    write: (windows) => {
      for (const [windowId, span] of windows) {
        const { firstSeq, lastSeq } = joined(indexed(windowId), span) ?? span
        replace.run(windowId, firstSeq, lastSeq, checksum(windowId, firstSeq, lastSeq))
      }
    },
    cut: (seq) => {
      cut.run(seq)
    },
  }
}

const joined = (earlier: WindowSpan | null, later: WindowSpan | null): WindowSpan | null => {
  if (earlier === null || later === null) return earlier ?? later
  return { firstSeq: earlier.firstSeq, lastSeq: later.lastSeq }
}

const checkedSpan = (columns: Columns): WindowSpan => {
  const windowId = textIn(columns, "window_id")
  const firstSeq = numberIn(columns, "first_seq")
  const lastSeq = numberIn(columns, "last_seq")
  if (checksum(windowId, firstSeq, lastSeq) !== numberIn(columns, "crc"))
    throw new Damage(`the span of window ${windowId} does not match its checksum`)
  return { firstSeq, lastSeq }
}
