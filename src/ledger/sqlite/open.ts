/** Opening: the folder, the lock, a look at what is there, and only then the first write. */
import {
  chmodSync,
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  realpathSync,
  rmSync,
  statSync,
} from "node:fs"
import { basename, dirname, join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { type AcknowledgedNote, forgetNote, openNote } from "./acknowledged.ts"
import { inspect } from "./check.ts"
import { bringUpToDate } from "./earlier-version.ts"
import { holderName, takeLock } from "./lock.ts"
import { APPLICATION_ID, SCHEMA, VERSION } from "./schema.ts"
import { noLocks, notMade, Trouble } from "./trouble.ts"
import { numberOf } from "./values.ts"

export interface OpenOptions {
  /** Files up to this size are checked in full. */
  readonly fullCheckBytes: number
  /** How many rows are gathered before what follows from them is written. */
  readonly runRows: number
}

/** Everything a writer holds. */
export interface OpenFiles {
  readonly path: string
  readonly db: DatabaseSync
  readonly lock: DatabaseSync
  readonly note: AcknowledgedNote
  readonly epoch: number
}

export const openFiles = (path: string, options: OpenOptions): OpenFiles => {
  const file = preparePath(path)
  const lock = takeLock(file)
  const before = [`${file}-wal`, `${file}-shm`].filter((beside) => existsSync(beside))
  try {
    return { path: file, lock, ...openDatabase(file, options) }
  } catch (error) {
    tidy(file, before)
    lock.close()
    throw error
  }
}

const openDatabase = (path: string, options: OpenOptions) => {
  const found = inspect(path, options.fullCheckBytes)
  if (found === "absent") forgetNote(path)
  const db = new DatabaseSync(path, { timeout: 2_000 })
  try {
    if (found === "absent") chmodSync(path, 0o600)
    tune(db, path)
    if (found === "absent") create(db, path)
    bringUpToDate(db)
    const epoch = raiseEpoch(db)
    return { db, epoch, note: openNote(path) }
  } catch (error) {
    db.close()
    throw error
  }
}

/** A refused ledger is left as it was found: without the index and empty log that looking made. */
const tidy = (path: string, before: readonly string[]): void => {
  const [log, index] = [`${path}-wal`, `${path}-shm`]
  if (!before.includes(index)) rmSync(index, { force: true })
  if (!before.includes(log) && existsSync(log) && statSync(log).size === 0) rmSync(log)
}

/** What is written is checkpointed into the file, and the lock is let go last. */
export const closeFiles = ({ db, lock, note }: OpenFiles): void => {
  try {
    note.close()
    db.close()
  } finally {
    lock.close()
  }
}

/** Makes the folder and follows links, so that two names of one ledger share its lock. */
const preparePath = (path: string): string => {
  const folder = dirname(path)
  makeFolder(folder, path)
  const file = existsSync(path) ? realpathSync(path) : join(realpathSync(folder), basename(path))
  if (existsSync(file) && !statSync(file).isFile())
    throw new Trouble(
      "io",
      `The ledger ${path} is not a file. Name a file, for instance ${join(path, "stint.db")}.`,
    )
  return file
}

/**
 * Each missing folder by itself, from the top: where one can never be made, as in /proc, Node's
 * own `recursive` tries for ever.
 */
const makeFolder = (folder: string, path: string): void => {
  if (existsSync(folder)) return
  makeFolder(dirname(folder), path)
  try {
    mkdirSync(folder, { mode: 0o700 })
  } catch (error) {
    if (!existsSync(folder)) throw notMade(folder, path, error)
  }
}

const tune = (db: DatabaseSync, path: string): void => {
  const mode = db.prepare("PRAGMA journal_mode = WAL").get()?.journal_mode
  if (mode !== "wal") throw noLocks(path)
  db.exec(`
    PRAGMA synchronous = FULL;
    PRAGMA fullfsync = ON;
    PRAGMA wal_autocheckpoint = ${WAL_PAGES};
    PRAGMA journal_size_limit = ${WAL_PAGES * 4096};
    PRAGMA cache_size = -32768;
  `)
}

/** Pages between checkpoints of the log: more of them write a page changed often less often. */
const WAL_PAGES = 4_096

const create = (db: DatabaseSync, path: string): void => {
  db.exec(`
    BEGIN IMMEDIATE;
    ${Object.values(SCHEMA).join(";\n")};
    INSERT INTO meta (id, epoch, holder, indexed_to) VALUES (1, 0, '', 0);
    PRAGMA application_id = ${APPLICATION_ID};
    PRAGMA user_version = ${VERSION};
    COMMIT;
  `)
  syncFolder(dirname(path))
}

/** The file's own name in its folder has to survive a power cut too. */
const syncFolder = (folder: string): void => {
  if (process.platform === "win32") return
  const descriptor = openSync(folder, "r")
  try {
    fsyncSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
}

const raiseEpoch = (db: DatabaseSync): number => {
  db.prepare("UPDATE meta SET epoch = epoch + 1, holder = ?").run(holderName())
  return numberOf(db.prepare("SELECT epoch FROM meta")) ?? 0
}
