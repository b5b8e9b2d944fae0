/**
 * A disk that writes when it is told to, may be full, and keeps through a crash exactly what it
 * wrote. What opens it is a ledger like any other.
 */
import type { Row } from "../../machines/budget/row.ts"
import { type Checkpoint, type LedgerService, LedgerUnavailable } from "../../src/ledger/ledger.ts"
import { carries, matches } from "../../src/ledger/lookup.ts"

type HealthListener = (error: LedgerUnavailable | null) => void

/** A ledger opened on the disk; dead after a crash: it then answers nobody. */
interface Opened {
  readonly pending: Row[]
  readonly waiters: Map<number, PromiseWithResolvers<void>>
  readonly listeners: Set<HealthListener>
  failure: LedgerUnavailable | null
  closed: boolean
}

const NEVER = new Promise<never>(() => {})

const full = (): LedgerUnavailable =>
  new LedgerUnavailable({
    reason: "full",
    path: "simulated",
    message: "The simulated disk is full (ENOSPC).",
  })

export class SimulatedDisk {
  /** What is on it. */
  readonly rows: Row[] = []
  isFull = false
  /** The ledger that is open could not write at some moment of this turn. */
  failsNow = false
  /** How often rows could not be written. */
  failures = 0
  private checkpoint: Checkpoint | null = null
  private opened: Opened | null = null
  private epoch = 0
  private readonly onAppend: (row: Row) => void

  /** `onAppend` sees each row as it is decided, before it is written. */
  constructor(onAppend: (row: Row) => void) {
    this.onAppend = onAppend
  }

  get pendingRows(): number {
    return this.opened?.pending.length ?? 0
  }

  isDurable(where: (row: Row) => boolean): boolean {
    return this.rows.some(where)
  }

  beginTurn(): void {
    this.failsNow = this.opened !== null && this.opened.failure !== null
  }

  /** Writes up to `most` of what waits, in order, or fails when there is no room. */
  write(most: number = Number.POSITIVE_INFINITY): void {
    const { opened } = this
    if (opened === null || opened.pending.length === 0) return
    if (this.isFull) {
      this.fail(opened)
      return
    }
    const recovered = opened.failure !== null
    opened.failure = null
    for (const row of opened.pending.splice(0, most)) {
      this.rows.push(row)
      opened.waiters.get(row.seq)?.resolve()
      opened.waiters.delete(row.seq)
    }
    if (recovered) for (const listener of opened.listeners) listener(null)
  }

  /** Power fails: the first `survivors` waiting rows are on the disk, and nobody heard of it. */
  crash(survivors: number): readonly Row[] {
    const { opened } = this
    this.opened = null
    if (opened === null || this.isFull) return []
    const written = opened.pending.slice(0, survivors)
    this.rows.push(...written)
    return written
  }

  open(): LedgerService {
    const opened: Opened = {
      pending: [],
      waiters: new Map(),
      listeners: new Set(),
      failure: null,
      closed: false,
    }
    this.opened = opened
    this.epoch += 1
    return {
      path: "simulated",
      epoch: this.epoch,
      append: (rows) => this.append(opened, rows),
      durable: (seq) => this.durable(opened, seq),
      onHealth: (listener) => {
        opened.listeners.add(listener)
        return () => opened.listeners.delete(listener)
      },
      pendingRows: () => opened.pending.length,
      checkpoint: async (checkpoint) => {
        const saved: Checkpoint = JSON.parse(JSON.stringify(checkpoint))
        await this.durable(opened, saved.seq)
        await this.unlessDead(opened)
        this.checkpoint = saved
      },
      find: async (id, key) => {
        await this.unlessDead(opened)
        return this.rows.filter((row) => carries(row, id, key))
      },
      rows: (query) => this.read((row) => matches(row, query), query.fromSeq ?? 1),
      history: () => this.read(() => false, 1) as AsyncIterable<never>,
      recover: async () => {
        const { checkpoint } = this
        const from = (checkpoint?.seq ?? 0) + 1
        return { checkpoint, rows: this.read(() => true, from) }
      },
      retain: async () => ({ droppedRows: 0 }),
      close: () => this.close(opened),
    }
  }

  private append(opened: Opened, rows: readonly Row[]): void {
    if (this.opened !== opened || opened.closed) return
    for (const row of rows) {
      opened.pending.push(row)
      this.onAppend(row)
    }
  }

  private durable(opened: Opened, seq: number): Promise<void> {
    if (this.opened !== opened) return NEVER
    if (seq <= this.rows.length) return Promise.resolve()
    if (opened.failure !== null) return Promise.reject(opened.failure)
    const waiter = opened.waiters.get(seq) ?? Promise.withResolvers<void>()
    opened.waiters.set(seq, waiter)
    return waiter.promise
  }

  private fail(opened: Opened): void {
    this.failures += 1
    this.failsNow = true
    const error = full()
    const known = opened.failure !== null
    opened.failure = error
    for (const { reject } of opened.waiters.values()) reject(error)
    opened.waiters.clear()
    if (!known) for (const listener of opened.listeners) listener(error)
  }

  private async close(opened: Opened): Promise<void> {
    await this.unlessDead(opened)
    opened.closed = true
    this.write()
    if (opened.failure !== null) throw opened.failure
    this.opened = null
  }

  private unlessDead(opened: Opened): Promise<void> {
    return this.opened === opened ? Promise.resolve() : NEVER
  }

  private async *read(wanted: (row: Row) => boolean, fromSeq: number): AsyncGenerator<Row> {
    for (const row of this.rows.slice(fromSeq - 1)) if (wanted(row)) yield row
  }
}
