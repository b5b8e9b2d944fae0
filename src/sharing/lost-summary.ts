/** What can be said of an agent when no holder is left to say more. */
import { type AgentSummary, isoOf } from "../../machines/budget/summary.ts"
import type { Instant } from "../../machines/vocabulary.ts"

export const lostSummary = (
  { agentId, taskId }: { readonly agentId: string; readonly taskId: string },
  startedAt: Instant,
  endedAt: Instant,
): AgentSummary => ({
  agentId,
  taskId,
  inputTokens: 0,
  outputTokens: 0,
  totalTokens: 0,
  usagePercent: null,
  state: "ended",
  reason: "lost",
  mechanism: "vanished",
  startedAt: isoOf(startedAt),
  endedAt: isoOf(endedAt),
  deadlineAt: null,
  heldTokens: 0,
  windowTokens: 0,
  rawTokens: 0,
  cacheWriteTokens: 0,
  cacheReadTokens: 0,
  tokenLimit: null,
  budgetStatus: "within_budget",
  enforcement: "unmetered",
  wouldRefuse: null,
  exitCode: null,
  signal: null,
  error: "no supervisor was left to decide about it, so it was stopped",
})
