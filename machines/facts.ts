/**
 * Facts: what whoever listens to a supervisor hears. Few by design: a usage report becomes one
 * only when it crosses a threshold.
 */
import type { Refusal } from "./budget/row.ts"
import type { AgentSummary, Summary } from "./budget/summary.ts"
import type {
  AgentId,
  AgentKey,
  BudgetStatus,
  HoldId,
  Instant,
  RequestId,
  TaskId,
} from "./vocabulary.ts"

export type Fact =
  | {
      readonly type: "status.changed"
      readonly at: Instant
      readonly status: BudgetStatus
      readonly previous: BudgetStatus
      readonly dailyTokensUsed: number
      readonly dailyTokenLimit: number | null
      readonly windowId: string
    }
  | {
      readonly type: "agent.admitted"
      readonly at: Instant
      readonly key: AgentKey
      readonly agentId: AgentId
      readonly taskId: TaskId
      readonly wouldRefuse: Refusal | null
    }
  | {
      readonly type: "agent.refused"
      readonly at: Instant
      readonly subject: "spawn" | "hold"
      readonly requestId: RequestId | HoldId
      readonly agentId: AgentId
      readonly taskId: TaskId
      readonly refusal: Refusal
    }
  | {
      readonly type: "agent.warned"
      readonly at: Instant
      readonly key: AgentKey
      readonly agentId: AgentId
      readonly status: BudgetStatus
      readonly totalTokens: number
      readonly tokenLimit: number | null
    }
  /** The same two for money. */
  | {
      readonly type: "cost.status_changed"
      readonly at: Instant
      readonly status: BudgetStatus
      readonly previous: BudgetStatus
      readonly dailyCostMicroUsd: number
      readonly dailyCostLimitMicroUsd: number | null
      readonly windowId: string
    }
  | {
      readonly type: "agent.cost_warned"
      readonly at: Instant
      readonly key: AgentKey
      readonly agentId: AgentId
      readonly status: BudgetStatus
      readonly costMicroUsd: number
      readonly costLimitMicroUsd: number | null
    }
  /** Only what was set aside for winding down is left; told once. */
  | {
      readonly type: "agent.wrapping_up"
      readonly at: Instant
      readonly key: AgentKey
      readonly agentId: AgentId
      readonly remainingTokens: number | null
    }
  /** Its own account of its calls, beside what was counted of them here. */
  | {
      readonly type: "agent.compared"
      readonly at: Instant
      readonly key: AgentKey
      readonly agentId: AgentId
      readonly meter: string
      readonly ownTokens: number
      readonly countedTokens: number
    }
  | {
      readonly type: "agent.stopping"
      readonly at: Instant
      readonly agent: AgentSummary
    }
  | { readonly type: "agent.unkillable"; readonly at: Instant; readonly agent: AgentSummary }
  | {
      readonly type: "agent.ended"
      readonly at: Instant
      readonly key: AgentKey
      readonly agent: AgentSummary
    }
  | { readonly type: "summary"; readonly at: Instant; readonly summary: Summary }
