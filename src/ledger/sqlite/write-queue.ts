/**
 * Group commit: while one batch is being written, the next one gathers. Rows that nobody waits for
 * linger, so that they go with the next that somebody does: a call that is held, and settled just
 * before, costs one fsync and waits for no other.
 *
 * Rows stay here until they are on disk. When writing fails everybody who waits is told, the
 * rows stay in order, and writing is tried again: after a pause that grows, or sooner when
 * more rows come.
 */
import { LedgerUnavailable, type LedgerWriter, type Patience } from "../ledger.ts"

export interface WriteQueueOptions {
  readonly path: string
  /** The last row on disk. */
  readonly lastSeq: number
  readonly maxBatchRows: number
  /** The first pause after a failure, doubled with each up to the last; also between tries that new rows cause. */
  readonly firstRetryMs: number
  readonly lastRetryMs: number
  /** Writes rows as JSON from row `firstSeq` on; all or none, rejecting with `LedgerUnavailable`. */
  readonly write: (firstSeq: number, bodies: readonly string[]) => Promise<unknown>
}

export interface WriteQueue
  extends Pick<LedgerWriter, "append" | "durable" | "onHealth" | "pendingRows"> {
  /** Takes no more rows; resolves when all are written, rejects when they cannot be. */
  readonly close: () => Promise<void>
}

interface Waiter {
  readonly seq: number
  readonly resolve: () => void
  readonly reject: (error: LedgerUnavailable) => void
}

/** Writing cannot begin to work again within this process. */
const isFinal = ({ reason }: LedgerUnavailable): boolean =>
  reason === "fenced" || reason === "damaged" || reason === "closed"

/** How long rows linger that nobody waits for; those of a busy supervisor go sooner, with others. */
const LINGER_MS = 5

export const makeWriteQueue = (options: WriteQueueOptions): WriteQueue => {
  /** In a list: a map that grows and shrinks holds who was in it until the next full collection. */
  let waiters: Waiter[] = []
  const listeners = new Set<(error: LedgerUnavailable | null) => void>()
  /** Not on disk yet, as JSON: `bodies[head]` is row `durableSeq + 1`. */
  let bodies: string[] = []
  let head = 0
  let durableSeq = options.lastSeq
  let appendedSeq = options.lastSeq
  let busy = false
  let closing = false
  let failure: LedgerUnavailable | null = null
  let pauseMs = options.firstRetryMs
  let triedAt = 0
  let retry: NodeJS.Timeout | null = null
  let lingering: NodeJS.Timeout | null = null
  /** Up to this row somebody is waiting. */
  let urgentSeq = 0

  const pendingRows = (): number => bodies.length - head

  const tell = (error: LedgerUnavailable | null): void => {
    for (const listener of listeners) listener(error)
  }

  const onWritten = (rows: number): void => {
    busy = false
    head += rows
    if (head === bodies.length || head >= options.maxBatchRows * 4) {
      bodies = bodies.slice(head)
      head = 0
    }
    durableSeq += rows
    pauseMs = options.firstRetryMs
    const recovered = failure !== null && !isFinal(failure)
    if (recovered) failure = null
    release()
    if (pendingRows() > 0 && isUrgent()) flush()
    else wake()
    if (recovered) tell(null)
  }

  const release = (): void => {
    const served = waiters.filter(({ seq }) => seq <= durableSeq)
    waiters = waiters.filter(({ seq }) => seq > durableSeq)
    for (const { resolve } of served) resolve()
  }

  const fail = (error: LedgerUnavailable): void => {
    const first = failure === null
    if (first || isFinal(error)) failure = error
    const refused = waiters
    waiters = []
    for (const { reject } of refused) reject(error)
    if (first) tell(error)
  }

  const onFailed = (error: LedgerUnavailable): void => {
    busy = false
    if (!closing && !isFinal(error)) {
      retry = setTimeout(flush, pauseMs)
      retry.unref()
      pauseMs = Math.min(options.lastRetryMs, pauseMs * 2)
    }
    fail(error)
  }

  const flush = (): void => {
    if (retry !== null) clearTimeout(retry)
    if (lingering !== null) clearTimeout(lingering)
    retry = null
    lingering = null
    busy = true
    triedAt = performance.now()
    const batch = bodies.slice(head, head + options.maxBatchRows)
    options.write(durableSeq + 1, batch).then(() => onWritten(batch.length), onFailed)
  }

  const isUrgent = (): boolean => urgentSeq > durableSeq || pendingRows() >= options.maxBatchRows

  /** Begins a batch at the end of this turn, so that all rows of the turn are in it; or lets it linger. */
  const wake = (): void => {
    if (isUrgent()) begin()
    else if (!busy && pendingRows() > 0) lingering ??= setTimeout(endLingering, LINGER_MS)
  }

  const endLingering = (): void => {
    lingering = null
    begin()
  }

  const begin = (): void => {
    if (busy || pendingRows() === 0) return
    if (failure !== null) {
      const early = performance.now() - triedAt < options.firstRetryMs
      if (early || isFinal(failure)) return
    }
    busy = true
    setImmediate(flush)
  }

  const written = (seq: number): Promise<void> =>
    new Promise((resolve, reject) => waiters.push({ seq, resolve, reject }))

  const durable = (seq: number, patience: Patience = "urgent"): Promise<void> => {
    if (seq <= durableSeq) return Promise.resolve()
    if (failure !== null) return Promise.reject(failure)
    if (closing && seq > appendedSeq) return Promise.reject(closedError(options.path))
    if (patience === "urgent" && seq > urgentSeq) {
      urgentSeq = seq
      wake()
    }
    return written(seq)
  }

  return {
    append: (rows) => {
      // What can never be written is not gathered either: `close` tells that it is missing.
      if (closing || (failure !== null && isFinal(failure))) return
      for (const row of rows) {
        if (row.seq !== appendedSeq + 1) {
          fail(holeError(options.path, appendedSeq, row.seq))
          return
        }
        appendedSeq = row.seq
        bodies.push(JSON.stringify(row))
      }
      wake()
    },
    durable,
    onHealth: (listener) => {
      listeners.add(listener)
      return () => {
        listeners.delete(listener)
      }
    },
    pendingRows,
    close: async () => {
      closing = true
      if (failure !== null && isFinal(failure)) throw failure
      if (pendingRows() === 0) return
      // A last try now instead of after a pause; what is under way decides otherwise.
      if (!busy) flush()
      await written(appendedSeq)
    },
  }
}

const closedError = (path: string): LedgerUnavailable =>
  new LedgerUnavailable({
    reason: "closed",
    path,
    message: `The ledger ${path} is closed. Open it again.`,
  })

const holeError = (path: string, last: number, next: number): LedgerUnavailable =>
  new LedgerUnavailable({
    reason: "fenced",
    path,
    message: `Row ${next} was given to the ledger ${path} after row ${last}; rows follow one another. Nothing more is written. Start again from the ledger.`,
  })
