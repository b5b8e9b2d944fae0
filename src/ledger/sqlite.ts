/** The ledger in a file: SQLite in a thread of its own, one writer, one fsync for all who wait. */
import { resolve } from "node:path"
import type { Worker } from "node:worker_threads"
import type { Row } from "../../machines/budget/row.ts"
import {
  type Checkpoint,
  type LedgerService,
  LedgerUnavailable,
  type RolledUp,
  type RowQuery,
} from "./ledger.ts"
import { type LedgerThread, startThread } from "./sqlite/thread.ts"
import { makeWriteQueue } from "./sqlite/write-queue.ts"

export interface SqliteLedgerOptions {
  /** At most this many rows in one transaction. */
  readonly maxBatchRows?: number
  /** Pause after a failed write: the first, and the longest it grows to. */
  readonly firstRetryMs?: number
  readonly lastRetryMs?: number
  /** Files up to this size are checked in full when opened; larger ones from their checkpoint on. */
  readonly fullCheckBytes?: number
  /** How many rows are gathered before lookups and sums are written; as many are read again at a start. */
  readonly runRows?: number
  /** A thread from `beginThread`, begun while the rest was still being read. */
  readonly thread?: Worker
}

export interface SqliteLedger extends LedgerService {
  /** Bounds the file to so many pages of 4096 bytes; past that, writing fails as on a full disk. */
  readonly limitPages: (pages: number) => Promise<void>
}

/**
 * Opens the ledger at `path`, making it and its folder if there is none; rejects with
 * `LedgerUnavailable`, and then nothing in the file has changed.
 */
export const openSqliteLedger = async (
  path: string,
  options: SqliteLedgerOptions = {},
): Promise<SqliteLedger> => {
  const file = filePath(path)
  const thread = await startThread(
    {
      path: file,
      options: {
        fullCheckBytes: options.fullCheckBytes ?? 2 ** 20,
        runRows: options.runRows ?? 16_384,
      },
    },
    options.thread,
  )
  const queue = makeWriteQueue({
    path: file,
    lastSeq: thread.lastSeq,
    maxBatchRows: options.maxBatchRows ?? 1_024,
    firstRetryMs: options.firstRetryMs ?? 250,
    lastRetryMs: options.lastRetryMs ?? 5_000,
    write: (firstSeq, bodies) => thread.ask("write", { firstSeq, bodies }),
  })
  const { append, durable, onHealth, pendingRows } = queue
  let closing: Promise<void> | null = null
  return {
    path: file,
    epoch: thread.epoch,
    append,
    durable,
    onHealth,
    pendingRows,
    checkpoint: async ({ seq, state }) => {
      const saved = { seq, state: JSON.stringify(state) }
      await durable(seq)
      await thread.ask("checkpoint", saved)
    },
    find: async (id, key) => JSON.parse(await thread.ask("find", { id, key })),
    rows: (query) => readRows(thread, query),
    history: (query) => readHistory(thread, query),
    recover: async () => {
      const checkpoint = await readCheckpoint(thread)
      return { checkpoint, rows: readRows(thread, { fromSeq: (checkpoint?.seq ?? 0) + 1 }) }
    },
    retain: (window) => retain(thread, window),
    limitPages: async (pages) => {
      await thread.ask("limitPages", pages)
    },
    close: () => {
      closing ??= queue.close().finally(() => endThread(thread))
      return closing
    },
  }
}

const filePath = (path: string): string => {
  if (path !== "" && path !== ":memory:" && !path.includes("\0")) return resolve(path)
  throw new LedgerUnavailable({
    reason: "io",
    path,
    message: `A ledger is a file, and "${path}" names none. Name one, or leave the ledger out to keep it in memory.`,
  })
}

/** Asks for the next page before this one is used up, so that both threads read at once. */
async function* readRows(thread: LedgerThread, query: RowQuery): AsyncGenerator<Row> {
  const ask = (after: number, to: number | null) => {
    const page = thread.ask("rows", { query, after, to })
    // Whoever stops reading early never looks at the page asked for ahead.
    page.catch(() => {})
    return page
  }
  let coming: ReturnType<typeof ask> | null = ask(0, null)
  while (coming !== null) {
    const { json, next, to }: Awaited<ReturnType<typeof ask>> = await coming
    coming = next === null ? null : ask(next, to)
    const rows: readonly Row[] = JSON.parse(json)
    yield* rows
  }
}

async function* readHistory(
  thread: LedgerThread,
  query: { readonly fromWindow?: string; readonly toWindow?: string },
): AsyncGenerator<RolledUp> {
  let after: RolledUp | null = null
  let more = true
  while (more) {
    const page: { lines: readonly RolledUp[]; more: boolean } = await thread.ask("history", {
      query,
      after,
    })
    yield* page.lines
    after = page.lines.at(-1) ?? null
    more = page.more
  }
}

const readCheckpoint = async (thread: LedgerThread): Promise<Checkpoint | null> => {
  const found = await thread.ask("newestCheckpoint", null)
  return found === null ? null : { seq: found.seq, state: JSON.parse(found.state) }
}

/** Step by step, so that rows are written in between. */
const retain = async (
  thread: LedgerThread,
  window: Parameters<LedgerService["retain"]>[0],
): Promise<{ readonly droppedRows: number }> => {
  const seq = await thread.ask("retainable", window)
  let droppedRows = 0
  let done = seq === 0
  while (!done) {
    const step = await thread.ask("drop", seq)
    droppedRows += step.dropped
    done = step.done
  }
  return { droppedRows }
}

const endThread = async (thread: LedgerThread): Promise<void> => {
  await thread.ask("close", null)
  await thread.ended
}
