/** The aggregate status: what every edge prints. The open window and the live agents; plain JSON. */
import * as HashMap from "effect/HashMap"
import type {
  AgentState,
  BudgetStatus,
  Credential,
  Enforcement,
  Instant,
  Mechanism,
  RefusalReason,
  StopReason,
} from "../vocabulary.ts"
import { statusOf, usedOf } from "./account.ts"
import { percentOf, rawTokens } from "./amounts.ts"
import type { Budget, EndedAgent, LiveAgent, RefusedRequest } from "./budget.ts"
import { listed } from "./tail.ts"

/** One admission. Times are ISO 8601 UTC with milliseconds, or null. */
export interface AgentSummary {
  readonly agentId: string
  readonly taskId: string
  readonly inputTokens: number
  readonly outputTokens: number
  readonly totalTokens: number
  /** Of its own limit; null when that is unlimited. */
  readonly usagePercent: number | null
  readonly state: AgentState
  readonly reason: StopReason | null
  readonly mechanism: Mechanism | null
  readonly startedAt: string
  readonly endedAt: string | null
  readonly deadlineAt: string | null
  readonly heldTokens: number
  /** Its part of `dailyTokensUsed`. */
  readonly windowTokens: number
  readonly rawTokens: number
  readonly cacheWriteTokens: number
  readonly cacheReadTokens: number
  readonly tokenLimit: number | null
  readonly budgetStatus: BudgetStatus
  readonly enforcement: Enforcement
  readonly costMicroUsd: number
  readonly costLimitMicroUsd: number | null
  readonly heldCostMicroUsd: number
  /** Calls of models without a known price, which no cost here holds. */
  readonly unpricedCalls: number
  /** Whose key pays its calls through the gateway: Stint's, or its own sign-in; null without it. */
  readonly credential: Credential | null
  /** Only what was set aside for winding down is left. */
  readonly wrappingUp: boolean
  /** Its own account of its calls, and by how much that differs; null where nobody compared. */
  readonly ownAccount: OwnAccountSummary | null
  /** In soft mode, the limit that hard mode would have refused or stopped it by. */
  readonly wouldRefuse: RefusalReason | null
  readonly exitCode: number | null
  readonly signal: string | null
  readonly error: string | null
}

export interface OwnAccountSummary {
  readonly meter: string
  readonly rawTokens: number
  /** Its own raw tokens less those counted here. */
  readonly differenceTokens: number
}

export interface RefusedSummary {
  readonly subject: "spawn" | "hold"
  readonly requestId: string
  readonly agentId: string
  readonly taskId: string
  readonly at: string
  readonly reason: RefusalReason
  readonly limit: number | null
  readonly used: number
  readonly held: number
  readonly asked: number
  readonly retryAt: string | null
  readonly never: boolean
}

export interface Summary {
  readonly dailyTokensUsed: number
  readonly dailyTokenLimit: number | null
  readonly dailyUsagePercent: number | null
  readonly budgetStatus: BudgetStatus
  readonly activeAgents: number
  readonly maxConcurrentAgents: number | null
  readonly agentUsage: readonly AgentSummary[]
  readonly heldTokens: number
  readonly uncertainTokens: number
  readonly overrunTokens: number
  /** How far past a limit spending can go right now: 0, or null when nobody can say. */
  readonly overshootBound: 0 | null
  readonly overshootEstimate: number | null
  readonly windowStartsAt: string
  readonly windowEndsAt: string
  readonly timeZone: string
  readonly refused: readonly RefusedSummary[]
  readonly enforceHardLimits: boolean
  readonly dailyCostMicroUsd: number
  readonly dailyCostLimitMicroUsd: number | null
  readonly heldCostMicroUsd: number
  readonly uncertainCostMicroUsd: number
  readonly overrunCostMicroUsd: number
  /** Calls of the day whose models have no known price, which no cost here holds. */
  readonly unpricedCalls: number
  /** Ended agents of this window beyond the newest thousand, which `agentUsage` leaves out. */
  readonly omittedAgents: { readonly agents: number; readonly windowTokens: number }
}

export const isoOf = (at: Instant): string => new Date(at).toISOString()

const isoOrNull = (at: Instant | null): string | null => (at === null ? null : isoOf(at))

export const summarise = (budget: Budget): Summary => ({
  dailyTokensUsed: usedOf(budget.day),
  dailyTokenLimit: budget.day.limit,
  dailyUsagePercent: percentOf(usedOf(budget.day), budget.day.limit),
  budgetStatus: statusOf(budget.day),
  activeAgents: budget.slotsTaken,
  maxConcurrentAgents: budget.settings.maxConcurrentAgents,
  agentUsage: [...liveSummaries(budget), ...listed(budget.ended).map(summariseEnded)].sort(byStart),
  heldTokens: budget.day.held,
  uncertainTokens: budget.day.uncertain,
  overrunTokens: budget.day.overrun,
  overshootBound: overshootBound(budget),
  overshootEstimate: overshootEstimate(budget),
  windowStartsAt: isoOf(budget.window.startsAt),
  windowEndsAt: isoOf(budget.window.endsAt),
  timeZone: budget.window.timeZone,
  refused: listed(budget.refused).map(summariseRefused),
  enforceHardLimits: budget.settings.enforceHardLimits,
  dailyCostMicroUsd: usedOf(budget.dayCost),
  dailyCostLimitMicroUsd: budget.dayCost.limit,
  heldCostMicroUsd: budget.dayCost.held,
  uncertainCostMicroUsd: budget.dayCost.uncertain,
  overrunCostMicroUsd: budget.dayCost.overrun,
  unpricedCalls: budget.unpricedCalls,
  omittedAgents: budget.endedOmitted,
})

/** Of those that started together, by name: the map they come from has an order of its own. */
const byStart = (a: AgentSummary, b: AgentSummary): number =>
  a.startedAt === b.startedAt ? compare(a.agentId, b.agentId) : compare(a.startedAt, b.startedAt)

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)

/** 0 in hard mode while every live agent is `reserved`; null as soon as anything is seen only afterwards. */
export const overshootBound = (budget: Budget): 0 | null => {
  const { metered, opaque, unmetered } = budget.liveByEnforcement
  return budget.settings.enforceHardLimits && metered + opaque + unmetered === 0 ? 0 : null
}

/** Live metered agents × the largest single call seen; null before the first. */
export const overshootEstimate = (budget: Budget): number | null =>
  budget.largestCall === null ? null : budget.liveByEnforcement.metered * budget.largestCall

const liveSummaries = (budget: Budget): readonly AgentSummary[] =>
  [...HashMap.values(budget.agents)].map(summariseLive)

export const summariseLive = (agent: LiveAgent): AgentSummary => ({
  agentId: agent.agentId,
  taskId: agent.taskId,
  inputTokens: agent.usage.inputTokens,
  outputTokens: agent.usage.outputTokens,
  totalTokens: usedOf(agent.account),
  usagePercent: percentOf(usedOf(agent.account), agent.account.limit),
  state: agent.state,
  reason: agent.reason,
  mechanism: null,
  startedAt: isoOf(agent.startedAt),
  endedAt: null,
  deadlineAt: isoOrNull(agent.deadlineAt),
  heldTokens: agent.account.held,
  windowTokens: agent.windowTokens,
  rawTokens: rawTokens(agent.usage),
  cacheWriteTokens: agent.usage.cacheWriteTokens,
  cacheReadTokens: agent.usage.cacheReadTokens,
  tokenLimit: agent.account.limit,
  budgetStatus: statusOf(agent.account),
  enforcement: agent.enforcement,
  costMicroUsd: usedOf(agent.cost),
  costLimitMicroUsd: agent.cost.limit,
  heldCostMicroUsd: agent.cost.held,
  unpricedCalls: agent.unpricedCalls,
  credential: agent.credential,
  wrappingUp: agent.wrappingUp,
  ownAccount: ownAccountOf(agent),
  wouldRefuse: agent.wouldRefuse?.reason ?? null,
  exitCode: null,
  signal: null,
  error: null,
})

const ownAccountOf = ({ ownAccount, usage }: LiveAgent): OwnAccountSummary | null => {
  if (ownAccount === null) return null
  const own = rawTokens(ownAccount.usage)
  return { meter: ownAccount.meter, rawTokens: own, differenceTokens: own - rawTokens(usage) }
}

export const summariseEnded = (ended: EndedAgent): AgentSummary => ({
  ...summariseLive(ended.agent),
  state: "ended",
  reason: ended.reason,
  mechanism: ended.mechanism,
  endedAt: isoOf(ended.endedAt),
  exitCode: ended.exitCode,
  signal: ended.signal,
  error: ended.error,
})

const summariseRefused = (refused: RefusedRequest): RefusedSummary => ({
  subject: refused.subject,
  requestId: refused.requestId,
  agentId: refused.agentId,
  taskId: refused.taskId,
  at: isoOf(refused.at),
  reason: refused.refusal.reason,
  limit: refused.refusal.limit,
  used: refused.refusal.used,
  held: refused.refusal.held,
  asked: refused.refusal.asked,
  retryAt: isoOrNull(refused.refusal.retryAt),
  never: refused.refusal.never,
})
