/** History's lines: those of the table, with what the run in memory adds to them. */
import type { DatabaseSync } from "node:sqlite"
import type { RolledUp } from "../ledger.ts"
import { byLine, lineId, merged } from "../sums.ts"
import type { Run } from "./recent.ts"
import { checksum } from "./schema.ts"
import { Damage } from "./trouble.ts"
import { type Columns, numberIn, textIn } from "./values.ts"

export interface HistoryQuery {
  readonly fromWindow?: string
  readonly toWindow?: string
}

export interface SumTable {
  /** The lines after `after` in order; `more` is false with the last ones. */
  readonly page: (
    query: HistoryQuery,
    after: RolledUp | null,
  ) => { readonly lines: readonly RolledUp[]; readonly more: boolean }
  readonly write: (sums: ReadonlyMap<string, RolledUp>) => void
}

const PAGE_LINES = 1_000
/** Sorts after every window. */
const NO_END = "\u{10ffff}"

export const makeSumTable = (db: DatabaseSync, recent: () => Run): SumTable => {
  const one = db.prepare(`SELECT * FROM sums
    WHERE window_id = ? AND agent_id = ? AND task_id = ? AND model = ?`)
  const following = db.prepare(`SELECT * FROM sums
    WHERE (window_id, agent_id, task_id, model) > (?, ?, ?, ?) AND window_id >= ? AND window_id <= ?
    ORDER BY window_id, agent_id, task_id, model LIMIT ${PAGE_LINES}`)
  const replace = db.prepare(`INSERT OR REPLACE INTO sums
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`)

  return {
    page: (query, after) => {
      const from = query.fromWindow ?? ""
      const to = query.toWindow ?? NO_END
      const stored = following.all(...identity(after), from, to).map(checkedLine)
      const more = stored.length === PAGE_LINES
      const end = more ? (stored.at(-1) ?? null) : null
      const unwritten = [...recent().sums.values()]
        .filter((line) => line.windowId >= from && line.windowId <= to)
        .filter((line) => after === null || byLine(line, after) > 0)
        .filter((line) => end === null || byLine(line, end) <= 0)
      return { lines: joined([...stored, ...unwritten]), more }
    },
    write: (sums) => {
      for (const line of [...sums.values()].sort(byLine)) {
        const stored = one.get(...identity(line))
        const now = stored === undefined ? line : merged(checkedLine(stored), line)
        replace.run(...identity(now), ...numbers(now), lineChecksum(now))
      }
    },
  }
}

type LineWithoutMoney = Omit<RolledUp, "costMicroUsd" | "unpricedCalls">

const joined = (lines: readonly RolledUp[]): readonly RolledUp[] => {
  const byId = new Map<string, RolledUp>()
  for (const line of lines) {
    const id = lineId(line)
    const known = byId.get(id)
    byId.set(id, known === undefined ? line : merged(known, line))
  }
  return [...byId.values()].sort(byLine)
}

const identity = (line: LineWithoutMoney | null): [string, string, string, string] =>
  line === null ? ["", "", "", ""] : [line.windowId, line.agentId, line.taskId, line.model ?? ""]

const tokensOf = (line: LineWithoutMoney): readonly number[] => [
  line.calls,
  line.inputTokens,
  line.outputTokens,
  line.cacheWriteTokens,
  line.cacheReadTokens,
  line.tokens,
]

const numbers = (line: RolledUp): readonly number[] => [
  ...tokensOf(line),
  line.costMicroUsd,
  line.unpricedCalls,
]

const lineChecksum = (line: RolledUp): number => checksum(...identity(line), ...numbers(line))

const checkedLine = (columns: Columns): RolledUp => {
  const line: RolledUp = {
    ...lineIn(columns),
    costMicroUsd: numberIn(columns, "cost_micro_usd"),
    unpricedCalls: numberIn(columns, "unpriced_calls"),
  }
  return checked(line, lineChecksum(line), columns)
}

/** A line as the first version of the file kept it: what its calls cost, nobody knows. */
export const checkedLineWithoutMoney = (columns: Columns): RolledUp => {
  const line = lineIn(columns)
  checked(line, checksum(...identity(line), ...tokensOf(line)), columns)
  return { ...line, costMicroUsd: 0, unpricedCalls: line.calls }
}

const lineIn = (columns: Columns): LineWithoutMoney => {
  const model = textIn(columns, "model")
  return {
    windowId: textIn(columns, "window_id"),
    agentId: textIn(columns, "agent_id"),
    taskId: textIn(columns, "task_id"),
    model: model === "" ? null : model,
    calls: numberIn(columns, "calls"),
    inputTokens: numberIn(columns, "input_tokens"),
    outputTokens: numberIn(columns, "output_tokens"),
    cacheWriteTokens: numberIn(columns, "cache_write_tokens"),
    cacheReadTokens: numberIn(columns, "cache_read_tokens"),
    tokens: numberIn(columns, "tokens"),
  }
}

const checked = <Line extends LineWithoutMoney>(
  line: Line,
  crc: number,
  columns: Columns,
): Line => {
  if (crc !== numberIn(columns, "crc"))
    throw new Damage(`the sums of ${line.agentId} in ${line.windowId} do not match their checksum`)
  return line
}
