/**
 * A scratch database that puts calls in order in constant memory.
 *
 * It has no name: SQLite makes a private file in the temporary folder and unlinks it at once,
 * so nothing of it is left however this process ends.
 */
import type { DatabaseSync, StatementSync } from "node:sqlite"
import type { Instant } from "../../machines/vocabulary.ts"
import type { RecordedCall } from "./recorded-call.ts"

/** A call in its place: within its stretch, and of all calls in the order of time. */
export interface OrderedCall extends RecordedCall {
  /** One stretch of calls without a gap over the idle time: one admission. */
  readonly stretch: number
  /** Which stretch of its agent it is, from 1. */
  readonly nth: number
  readonly isFirst: boolean
  readonly isLast: boolean
}

export interface Extent {
  readonly calls: number
  readonly agents: number
  readonly firstAt: Instant
  readonly lastAt: Instant
}

const PRAGMAS = `
  PRAGMA journal_mode = OFF;
  PRAGMA synchronous = OFF;
  PRAGMA temp_store = FILE;
  PRAGMA cache_size = -32768;
`

const CALLS = `
  CREATE TABLE call (
    seq INTEGER PRIMARY KEY,
    call_id TEXT UNIQUE,
    at INTEGER NOT NULL,
    agent TEXT NOT NULL,
    task TEXT NOT NULL,
    model TEXT,
    input INTEGER NOT NULL,
    output INTEGER NOT NULL,
    cache_write INTEGER NOT NULL,
    cache_read INTEGER NOT NULL
  ) STRICT;
`

/** Lines about one call: the time and name of the first of them, the largest of each count. */
const ADD = `
  INSERT INTO call (call_id, at, agent, task, model, input, output, cache_write, cache_read)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
  ON CONFLICT (call_id) DO UPDATE SET
    agent = CASE WHEN excluded.at < at THEN excluded.agent ELSE agent END,
    task = CASE WHEN excluded.at < at THEN excluded.task ELSE task END,
    at = min(at, excluded.at),
    model = coalesce(model, excluded.model),
    input = max(input, excluded.input),
    output = max(output, excluded.output),
    cache_write = max(cache_write, excluded.cache_write),
    cache_read = max(cache_read, excluded.cache_read)
`

/** Where a call stands within its stretch. */
const PLACES = `
  CREATE TABLE place (
    seq INTEGER PRIMARY KEY,
    stretch INTEGER NOT NULL,
    nth INTEGER NOT NULL,
    is_first INTEGER NOT NULL,
    is_last INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX by_agent ON call (agent, at, seq);
`

const BY_AGENT = "SELECT seq, agent, at FROM call ORDER BY agent, at, seq"

const IN_ORDER = `
  SELECT call.*, stretch, nth, is_first, is_last
  FROM call JOIN place USING (seq)
  ORDER BY at, agent, seq
`

const EXTENT = `
  SELECT count(*) AS calls, min(at) AS first, max(at) AS last, (SELECT max(stretch) FROM place) AS agents
  FROM call
`

export class Scratch {
  readonly database: DatabaseSync
  readonly #add: StatementSync
  #calls = 0

  constructor(database: DatabaseSync) {
    this.database = database
    database.exec(PRAGMAS)
    database.exec(CALLS)
    this.#add = database.prepare(ADD)
    database.exec("BEGIN")
  }

  add({ callId, at, agentId, taskId, model, usage }: RecordedCall): void {
    const { inputTokens, outputTokens, cacheWriteTokens, cacheReadTokens } = usage
    const counts = [inputTokens, outputTokens, cacheWriteTokens, cacheReadTokens]
    const added = this.#add.run(callId, at, agentId, taskId, model, ...counts)
    // Nothing is ever deleted, so the last row's number is how many there are.
    this.#calls = Number(added.lastInsertRowid)
  }

  /** Calls known so far; lines about one call count once. */
  get calls(): number {
    return this.#calls
  }

  /** Divides the calls into stretches, null when there are none; no call may be added after it. */
  place(idleMs: number): Extent | null {
    this.database.exec(PLACES)
    const insert = this.database.prepare("INSERT INTO place VALUES (?, ?, ?, ?, ?)")
    const rows = this.database.prepare(BY_AGENT).iterate()
    for (const { seq, stretch, nth, isFirst, isLast } of placesOf(rows, idleMs))
      insert.run(seq, stretch, nth, isFirst ? 1 : 0, isLast ? 1 : 0)
    const { calls, agents, first, last } = this.database.prepare(EXTENT).get() ?? {}
    if (calls === 0) return null
    return {
      calls: Number(calls),
      agents: Number(agents),
      firstAt: Number(first),
      lastAt: Number(last),
    }
  }

  /** All calls by time; those of one instant by agent, and then as they were read. */
  *inOrder(): Generator<OrderedCall> {
    for (const row of this.database.prepare(IN_ORDER).iterate()) yield orderedCall(row)
  }

  hasAgent(agentId: string): boolean {
    return this.database.prepare("SELECT 1 FROM call WHERE agent = ?").get(agentId) !== undefined
  }

  close(): void {
    this.database.close()
  }
}

type SqlRow = Readonly<Record<string, unknown>>

interface Place {
  readonly seq: number
  readonly stretch: number
  readonly nth: number
  readonly isFirst: boolean
  readonly isLast: boolean
}

interface Placed extends Place {
  readonly agent: string
  readonly at: Instant
}

/** Takes calls agent by agent in time; a call is its stretch's last when the next one is not of it. */
function* placesOf(rows: Iterable<SqlRow>, idleMs: number): Generator<Place> {
  let before: Placed | null = null
  for (const row of rows) {
    const next = placeAfter(before, row, idleMs)
    if (before !== null) yield { ...before, isLast: next.isFirst }
    before = next
  }
  if (before !== null) yield before
}

const placeAfter = (before: Placed | null, row: SqlRow, idleMs: number): Placed => {
  const [seq, agent, at] = [Number(row.seq), String(row.agent), Number(row.at)]
  const { stretch, nth } = before ?? { stretch: 0, nth: 0 }
  if (before?.agent !== agent)
    return { seq, agent, at, stretch: stretch + 1, nth: 1, isFirst: true, isLast: true }
  const goesOn = at - before.at <= idleMs
  const step = goesOn ? 0 : 1
  return {
    seq,
    agent,
    at,
    stretch: stretch + step,
    nth: nth + step,
    isFirst: !goesOn,
    isLast: true,
  }
}

const orderedCall = (row: SqlRow): OrderedCall => ({
  at: Number(row.at),
  agentId: String(row.agent),
  taskId: String(row.task),
  callId: row.call_id === null ? null : String(row.call_id),
  model: row.model === null ? null : String(row.model),
  usage: {
    inputTokens: Number(row.input),
    outputTokens: Number(row.output),
    cacheWriteTokens: Number(row.cache_write),
    cacheReadTokens: Number(row.cache_read),
  },
  stretch: Number(row.stretch),
  nth: Number(row.nth),
  isFirst: row.is_first === 1,
  isLast: row.is_last === 1,
})

/** Needs `node:sqlite`, which is loaded here and not before. */
export const openScratch = async (): Promise<Scratch> => {
  const { DatabaseSync } = await import("node:sqlite")
  return new Scratch(new DatabaseSync(""))
}
