/** History's lines added up by what was asked for. */
import { add } from "../../../machines/budget/amounts.ts"
import type { RolledUp } from "../../ledger/ledger.ts"

export const GROUPINGS = ["day", "agent", "task", "model"] as const
export type Grouping = (typeof GROUPINGS)[number]

/** What was used under one name: a day, an agent, a task, a model (null: none was told). */
export interface HistorySum {
  readonly name: string | null
  readonly calls: number
  readonly tokens: number
  readonly rawTokens: number
  readonly inputTokens: number
  readonly outputTokens: number
  readonly cacheWriteTokens: number
  readonly cacheReadTokens: number
  readonly costMicroUsd: number
  /** Calls whose cost nobody knows, and which `costMicroUsd` does not hold. */
  readonly unpricedCalls: number
}

const NAME_OF: Readonly<Record<Grouping, (line: RolledUp) => string | null>> = {
  day: ({ windowId }) => windowId,
  agent: ({ agentId }) => agentId,
  task: ({ taskId }) => taskId,
  model: ({ model }) => model,
}

export const emptySum = (name: string | null): HistorySum => ({
  name,
  calls: 0,
  tokens: 0,
  rawTokens: 0,
  inputTokens: 0,
  outputTokens: 0,
  cacheWriteTokens: 0,
  cacheReadTokens: 0,
  costMicroUsd: 0,
  unpricedCalls: 0,
})

/** Days in their order, everything else with the most tokens first. */
export const sumsOf = async (
  lines: AsyncIterable<RolledUp>,
  by: Grouping,
): Promise<readonly HistorySum[]> => {
  const sums = new Map<string | null, HistorySum>()
  for await (const line of lines) {
    const name = NAME_OF[by](line)
    sums.set(name, plus(sums.get(name) ?? emptySum(name), asSum(line)))
  }
  const found = [...sums.values()]
  // The ledger gives its days in order.
  return by === "day" ? found : found.sort((a, b) => b.tokens - a.tokens || byName(a, b))
}

export const totalOf = (sums: readonly HistorySum[]): HistorySum =>
  sums.reduce(plus, emptySum(null))

const asSum = (line: RolledUp): HistorySum => ({
  name: null,
  calls: line.calls,
  tokens: line.tokens,
  rawTokens: [line.outputTokens, line.cacheWriteTokens, line.cacheReadTokens].reduce(
    add,
    line.inputTokens,
  ),
  inputTokens: line.inputTokens,
  outputTokens: line.outputTokens,
  cacheWriteTokens: line.cacheWriteTokens,
  cacheReadTokens: line.cacheReadTokens,
  costMicroUsd: line.costMicroUsd,
  unpricedCalls: line.unpricedCalls,
})

const plus = (sum: HistorySum, more: HistorySum): HistorySum => ({
  name: sum.name,
  calls: add(sum.calls, more.calls),
  tokens: add(sum.tokens, more.tokens),
  rawTokens: add(sum.rawTokens, more.rawTokens),
  inputTokens: add(sum.inputTokens, more.inputTokens),
  outputTokens: add(sum.outputTokens, more.outputTokens),
  cacheWriteTokens: add(sum.cacheWriteTokens, more.cacheWriteTokens),
  cacheReadTokens: add(sum.cacheReadTokens, more.cacheReadTokens),
  costMicroUsd: add(sum.costMicroUsd, more.costMicroUsd),
  unpricedCalls: add(sum.unpricedCalls, more.unpricedCalls),
})

const byName = (a: HistorySum, b: HistorySum): number => {
  const [first, second] = [a.name ?? "", b.name ?? ""]
  return first < second ? -1 : first > second ? 1 : 0
}
