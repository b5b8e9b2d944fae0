/** The original service, on the supervisor: synchronous, and every call sees the ones before it. */
import { Inject, Injectable } from "@nestjs/common"
import type { AgentSummary } from "../../../machines/budget/summary.ts"
import { explain, type RefusalReport } from "../../host/errors.ts"
import { RunningBudget } from "./running-budget.ts"
import type { AgentUsageSummary, UsageBudget, UsageSummary } from "./surface.ts"

export class BudgetService {
  private readonly running: RunningBudget

  constructor(running: RunningBudget) {
    this.running = running
  }

  /**
   * Counts the tokens of a call; an `agentId` never seen before gets an account.
   *
   * Throws `InvalidRequest` for counts that are no whole numbers from 0 to 2^53 − 1, and for
   * names that are empty or longer than 256 characters; then nothing is counted.
   */
  recordUsage(agentId: string, taskId: string, inputTokens: number, outputTokens: number): void {
    const { running } = this
    running.accounts.record(running.now(), agentId, taskId, inputTokens, outputTokens)
  }

  /** Whether one more agent may start now. */
  canSpawnAgent(): { allowed: boolean; reason?: string } {
    this.running.now()
    const { refusal } = this.running.supervisor.canSpawn()
    return refusal === null ? { allowed: true } : { allowed: false, reason: reasonOf(refusal) }
  }

  /** Of the live agent or the account of that name; an unknown one has used nothing. */
  isAgentOverBudget(agentId: string): { overBudget: boolean; totalTokens: number } {
    this.running.now()
    return this.running.accounts.reckon(agentId)
  }

  /** Takes a slot, or the next one to be free. */
  agentStarted(): void {
    this.running.anonymous.start(this.running.now())
  }

  /** Frees a slot that `agentStarted` took; nothing when there is none. */
  agentStopped(): void {
    this.running.anonymous.stop(this.running.now())
  }

  /** The day so far, and the agents in it. */
  getUsageSummary(): UsageSummary {
    this.running.now()
    const summary = this.running.supervisor.summary()
    return {
      dailyTokensUsed: summary.dailyTokensUsed,
      dailyTokenLimit: summary.dailyTokenLimit,
      dailyUsagePercent: summary.dailyUsagePercent ?? 0,
      agentUsage: summary.agentUsage.filter(hasReported).map(usageOf),
      activeAgents: summary.activeAgents + this.running.anonymous.waiting(),
      maxConcurrentAgents: summary.maxConcurrentAgents,
      budgetStatus: summary.budgetStatus,
    }
  }

  /** A copy of the limits in force. */
  getBudget(): UsageBudget {
    const settings = this.running.supervisor.budget()
    return {
      dailyTokenLimit: settings.dailyTokenLimit,
      perAgentTokenLimit: settings.perAgentTokenLimit,
      maxConcurrentAgents: settings.maxConcurrentAgents,
      maxTaskDurationMinutes: settings.maxTaskDurationMinutes,
      enforceHardLimits: settings.enforceHardLimits,
    }
  }
}

Injectable()(BudgetService)
Inject(RunningBudget)(BudgetService, undefined, 0)

/** No meter has spoken for those who only hold a slot. */
const hasReported = (agent: AgentSummary): boolean => agent.enforcement !== "unmetered"

const usageOf = (agent: AgentSummary): AgentUsageSummary => ({
  agentId: agent.agentId,
  taskId: agent.taskId,
  inputTokens: agent.inputTokens,
  outputTokens: agent.outputTokens,
  totalTokens: agent.totalTokens,
  usagePercent: agent.usagePercent ?? 0,
})

const reasonOf = (refusal: RefusalReport): string => {
  switch (refusal.reason) {
    case "concurrency_limit":
      return `Maximum concurrent agents reached (${refusal.limit})`
    case "daily_token_limit":
      return `Daily token budget exceeded (${spentOf(refusal)}/${refusal.limit})`
    case "draining":
      return "The application is shutting down"
    case "ledger_unavailable":
      return "The ledger cannot be written"
    default:
      return explain(refusal)
  }
}

/** Tokens held for calls under way are named where there are any. */
const spentOf = ({ used, held }: RefusalReport): string =>
  held === 0 ? `${used}` : `${used} and ${held} held`
