/**
 * A ledger of the first version, whose sums know no money, as one of this version.
 *
 * Its rows are the same. Of a sum only the rows that are still kept can say what its calls cost;
 * the other calls have no known price. Whoever writes the ledger changes the file, all of it or
 * nothing; who only reads it puts sums of this version before those of the file, in memory.
 */
import type { DatabaseSync } from "node:sqlite"
import type { RolledUp } from "../ledger.ts"
import { lineId } from "../sums.ts"
import { type Derived, makeDerived } from "./derived.ts"
import { makeRowReader } from "./row-reader.ts"
import { SCHEMA, VERSION } from "./schema.ts"
import { checkedLineWithoutMoney } from "./sum-table.ts"
import { numberOf } from "./values.ts"

/** In one transaction of its own; throws with the file as it was. */
export const bringUpToDate = (db: DatabaseSync): void => {
  if (isOfThisVersion(db)) return
  db.exec("BEGIN IMMEDIATE")
  try {
    db.exec(`ALTER TABLE sums RENAME TO earlier_sums; ${SCHEMA.sums}`)
    addMoney(db, "earlier_sums")
    db.exec(`DROP TABLE earlier_sums; PRAGMA user_version = ${VERSION}`)
    db.exec("COMMIT")
  } catch (error) {
    // Some errors have rolled back already.
    if (db.isTransaction) db.exec("ROLLBACK")
    throw error
  }
}

/** For a connection that cannot write. A table of its own is found before that of the file. */
export const readAsThisVersion = (db: DatabaseSync): void => {
  if (isOfThisVersion(db)) return
  db.exec(SCHEMA.sums.replace("CREATE TABLE", "CREATE TEMP TABLE"))
  addMoney(db, "main.sums")
}

const isOfThisVersion = (db: DatabaseSync): boolean =>
  numberOf(db.prepare("PRAGMA user_version")) === VERSION

const addMoney = (db: DatabaseSync, earlier: "earlier_sums" | "main.sums"): void => {
  const derived = derivedOf(db)
  const lines = new Map<string, RolledUp>()
  for (const columns of db.prepare(`SELECT * FROM ${earlier}`).iterate()) {
    const line = checkedLineWithoutMoney(columns)
    lines.set(lineId(line), line)
    if (lines.size < LINES_AT_ONCE) continue
    derived.sums.write(lines)
    lines.clear()
  }
  derived.sums.write(lines)
  derived.sums.write(moneyOfRows(db, derived))
}

const LINES_AT_ONCE = 10_000

/** Differences to the sums: each call that has a price after all is one less without. */
const moneyOfRows = (db: DatabaseSync, derived: Derived): ReadonlyMap<string, RolledUp> => {
  const reader = makeRowReader(db)
  const lines = new Map<string, RolledUp>()
  const withMoney = db.prepare(
    `SELECT seq FROM rows WHERE seq <= ? AND instr(body, 'MicroUsd"') > 0 ORDER BY seq`,
  )
  for (const { seq } of withMoney.iterate(derived.indexedTo())) {
    const found = derived.additionTo(JSON.parse(reader.one(Number(seq))))
    if (found === null) continue
    const { addition, line } = found
    const id = lineId(line)
    const { calls, costMicroUsd, unpricedCalls } = addition
    const known = lines.get(id) ?? line
    lines.set(id, {
      ...known,
      costMicroUsd: known.costMicroUsd + costMicroUsd,
      unpricedCalls: known.unpricedCalls + unpricedCalls - calls,
    })
  }
  return lines
}

const derivedOf = (db: DatabaseSync): Derived => {
  const reader = makeRowReader(db)
  const firstSeq = numberOf(db.prepare("SELECT min(seq) FROM rows")) ?? 1
  return makeDerived(db, {
    indexedTo: numberOf(db.prepare("SELECT indexed_to FROM meta")) ?? 0,
    runRows: Number.POSITIVE_INFINITY,
    firstSeq: () => firstSeq,
    readRow: (seq) => JSON.parse(reader.one(seq)),
  })
}
