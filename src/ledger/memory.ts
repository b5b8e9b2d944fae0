/**
 * The ledger without a file: the same contract, durable at the end of the turn, gone with the
 * process. Keeps the newest rows only, so that it stays small however long it runs.
 */
import type { Row } from "../../machines/budget/row.ts"
import type { AgentKey } from "../../machines/vocabulary.ts"
import {
  type Checkpoint,
  type LedgerService,
  LedgerUnavailable,
  type RolledUp,
  type RowQuery,
} from "./ledger.ts"
import { carries, matches, refOf, refsOf, windowOf } from "./lookup.ts"
import { oldestKeptWindow } from "./retention.ts"
import { additionOf, byLine, lineId, lineOf, type Names, plus } from "./sums.ts"

export interface MemoryLedgerOptions {
  /** How many rows are kept, and how many lines of history; the oldest go first. */
  readonly capacityRows?: number
}

export const makeMemoryLedger = (options: MemoryLedgerOptions = {}): LedgerService => {
  const kept = makeKeptRows(options.capacityRows ?? 16_384)
  const listeners = new Set<(error: LedgerUnavailable | null) => void>()
  const waiters = new Map<number, PromiseWithResolvers<void>>()
  let pending: Row[] = []
  let appendedSeq = 0
  let failure: LedgerUnavailable | null = null
  let checkpoint: Checkpoint | null = null
  let closing = false

  const fail = (error: LedgerUnavailable): void => {
    failure = error
    for (const { reject } of waiters.values()) reject(error)
    waiters.clear()
    for (const listener of listeners) listener(error)
  }

  const write = (): void => {
    const rows = pending
    pending = []
    for (const row of rows) {
      kept.add(row)
      waiters.get(row.seq)?.resolve()
      waiters.delete(row.seq)
    }
  }

  const durable = (seq: number): Promise<void> => {
    if (seq <= kept.lastSeq()) return Promise.resolve()
    if (failure !== null) return Promise.reject(failure)
    if (closing && seq > appendedSeq) return Promise.reject(closedError())
    const waiter = waiters.get(seq) ?? Promise.withResolvers<void>()
    waiters.set(seq, waiter)
    return waiter.promise
  }

  const open = <A>(read: () => A): A => {
    if (closing) throw closedError()
    return read()
  }

  return {
    path: "memory",
    epoch: 1,
    append: (rows) => {
      if (closing || failure !== null) return
      for (const row of rows) {
        if (row.seq !== appendedSeq + 1) {
          fail(holeError(appendedSeq, row.seq))
          return
        }
        if (pending.length === 0) queueMicrotask(write)
        appendedSeq = row.seq
        pending.push(row)
      }
    },
    durable,
    onHealth: (listener) => {
      listeners.add(listener)
      return () => {
        listeners.delete(listener)
      }
    },
    pendingRows: () => pending.length,
    checkpoint: async (next) => {
      const saved: Checkpoint = JSON.parse(JSON.stringify(next))
      await durable(saved.seq)
      open(() => {
        checkpoint = saved
      })
    },
    find: async (id, key) => open(() => kept.find(id, key)),
    rows: (query) => iterate(() => open(() => kept.rows(query))),
    history: (query) => iterate(() => open(() => kept.history(query))),
    recover: async () =>
      open(() => {
        const after = checkpoint?.seq ?? 0
        if (kept.firstSeq() > after + 1) throw forgottenError(after + 1, kept.firstSeq() - 1)
        return { checkpoint, rows: iterate(() => open(() => kept.rows({ fromSeq: after + 1 }))) }
      }),
    retain: async ({ openWindow, retentionDays }) =>
      open(() => {
        const before = kept.windowBefore(openWindow.id)
        const seq = kept.firstSeqSince(oldestKeptWindow(openWindow, before, retentionDays)) - 1
        return { droppedRows: kept.drop(Math.min(seq, checkpoint?.seq ?? 0)) }
      }),
    close: async () => {
      write()
      closing = true
      if (failure !== null) throw failure
    },
  }
}

interface KeptRows {
  readonly firstSeq: () => number
  readonly lastSeq: () => number
  readonly add: (row: Row) => void
  readonly find: (id: string, key: AgentKey | undefined) => readonly Row[]
  readonly rows: (query: RowQuery) => Iterable<Row>
  readonly history: (query: {
    readonly fromWindow?: string
    readonly toWindow?: string
  }) => Iterable<RolledUp>
  readonly windowBefore: (windowId: string) => string | null
  readonly firstSeqSince: (windowId: string) => number
  /** Drops the rows up to `seq` and says how many. */
  readonly drop: (seq: number) => number
}

const makeKeptRows = (capacity: number): KeptRows => {
  /** Row `firstSeq` is `rows[head]`; what lies before is cleared away now and then. */
  let rows: Row[] = []
  let head = 0
  let lastSeq = 0
  const byRef = new Map<string, Row[]>()
  const agents = new Map<AgentKey, Names>()
  const sums = new Map<string, RolledUp>()

  const firstSeq = (): number => lastSeq - (rows.length - head) + 1

  const find = (id: string, key: AgentKey | undefined): readonly Row[] =>
    refsOf(id, key)
      .flatMap((ref) => byRef.get(ref) ?? [])
      .filter((row) => carries(row, id, key))
      .sort((a, b) => a.seq - b.seq)

  const addToSums = (row: Row): void => {
    const addition = additionOf(row, (corrected) => {
      const id = "holdId" in corrected.ref ? corrected.ref.holdId : corrected.ref.usageId
      const call = find(id, corrected.key).find((earlier) => "model" in earlier)
      return call !== undefined && "model" in call ? call.model : null
    })
    if (addition === null) return
    const line = lineOf(addition, agents.get(addition.key) ?? { agentId: addition.key, taskId: "" })
    const id = lineId(line)
    sums.set(id, plus(sums.get(id) ?? line, addition))
    if (sums.size > capacity) sums.delete(sums.keys().next().value ?? "")
  }

  const dropFirst = (): void => {
    const row = rows[head]
    head += 1
    if (row === undefined) return
    const ref = refOf(row)
    const sharing = ref === null ? undefined : byRef.get(ref)
    if (ref !== null && sharing !== undefined) {
      if (sharing.length > 1) sharing.shift()
      else byRef.delete(ref)
    }
    if (row.kind === "ended") agents.delete(row.key)
    if (head >= capacity) {
      rows = rows.slice(head)
      head = 0
    }
  }

  const windows = (): readonly (readonly [string, number])[] =>
    rows.slice(head).flatMap((row) => {
      const windowId = windowOf(row)
      return windowId === null ? [] : [[windowId, row.seq] as const]
    })

  return {
    firstSeq,
    lastSeq: () => lastSeq,
    add: (row) => {
      rows.push(row)
      lastSeq = row.seq
      const ref = refOf(row)
      if (ref !== null) {
        const sharing = byRef.get(ref)
        if (sharing === undefined) byRef.set(ref, [row])
        else sharing.push(row)
      }
      if (row.kind === "admitted") agents.set(row.key, { agentId: row.agentId, taskId: row.taskId })
      addToSums(row)
      if (rows.length - head > capacity) dropFirst()
    },
    find,
    rows: function* (query) {
      const to = Math.min(query.toSeq ?? lastSeq, lastSeq)
      for (let seq = Math.max(query.fromSeq ?? 1, firstSeq()); seq <= to; seq++) {
        const row = rows[head + seq - firstSeq()]
        if (row !== undefined && matches(row, query)) yield row
      }
    },
    history: ({ fromWindow = "", toWindow }) =>
      [...sums.values()]
        .filter(({ windowId }) => windowId >= fromWindow)
        .filter(({ windowId }) => toWindow === undefined || windowId <= toWindow)
        .sort(byLine),
    windowBefore: (windowId) =>
      windows()
        .map(([id]) => id)
        .filter((id) => id < windowId)
        .reduce<string | null>(
          (latest, id) => (latest === null || id > latest ? id : latest),
          null,
        ),
    firstSeqSince: (windowId) => windows().find(([id]) => id >= windowId)?.[1] ?? lastSeq + 1,
    drop: (seq) => {
      const first = firstSeq()
      for (let next = first; next <= seq; next++) dropFirst()
      return Math.max(0, seq - first + 1)
    },
  }
}

async function* iterate<A>(read: () => Iterable<A>): AsyncGenerator<A> {
  yield* read()
}

const error = (reason: LedgerUnavailable["reason"], message: string): LedgerUnavailable =>
  new LedgerUnavailable({ reason, path: "memory", message })

const closedError = (): LedgerUnavailable =>
  error("closed", "The ledger in memory is closed. Make another one.")

const holeError = (last: number, next: number): LedgerUnavailable =>
  error(
    "fenced",
    `Row ${next} was given to the ledger in memory after row ${last}; rows follow one another. Nothing more is written.`,
  )

const forgottenError = (from: number, to: number): LedgerUnavailable =>
  error(
    "damaged",
    `Rows ${from} to ${to} are gone from the ledger in memory, and no checkpoint covers them. Keep a ledger in a file to recover from it.`,
  )
