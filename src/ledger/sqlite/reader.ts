/**
 * A ledger read beside its holder: nothing is locked, nothing is made, nothing is changed.
 *
 * All of it is one snapshot, taken at the opening: sums of the tables and of the rows they do
 * not know yet belong together, and a holder that goes on writing must not move one of them.
 */
import { existsSync, type Stats, statSync } from "node:fs"
import { DatabaseSync } from "node:sqlite"
import { pathToFileURL } from "node:url"
import type { Row } from "../../../machines/budget/row.ts"
import {
  type Checkpoint,
  type LedgerReader,
  type LedgerService,
  LedgerUnavailable,
  type RolledUp,
} from "../ledger.ts"
import { checkHeader, checkIdentity, checkPages, checkRows, isEmpty } from "./check.ts"
import { readAsThisVersion } from "./earlier-version.ts"
import { makeStore, type Store } from "./store.ts"
import { troubleOf } from "./trouble.ts"
import { numberOf } from "./values.ts"

/** What a look at the file itself tells. */
export interface LedgerFacts {
  readonly bytes: number
  readonly version: number
  /** Rows that are kept one by one; older ones are sums. */
  readonly rows: number
  readonly lastSeq: number
  /** Who opened it last, in words; it may have ended since. */
  readonly holder: string
}

export interface SqliteReader extends LedgerReader, Pick<LedgerService, "path" | "recover"> {
  readonly facts: () => LedgerFacts
  /** Reads every page and every row; throws `LedgerUnavailable` (`damaged`) at the first bad one. */
  readonly check: () => void
  readonly close: () => void
}

/**
 * Opens the ledger at `path` for reading, beside a live holder or without one; null when there is
 * no ledger there yet. Rejects with `LedgerUnavailable` when the file is none, or damaged.
 */
export const openSqliteReader = async (path: string): Promise<SqliteReader | null> => {
  if (!existsSync(path)) return null
  return told(path, () => openReader(path))
}

const openReader = (path: string): SqliteReader | null => {
  checkHeader(path)
  const { db, unchanged } = openDatabase(path)
  try {
    // Sums of an earlier version are brought up to date there, and nothing may be made on disk.
    db.exec("PRAGMA temp_store = MEMORY")
    // A deferred transaction takes its snapshot with the first read.
    db.exec("BEGIN")
    if (isEmpty(db)) {
      db.close()
      return null
    }
    checkIdentity(db, path)
    readAsThisVersion(db)
    return readerOf(path, db, unchanged)
  } catch (error) {
    if (db.isOpen) db.close()
    throw error
  }
}

/**
 * Without a log beside it the file is complete and nobody writes it: to read it as immutable
 * leaves no index behind, as even a reader's ordinary connection would. A holder that begins
 * meanwhile writes its log first, and the file itself much later; that is found out.
 */
const openDatabase = (path: string) => {
  if (existsSync(`${path}-wal`))
    return { db: new DatabaseSync(path, { readOnly: true, timeout: 2_000 }), unchanged: () => true }
  const url = pathToFileURL(path)
  url.searchParams.set("immutable", "1")
  const before = statSync(path)
  const unchanged = () => isSameContent(before, statSync(path))
  return { db: new DatabaseSync(url, { readOnly: true }), unchanged }
}

const isSameContent = (a: Stats, b: Stats): boolean =>
  a.ino === b.ino && a.size === b.size && a.mtimeMs === b.mtimeMs

const readerOf = (path: string, db: DatabaseSync, unchanged: () => boolean): SqliteReader => {
  // A store that is never asked to write: what belongs to a writer alone has nothing to do.
  const note = { write: () => {}, close: () => {} }
  const epoch = numberOf(db.prepare("SELECT epoch FROM meta")) ?? 0
  const store = makeStore({ path, db, lock: db, note, epoch }, Number.POSITIVE_INFINITY)
  const ask = <A>(read: () => A): A =>
    told(path, () => {
      const answer = read()
      if (unchanged()) return answer
      throw changedMeanwhile(path)
    })
  return {
    path,
    find: async (id, key) => JSON.parse(ask(() => store.find(id, key))),
    rows: (query) => rowsOf(store, query, ask),
    history: (query) => historyOf(store, query, ask),
    recover: async () => {
      const checkpoint = ask(() => newestCheckpoint(store))
      const after = { fromSeq: (checkpoint?.seq ?? 0) + 1 }
      return { checkpoint, rows: rowsOf(store, after, ask) }
    },
    facts: () => ask(() => factsOf(path, db, store)),
    check: () =>
      ask(() => {
        checkPages(db)
        checkRows(db, true)
      }),
    close: () => db.close(),
  }
}

type Ask = <A>(read: () => A) => A

async function* rowsOf(
  store: Store,
  query: Parameters<LedgerReader["rows"]>[0],
  ask: Ask,
): AsyncGenerator<Row> {
  let next: number | null = 0
  while (next !== null) {
    const after: number = next
    const page = ask(() => store.rows(query, after, null))
    const rows: readonly Row[] = JSON.parse(page.json)
    yield* rows
    next = page.next
  }
}

async function* historyOf(
  store: Store,
  query: Parameters<LedgerReader["history"]>[0],
  ask: Ask,
): AsyncGenerator<RolledUp> {
  let after: RolledUp | null = null
  let more = true
  while (more) {
    const last: RolledUp | null = after
    const page: ReturnType<Store["history"]> = ask(() => store.history(query, last))
    yield* page.lines
    after = page.lines.at(-1) ?? null
    more = page.more
  }
}

const newestCheckpoint = (store: Store): Checkpoint | null => {
  const found = store.newestCheckpoint()
  return found === null ? null : { seq: found.seq, state: JSON.parse(found.state) }
}

const factsOf = (path: string, db: DatabaseSync, store: Store): LedgerFacts => ({
  bytes: statSync(path).size,
  version: numberOf(db.prepare("PRAGMA user_version")) ?? 0,
  rows: numberOf(db.prepare("SELECT count(*) FROM rows")) ?? 0,
  lastSeq: store.lastSeq(),
  holder: String(db.prepare("SELECT holder FROM meta").get()?.holder ?? ""),
})

const changedMeanwhile = (path: string): LedgerUnavailable =>
  new LedgerUnavailable({
    reason: "io",
    path,
    message: `The ledger ${path} was opened by another process while it was being read. Ask again.`,
  })

const told = <A>(path: string, read: () => A): A => {
  try {
    return read()
  } catch (error) {
    if (error instanceof LedgerUnavailable) throw error
    const { reason, message } = troubleOf(error, path)
    throw new LedgerUnavailable({ reason, path, message })
  }
}
