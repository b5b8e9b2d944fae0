/** The names that users of the original service know: its types, and its budget by default. */
import { DEFAULT_SETTINGS } from "../../../machines/budget/settings.ts"
import type { BudgetStatus } from "../../../machines/vocabulary.ts"

export type { BudgetStatus }

/** Limits; `null` is unlimited and `0` is none allowed. */
export interface UsageBudget {
  dailyTokenLimit: number | null
  perAgentTokenLimit: number | null
  maxConcurrentAgents: number | null
  maxTaskDurationMinutes: number | null
  enforceHardLimits: boolean
}

/** What one `recordUsage` says; `timestamp` is ISO 8601 UTC. */
export interface UsageRecord {
  agentId: string
  taskId: string
  inputTokens: number
  outputTokens: number
  timestamp: string
}

export interface AgentUsageSummary {
  agentId: string
  /** The task of its first record, or the one it was spawned for. */
  taskId: string
  inputTokens: number
  outputTokens: number
  totalTokens: number
  /** Of the limit for each agent; 0 when that is unlimited. */
  usagePercent: number
}

export interface UsageSummary {
  dailyTokensUsed: number
  dailyTokenLimit: number | null
  /** 0 when unlimited. */
  dailyUsagePercent: number
  /** One entry for each agent that has used anything. */
  agentUsage: AgentUsageSummary[]
  activeAgents: number
  maxConcurrentAgents: number | null
  budgetStatus: BudgetStatus
}

const { dailyTokenLimit, perAgentTokenLimit, maxConcurrentAgents } = DEFAULT_SETTINGS
const { maxTaskDurationMinutes, enforceHardLimits } = DEFAULT_SETTINGS

export const DEFAULT_BUDGET: Readonly<UsageBudget> = {
  dailyTokenLimit,
  perAgentTokenLimit,
  maxConcurrentAgents,
  maxTaskDurationMinutes,
  enforceHardLimits,
}
