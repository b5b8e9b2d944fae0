/** What crosses between the main thread and the ledger's worker. */
import type { Window } from "../../../machines/budget/row.ts"
import type { AgentKey } from "../../../machines/vocabulary.ts"
import type { RolledUp, RowQuery } from "../ledger.ts"
import type { StoredCheckpoint } from "./checkpoints.ts"
import type { OpenOptions } from "./open.ts"
import type { RowPage } from "./store.ts"
import type { HistoryQuery } from "./sum-table.ts"
import type { Reason } from "./trouble.ts"

export interface WorkerInput {
  readonly path: string
  readonly options: OpenOptions
}

/** Each thing the worker does: what it is given, and what it answers. */
export interface Operations {
  readonly write: [{ readonly firstSeq: number; readonly bodies: readonly string[] }, null]
  readonly find: [{ readonly id: string; readonly key: AgentKey | undefined }, string]
  readonly rows: [
    { readonly query: RowQuery; readonly after: number; readonly to: number | null },
    RowPage,
  ]
  readonly history: [
    { readonly query: HistoryQuery; readonly after: RolledUp | null },
    { readonly lines: readonly RolledUp[]; readonly more: boolean },
  ]
  readonly checkpoint: [StoredCheckpoint, null]
  readonly newestCheckpoint: [null, StoredCheckpoint | null]
  readonly retainable: [{ readonly openWindow: Window; readonly retentionDays: number }, number]
  readonly drop: [number, { readonly dropped: number; readonly done: boolean }]
  readonly limitPages: [number, null]
  readonly close: [null, null]
}

export type Operation = keyof Operations
export type Input<O extends Operation> = Operations[O][0]
export type Output<O extends Operation> = Operations[O][1]

export type Request<O extends Operation = Operation> = {
  readonly [K in O]: { readonly id: number; readonly operation: K; readonly input: Input<K> }
}[O]

export interface Refused {
  readonly reason: Reason
  readonly message: string
}

/** The first message says how opening went; each later one answers a request. */
export type Opening =
  | { readonly opened: { readonly epoch: number; readonly lastSeq: number } }
  | { readonly refused: Refused }

export type Reply =
  | { readonly id: number; readonly output: Output<Operation> }
  | { readonly id: number; readonly refused: Refused }
