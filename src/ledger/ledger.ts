/**
 * The ledger port: an append-only sequence of rows with one writer.
 *
 * Order of things: the budget decides and folds in memory, `append` takes the rows without
 * waiting, and whatever must not happen before it is on disk (a spawn, a forwarded call, a
 * reply) waits for `durable(seq)`. One fsync serves every caller waiting.
 */
import * as Context from "effect/Context"
import * as Schema from "effect/Schema"
import type { Row, Window } from "../../machines/budget/row.ts"
import type { AgentKey, Instant, WindowId } from "../../machines/vocabulary.ts"

/** The ledger cannot be used, or cannot be written right now; `reason` says why, `message` what to do. */
export class LedgerUnavailable extends Schema.TaggedError<LedgerUnavailable>()(
  "LedgerUnavailable",
  {
    reason: Schema.Literals([
      "locked",
      "damaged",
      "newer_version",
      "read_only",
      "full",
      "no_locks",
      "fenced",
      "closed",
      "io",
    ]),
    path: Schema.String,
    message: Schema.String,
  },
) {}

/** A saved fold: the state after row `seq`, as plain JSON made by `machines/budget/checkpoint`. */
export interface Checkpoint {
  readonly seq: number
  readonly state: unknown
}

/** Which past rows to read; bounds are inclusive, absent means no bound. Always in order of `seq`. */
export interface RowQuery {
  readonly fromSeq?: number
  readonly toSeq?: number
  readonly fromAt?: Instant
  readonly toAt?: Instant
  readonly windowId?: WindowId
  readonly key?: AgentKey
  readonly kinds?: readonly Row["kind"][]
}

/** One line of history, summed; what is left of rows older than the retention. */
export interface RolledUp {
  readonly windowId: WindowId
  readonly agentId: string
  readonly taskId: string
  readonly model: string | null
  readonly calls: number
  readonly inputTokens: number
  readonly outputTokens: number
  readonly cacheWriteTokens: number
  readonly cacheReadTokens: number
  readonly tokens: number
  readonly costMicroUsd: number
  /** Calls whose cost nobody knows, and which `costMicroUsd` does not hold. */
  readonly unpricedCalls: number
}

export interface LedgerWriter {
  /** Takes rows in order of `seq`, never throws and never blocks; keeps them until they are written. */
  readonly append: (rows: readonly Row[]) => void
  /**
   * Resolves when row `seq` (and so every row before it) is on disk. Rejects with
   * `LedgerUnavailable` as soon as writing fails; the rows stay queued and are written, once and
   * in order, when writing succeeds again. Whoever is `patient` holds nothing up: its rows go with
   * the next that somebody is waiting for, or a few milliseconds later.
   */
  readonly durable: (seq: number, patience?: Patience) => Promise<void>
  /** Called once at each change: an error when writing begins to fail, null when it works again. */
  readonly onHealth: (listener: (error: LedgerUnavailable | null) => void) => () => void
  /** How many rows wait to be written. */
  readonly pendingRows: () => number
  /** Saves a fold so that the next start need not read the rows before it. Resolves when durable. */
  readonly checkpoint: (checkpoint: Checkpoint) => Promise<void>
}

export type Patience = "urgent" | "patient"

export interface LedgerReader {
  /** Rows that carry this request id, hold id or (with `key`) usage id; in order, durable ones only. */
  readonly find: (id: string, key?: AgentKey) => Promise<readonly Row[]>
  /** Past rows, page by page, constant memory. */
  readonly rows: (query: RowQuery) => AsyncIterable<Row>
  /** Sums of calls by window, agent, task and model: rolled-up days and kept rows together. */
  readonly history: (query: {
    readonly fromWindow?: WindowId
    readonly toWindow?: WindowId
  }) => AsyncIterable<RolledUp>
}

export interface LedgerService extends LedgerWriter, LedgerReader {
  /** Where it is, for messages; `memory` for the one without a file. */
  readonly path: string
  /** Grows by one at each opening; written with every row, so an old writer is fenced off. */
  readonly epoch: number
  /** What to start from: the newest checkpoint, then the rows after it in order. */
  readonly recover: () => Promise<{
    readonly checkpoint: Checkpoint | null
    readonly rows: AsyncIterable<Row>
  }>
  /** Rolls rows of closed windows older than the retention up into sums, and drops them. */
  readonly retain: (options: {
    readonly openWindow: Window
    readonly retentionDays: number
  }) => Promise<{ readonly droppedRows: number }>
  /** Writes what waits, then lets go of the lock. Rejects if something could not be written. */
  readonly close: () => Promise<void>
}

export class Ledger extends Context.Service<Ledger, LedgerService>()("stint/ledger/Ledger") {}
