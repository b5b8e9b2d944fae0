/** By what a row is found again: its window, its agent, and the id its caller chose. */
import type { Row } from "../../machines/budget/row.ts"
import type { AgentKey, WindowId } from "../../machines/vocabulary.ts"
import type { RowQuery } from "./ledger.ts"

export const windowOf = (row: Row): WindowId | null => {
  if ("windowId" in row) return row.windowId
  return "window" in row ? row.window.id : null
}

export const keyOf = (row: Row): AgentKey | null => ("key" in row ? row.key : null)

/**
 * One text for the id a row carries, null without one. Usage ids are unique within one
 * admission only, so theirs is joined with the key: two agents' call "1" never meet.
 */
export const refOf = (row: Row): string | null => {
  if ("holdId" in row) return row.holdId
  if ("requestId" in row) return row.requestId
  if (row.kind === "usage_recorded")
    return row.usageId === null ? null : usageRef(row.key, row.usageId)
  if (row.kind !== "corrected") return null
  return "holdId" in row.ref ? row.ref.holdId : usageRef(row.key, row.ref.usageId)
}

/** What `find(id, key)` may mean: a request or a hold of anybody, or a call of that agent. */
export const refsOf = (id: string, key: AgentKey | undefined): readonly string[] =>
  key === undefined ? [id] : [id, usageRef(key, id)]

/** Whether `find(id, key)` means this row; settles what a shared hash or text leaves open. */
export const carries = (row: Row, id: string, key: AgentKey | undefined): boolean => {
  if (key !== undefined && keyOf(row) !== key) return false
  const usageId = usageIdOf(row)
  return usageId === null ? refOf(row) === id : key !== undefined && usageId === id
}

/** Whether a row answers every part of the query; `seq` bounds are the reader's own matter. */
export const matches = (row: Row, query: RowQuery): boolean =>
  (query.fromAt === undefined || row.at >= query.fromAt) &&
  (query.toAt === undefined || row.at <= query.toAt) &&
  (query.windowId === undefined || windowOf(row) === query.windowId) &&
  (query.key === undefined || keyOf(row) === query.key) &&
  (query.kinds === undefined || query.kinds.includes(row.kind))

const usageRef = (key: AgentKey, usageId: string): string => `${key}\u001f${usageId}`

const usageIdOf = (row: Row): string | null => {
  if (row.kind === "usage_recorded") return row.usageId
  return row.kind === "corrected" && "usageId" in row.ref ? row.ref.usageId : null
}
