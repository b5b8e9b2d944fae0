/**
 * Looks a ledger file over before anything is written to it, through a connection that cannot write.
 *
 * Always: that the file is ours and of a version we know, that a checkpoint can be read, that
 * the rows after it follow one another with good checksums, and that the last acknowledged row
 * is there. A file that is small is read in full; a large one would make every start slow, so
 * its older rows are checked when they are read.
 */
import { closeSync, existsSync, openSync, readSync, statSync } from "node:fs"
import { DatabaseSync } from "node:sqlite"
import { acknowledgedSeq } from "./acknowledged.ts"
import { checkpointsIn } from "./checkpoints.ts"
import { eachRow, makeRowReader } from "./row-reader.ts"
import { APPLICATION_ID, schemaOf, VERSION } from "./schema.ts"
import { Damage, Trouble } from "./trouble.ts"
import { numberOf } from "./values.ts"

/** `absent` has no file or an empty one, and may be made anew. */
export type Found = "absent" | "ledger"

export const inspect = (path: string, fullCheckBytes: number): Found => {
  if (!existsSync(path)) return "absent"
  checkHeader(path)
  const db = new DatabaseSync(path, { readOnly: true, timeout: 1_000 })
  try {
    const acknowledged = acknowledgedSeq(path)
    if (isEmpty(db)) {
      if (acknowledged > 0) throw missingTail(path, 0, acknowledged)
      return "absent"
    }
    checkIdentity(db, path)
    const full = statSync(path).size <= fullCheckBytes
    if (full) checkPages(db)
    const last = checkRows(db, full)
    if (last < acknowledged) throw missingTail(path, last, acknowledged)
    return "ledger"
  } finally {
    db.close()
  }
}

/** Of an unknown file format SQLite would say less: that it is read-only, or nothing. */
export const checkHeader = (path: string): void => {
  const header = Buffer.alloc(20)
  const file = openSync(path, "r")
  const read = readSync(file, header)
  closeSync(file)
  const known = header.toString("latin1", 0, 16) === "SQLite format 3\0"
  const formats = [header.readUInt8(18), header.readUInt8(19)]
  if (read > 0 && !(known && formats.every((format) => format === 1 || format === 2)))
    throw new Damage("it does not begin as a database does")
}

/** An interrupted first opening leaves a database without tables. */
export const isEmpty = (db: DatabaseSync): boolean =>
  numberOf(db.prepare("SELECT count(*) FROM sqlite_schema")) === 0 &&
  numberOf(db.prepare("PRAGMA application_id")) === 0

export const checkIdentity = (db: DatabaseSync, path: string): void => {
  if (numberOf(db.prepare("PRAGMA application_id")) !== APPLICATION_ID)
    throw new Damage("it is a database, but not a ledger of Stint")
  const version = numberOf(db.prepare("PRAGMA user_version"))
  if (version !== null && version > VERSION)
    throw new Trouble(
      "newer_version",
      `The ledger ${path} has version ${version}; this Stint knows versions up to ${VERSION}. Use the newer Stint that wrote it, or name another file.`,
    )
  const tables = db.prepare("SELECT name, sql FROM sqlite_schema ORDER BY name").all()
  const schema = schemaOf(version)
  const expected = Object.entries(schema ?? {}).sort(([a], [b]) => (a < b ? -1 : 1))
  const same =
    schema !== undefined &&
    tables.length === expected.length &&
    expected.every(([name, sql], at) => tables[at]?.name === name && tables[at]?.sql === sql)
  if (!same) throw new Damage(`its tables are not those of version ${version}`)
}

export const checkPages = (db: DatabaseSync): void => {
  const answer = Object.values(db.prepare("PRAGMA integrity_check(1)").get() ?? {})[0]
  if (answer !== "ok") throw new Damage(String(answer))
}

/** Returns the last row's `seq`. */
export const checkRows = (db: DatabaseSync, full: boolean): number => {
  const checkpoint = checkpointsIn(db)[0]?.seq ?? 0
  const first = numberOf(db.prepare("SELECT min(seq) FROM rows")) ?? checkpoint + 1
  const last = numberOf(db.prepare("SELECT max(seq) FROM rows")) ?? checkpoint
  if (first > checkpoint + 1)
    throw new Damage(
      `rows ${checkpoint + 1} to ${first - 1} are missing, and no checkpoint that can be read covers them`,
    )
  const indexedTo = numberOf(db.prepare("SELECT indexed_to FROM meta")) ?? 0
  const unchecked = full ? first : Math.max(first, Math.min(checkpoint, indexedTo) + 1)
  eachRow(makeRowReader(db), unchecked, last, () => {})
  return Math.max(last, checkpoint)
}

const missingTail = (path: string, last: number, acknowledged: number): Damage =>
  new Damage(
    `row ${acknowledged} was acknowledged, and the file ends with row ${last}. To go on with what is left, remove ${path}-acked`,
  )
