/**
 * What follows from the rows: lookups, agents' names, windows' spans, sums.
 *
 * The tables know the rows up to `indexedTo`, a run in memory knows the rest. A full run goes
 * into the tables with the next rows, in one transaction with `indexed_to`, so that sums are
 * added exactly once.
 */
import type { DatabaseSync } from "node:sqlite"
import type { Corrected, Row } from "../../../machines/budget/row.ts"
import type { RolledUp } from "../ledger.ts"
import { carries } from "../lookup.ts"
import { type Addition, additionOf, lineId, lineOf, plus } from "../sums.ts"
import { makeAgentTable } from "./agent-table.ts"
import { makeLookupTable } from "./lookup-table.ts"
import { addToRun, emptyRun, hashesOf, lastSeqOf, rowsIn, seqsInRun } from "./recent.ts"
import { makeSumTable, type SumTable } from "./sum-table.ts"
import { makeWindowTable, type WindowTable } from "./window-table.ts"

export interface Derived {
  /** Takes a row that is committed; in order of `seq`. */
  readonly add: (row: Row) => void
  /** What a row adds to history, and to which line, still empty; null for one that is no call. */
  readonly additionTo: (row: Row) => { readonly addition: Addition; readonly line: RolledUp } | null
  readonly indexedTo: () => number
  /** Rows that may carry what was hashed, in order; stops soon after `limit`. */
  readonly seqsOf: (hash: number, after: number, to: number, limit: number) => readonly number[]
  /**
   * Writes the run into the tables if it is full, or whatever it holds. Call within a
   * transaction, and what it returns once that is committed.
   */
  readonly writeRun: (when: "full" | "now") => () => void
  /** Takes rows that are being dropped out of the tables; called like `writeRun`. */
  readonly forget: (rows: readonly Row[]) => () => void
  readonly windows: WindowTable
  readonly sums: SumTable
}

export const makeDerived = (
  db: DatabaseSync,
  options: {
    readonly indexedTo: number
    /** How many rows a run gathers before it is written. */
    readonly runRows: number
    /** The first row that is still kept. */
    readonly firstSeq: () => number
    readonly readRow: (seq: number) => Row
  },
): Derived => {
  const advance = db.prepare("UPDATE meta SET indexed_to = ?")
  let recent = emptyRun(options.indexedTo + 1)
  const recentRun = () => recent
  const lookups = makeLookupTable(db)
  const agents = makeAgentTable(db, recentRun)
  const windows = makeWindowTable(db, recentRun)
  const sums = makeSumTable(db, recentRun)

  const seqsOf: Derived["seqsOf"] = (hash, after, to, limit) => {
    const from = Math.max(after + 1, options.firstSeq())
    const seqs = lookups.seqsOf(hash, from, to, limit)
    if (seqs.length >= limit) return seqs
    return [...seqs, ...seqsInRun(recent, hash).filter((seq) => seq >= from && seq <= to)]
  }

  /** A correction names its call and not its model. */
  const modelOf = (corrected: Corrected): string | null => {
    const hash = hashesOf(corrected)[0]
    const id = "holdId" in corrected.ref ? corrected.ref.holdId : corrected.ref.usageId
    for (const seq of seqsOf(hash, 0, corrected.seq - 1, Number.POSITIVE_INFINITY)) {
      const row = options.readRow(seq)
      if ("model" in row && carries(row, id, corrected.key)) return row.model
    }
    return null
  }

  const additionTo: Derived["additionTo"] = (row) => {
    const addition = additionOf(row, modelOf)
    return addition && { addition, line: lineOf(addition, agents.namesOf(addition.key)) }
  }

  const addToSums = (row: Row): void => {
    const found = additionTo(row)
    if (found === null) return
    const id = lineId(found.line)
    recent.sums.set(id, plus(recent.sums.get(id) ?? found.line, found.addition))
  }

  return {
    add: (row) => {
      addToRun(recent, row)
      addToSums(row)
    },
    additionTo,
    indexedTo: () => recent.firstSeq - 1,
    seqsOf,
    writeRun: (when) => {
      const run = recent
      if (rowsIn(run) < (when === "full" ? options.runRows : 1)) return () => {}
      const written = lookups.write(run)
      agents.write(run.agents)
      windows.write(run.windows)
      sums.write(run.sums)
      advance.run(lastSeqOf(run))
      return () => {
        recent = emptyRun(lastSeqOf(run) + 1)
        written()
      }
    },
    forget: (rows) => {
      for (const row of rows) if (row.kind === "ended") agents.forget(row.key)
      const last = rows.at(-1)
      if (last === undefined) return () => {}
      windows.cut(last.seq)
      return lookups.cut(last.seq + 1)
    },
    windows,
    sums,
  }
}
