/** What a ledger has to answer, said as plainly as possible over an array of rows. */
import type { Row } from "../../machines/budget/row.ts"
import type { RolledUp, RowQuery } from "../../src/ledger/ledger.ts"

export const findIn = (rows: readonly Row[], id: string, key?: string): readonly Row[] =>
  rows.filter((row) => {
    if (key !== undefined && !("key" in row && row.key === key)) return false
    const body = JSON.parse(JSON.stringify(row))
    if ([body.requestId, body.holdId, body.ref?.holdId].includes(id)) return true
    return key !== undefined && [body.usageId, body.ref?.usageId].includes(id)
  })

export const rowsIn = (rows: readonly Row[], query: RowQuery): readonly Row[] =>
  rows.filter((row) => {
    const body = JSON.parse(JSON.stringify(row))
    const windowId = body.windowId ?? body.window?.id
    return (
      row.seq >= (query.fromSeq ?? 0) &&
      row.seq <= (query.toSeq ?? Number.POSITIVE_INFINITY) &&
      row.at >= (query.fromAt ?? Number.NEGATIVE_INFINITY) &&
      row.at <= (query.toAt ?? Number.POSITIVE_INFINITY) &&
      (query.windowId === undefined || windowId === query.windowId) &&
      (query.key === undefined || body.key === query.key) &&
      (query.kinds === undefined || query.kinds.includes(row.kind))
    )
  })

/**
 * Of all rows ever written, dropped ones too. A correction whose call had been dropped when it
 * came (`firstKept` says what was left then) is of no known model.
 */
export const historyOf = (
  rows: readonly Row[],
  firstKept: (seq: number) => number = () => 1,
): readonly RolledUp[] => {
  const lines = new Map<string, { -readonly [K in keyof RolledUp]: RolledUp[K] }>()
  const names = new Map<string, { readonly agentId: string; readonly taskId: string }>()
  for (const row of rows) {
    if (row.kind === "admitted") names.set(row.key, row)
    const isCall =
      row.kind === "hold_settled" || row.kind === "usage_recorded" || row.kind === "hold_expired"
    if (!isCall && row.kind !== "corrected") continue
    const { agentId, taskId } = names.get(row.key) ?? { agentId: row.key, taskId: "" }
    const model = modelOf(rows, row, firstKept(row.seq))
    const id = [row.windowId, agentId, taskId, model ?? ""].join("\n")
    const line = lines.get(id) ?? {
      windowId: row.windowId,
      agentId,
      taskId,
      model,
      calls: 0,
      inputTokens: 0,
      outputTokens: 0,
      cacheWriteTokens: 0,
      cacheReadTokens: 0,
      tokens: 0,
      costMicroUsd: 0,
      unpricedCalls: 0,
    }
    lines.set(id, line)
    line.calls += isCall ? 1 : 0
    line.tokens += row.kind === "hold_expired" ? row.heldTokens : row.tokens
    if (row.kind === "corrected") line.tokens -= row.tokensBefore
    line.costMicroUsd += moneyOf(row)
    line.unpricedCalls += unpricedIn(row)
    for (const kind of KINDS_OF_TOKENS) {
      if ("usage" in row) line[kind] += row.usage[kind]
      if ("usageBefore" in row) line[kind] -= row.usageBefore[kind]
    }
  }
  return [...lines.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, line]) => line)
}

const moneyOf = (row: Row): number => {
  if (row.kind === "hold_expired") return row.heldCostMicroUsd ?? 0
  if (row.kind === "corrected")
    return row.cost === undefined ? 0 : row.cost.nowMicroUsd - (row.cost.beforeMicroUsd ?? 0)
  return "model" in row ? (row.costMicroUsd ?? 0) : 0
}

const unpricedIn = (row: Row): number => {
  if (row.kind === "hold_expired") return row.heldCostMicroUsd === undefined ? 1 : 0
  if (row.kind === "corrected") return row.cost?.beforeMicroUsd === null ? -1 : 0
  return "model" in row && (row.costMicroUsd ?? null) === null ? 1 : 0
}

const KINDS_OF_TOKENS = [
  "inputTokens",
  "outputTokens",
  "cacheWriteTokens",
  "cacheReadTokens",
] as const

const modelOf = (rows: readonly Row[], row: Row, firstKept: number): string | null => {
  if ("model" in row) return row.model
  if (row.kind !== "corrected") return null
  const id = "holdId" in row.ref ? row.ref.holdId : row.ref.usageId
  const call = findIn(rows.slice(firstKept - 1, row.seq - 1), id, row.key).find(
    (earlier) => "model" in earlier,
  )
  return call !== undefined && "model" in call ? call.model : null
}
