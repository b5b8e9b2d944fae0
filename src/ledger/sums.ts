/** History is a fold of its own: each call added up by window, agent, task and model. */
import type { Corrected, Row } from "../../machines/budget/row.ts"
import type { AgentKey, Usage, WindowId } from "../../machines/vocabulary.ts"
import type { RolledUp } from "./ledger.ts"

/** The names behind an agent's key, as its `admitted` row gave them. */
export interface Names {
  readonly agentId: string
  readonly taskId: string
}

/** What one row adds to history: a call, or the difference a correction makes. */
export interface Addition {
  readonly windowId: WindowId
  readonly key: AgentKey
  readonly model: string | null
  readonly calls: number
  readonly usage: Usage
  readonly tokens: number
  readonly costMicroUsd: number
  readonly unpricedCalls: number
}

const NOTHING: Usage = {
  inputTokens: 0,
  outputTokens: 0,
  cacheWriteTokens: 0,
  cacheReadTokens: 0,
}

/** Null for a row that is no call. `modelOf` names the model of the call a correction is about. */
export const additionOf = (
  row: Row,
  modelOf: (corrected: Corrected) => string | null,
): Addition | null => {
  switch (row.kind) {
    case "hold_settled":
    case "usage_recorded":
      return {
        ...about(row),
        model: row.model,
        calls: 1,
        usage: row.usage,
        tokens: row.tokens,
        ...priced(row.costMicroUsd ?? null),
      }
    case "hold_expired":
      return {
        ...about(row),
        model: null,
        calls: 1,
        usage: NOTHING,
        tokens: row.heldTokens,
        ...priced(row.heldCostMicroUsd ?? null),
      }
    case "corrected":
      return {
        ...about(row),
        model: modelOf(row),
        calls: 0,
        usage: difference(row.usage, row.usageBefore),
        tokens: row.tokens - row.tokensBefore,
        ...repriced(row.cost),
      }
    default:
      return null
  }
}

/** The line an addition belongs to, still empty; text as a database can keep it. */
export const lineOf = (addition: Addition, names: Names): RolledUp => ({
  windowId: addition.windowId,
  agentId: names.agentId.toWellFormed(),
  taskId: names.taskId.toWellFormed(),
  model: addition.model === null || addition.model === "" ? null : addition.model.toWellFormed(),
  calls: 0,
  ...NOTHING,
  tokens: 0,
  costMicroUsd: 0,
  unpricedCalls: 0,
})

export const lineId = (line: RolledUp): string =>
  `${line.windowId}\u001f${line.agentId}\u001f${line.taskId}\u001f${line.model ?? ""}`

export const plus = (line: RolledUp, more: Omit<Addition, "windowId" | "key" | "model">) => ({
  ...line,
  calls: bounded(line.calls + more.calls),
  inputTokens: bounded(line.inputTokens + more.usage.inputTokens),
  outputTokens: bounded(line.outputTokens + more.usage.outputTokens),
  cacheWriteTokens: bounded(line.cacheWriteTokens + more.usage.cacheWriteTokens),
  cacheReadTokens: bounded(line.cacheReadTokens + more.usage.cacheReadTokens),
  tokens: bounded(line.tokens + more.tokens),
  costMicroUsd: bounded(line.costMicroUsd + more.costMicroUsd),
  unpricedCalls: bounded(line.unpricedCalls + more.unpricedCalls),
})

/** Two lines of the same window, agent, task and model as one. */
export const merged = (line: RolledUp, other: RolledUp): RolledUp =>
  plus(line, { ...other, usage: other })

/** The order of history: window, agent, task, model, each as the bytes of its text. */
export const byLine = (a: RolledUp, b: RolledUp): number =>
  byBytes(a.windowId, b.windowId) ||
  byBytes(a.agentId, b.agentId) ||
  byBytes(a.taskId, b.taskId) ||
  byBytes(a.model ?? "", b.model ?? "")

const about = (row: { readonly windowId: WindowId; readonly key: AgentKey }) => ({
  windowId: row.windowId,
  key: row.key,
})

/** Null: of a model without a price. */
const priced = (costMicroUsd: number | null) => ({
  costMicroUsd: costMicroUsd ?? 0,
  unpricedCalls: costMicroUsd === null ? 1 : 0,
})

/** A call without a price that has one after all is no longer among those without. */
const repriced = (cost: Corrected["cost"]) => ({
  costMicroUsd: cost === undefined ? 0 : cost.nowMicroUsd - (cost.beforeMicroUsd ?? 0),
  unpricedCalls: cost?.beforeMicroUsd === null ? -1 : 0,
})

const difference = (now: Usage, before: Usage): Usage => ({
  inputTokens: now.inputTokens - before.inputTokens,
  outputTokens: now.outputTokens - before.outputTokens,
  cacheWriteTokens: now.cacheWriteTokens - before.cacheWriteTokens,
  cacheReadTokens: now.cacheReadTokens - before.cacheReadTokens,
})

/** A sum past 2^53 would be inexact, and could not be read back from a database. */
const bounded = (sum: number): number =>
  Math.max(-Number.MAX_SAFE_INTEGER, Math.min(Number.MAX_SAFE_INTEGER, sum))

const byBytes = (a: string, b: string): number =>
  a === b ? 0 : Buffer.compare(Buffer.from(a), Buffer.from(b))
