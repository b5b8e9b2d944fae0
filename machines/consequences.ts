/** What follows from rows: facts for whoever listens, commands for the pool and the deadlines. */
import * as HashMap from "effect/HashMap"
import type { PoolEvent } from "./agent-pool.ts"
import { type Account, remainingOf, STATUSES, usedOf } from "./budget/account.ts"
import { rawTokens } from "./budget/amounts.ts"
import { agentOf, type Budget, holdOf, type LiveAgent } from "./budget/budget.ts"
import type { Row } from "./budget/row.ts"
import { summariseEnded, summariseLive } from "./budget/summary.ts"
import { newest } from "./budget/tail.ts"
import type { DeadlinesEvent } from "./deadlines.ts"
import type { Fact } from "./facts.ts"
import type { AgentKey, BudgetStatus, HoldId, Instant } from "./vocabulary.ts"

export interface Consequences {
  readonly facts: readonly Fact[]
  readonly pool: readonly PoolEvent[]
  readonly deadlines: readonly DeadlinesEvent[]
}

interface Growing {
  readonly facts: Fact[]
  readonly pool: PoolEvent[]
  readonly deadlines: DeadlinesEvent[]
}

export const consequencesOf = (
  before: Budget,
  after: Budget,
  rows: readonly Row[],
): Consequences => {
  if (isQuiet(before, after, rows)) return NOTHING
  const grown: Growing = { facts: [], pool: [], deadlines: [] }
  const at = rows[0]?.at
  if (at === undefined) return grown
  // A crossing is told before the stop that it causes.
  dayCrossing(grown, before, after, at)
  costCrossing(grown, before, after, at)
  for (const key of touched(before, rows)) agentCrossings(grown, before, after, key, at)
  for (const row of rows) follow(grown, before, after, row)
  return grown
}

const NOTHING: Consequences = { facts: [], pool: [], deadlines: [] }

/** A watched hold has none; one that is not known any more may have had one. */
const hasDeadline = (before: Budget, holdId: HoldId): boolean =>
  holdOf(before, holdId)?.expiresAt !== null

/** Everyday calls and reports that cross nothing: most of all events, so they are let through first. */
const isQuiet = (before: Budget, after: Budget, rows: readonly Row[]): boolean => {
  const row = rows[0]
  if (rows.length !== 1 || row === undefined) return false
  if (row.kind === "hold_placed") return row.expiresAt === null && row.wrapUp !== true
  if (row.kind !== "usage_recorded" && row.kind !== "hold_settled") return false
  if (row.kind === "hold_settled" && hasDeadline(before, row.holdId)) return false
  if (before.day.told !== after.day.told || before.dayCost.told !== after.dayCost.told) return false
  const was = agentOf(before, row.key)
  const is = agentOf(after, row.key)
  return was?.account.told === is?.account.told && was?.cost.told === is?.cost.told
}

const follow = (grown: Growing, before: Budget, after: Budget, row: Row): void => {
  const { at } = row
  switch (row.kind) {
    case "window_opened":
    case "clock_stepped":
      grown.deadlines.push(set({ of: "day" }, row.window.endsAt, at))
      return
    case "admitted": {
      const { key, agentId, taskId, deadlineAt, wouldRefuse } = row
      grown.facts.push({ type: "agent.admitted", at, key, agentId, taskId, wouldRefuse })
      if (!row.slot) return
      grown.pool.push({ type: "agent.spawned", input: { key, agentId, taskId, deadlineAt } })
      if (deadlineAt !== null) grown.deadlines.push(set({ of: "duration", key }, deadlineAt, at))
      return
    }
    case "refused": {
      const { subject, requestId, agentId, taskId, refusal } = row
      grown.facts.push({ type: "agent.refused", at, subject, requestId, agentId, taskId, refusal })
      return
    }
    case "hold_placed":
      if (row.expiresAt !== null)
        grown.deadlines.push(set({ of: "hold", holdId: row.holdId }, row.expiresAt, at))
      if (row.wrapUp === true) wrappingUp(grown, before, after, row.key, at)
      return
    case "hold_settled":
    case "hold_voided":
    case "hold_expired":
      if (hasDeadline(before, row.holdId))
        grown.deadlines.push(clear({ of: "hold", holdId: row.holdId }))
      return
    case "stop_requested":
      stopping(grown, after, row.key, row.reason, at)
      return
    case "unkillable": {
      const agent = agentOf(after, row.key)
      if (agent !== undefined)
        grown.facts.push({ type: "agent.unkillable", at, agent: summariseLive(agent) })
      return
    }
    case "ended":
      ended(grown, after, row.key, at)
      return
    case "started":
    case "usage_recorded":
    case "corrected":
    case "budget_set":
    case "defaults_kept":
      return
    case "own_account_read":
      compared(grown, before, row)
  }
}

const wrappingUp = (
  grown: Growing,
  before: Budget,
  after: Budget,
  key: AgentKey,
  at: Instant,
): void => {
  const agent = agentOf(after, key)
  if (agent === undefined || agentOf(before, key)?.wrappingUp === true) return
  const { agentId } = agent
  const remainingTokens = remainingOf(agent.account)
  grown.facts.push({ type: "agent.wrapping_up", at, key, agentId, remainingTokens })
}

const compared = (
  grown: Growing,
  before: Budget,
  { key, meter, usage, at }: Extract<Row, { kind: "own_account_read" }>,
): void => {
  const agent = agentOf(before, key)
  if (agent === undefined) return
  grown.facts.push({
    type: "agent.compared",
    at,
    ...{ key, agentId: agent.agentId, meter },
    ownTokens: rawTokens(usage),
    countedTokens: rawTokens(agent.usage),
  })
}

const set = (
  deadline: Extract<DeadlinesEvent, { type: "deadline.set" }>["deadline"],
  dueAt: Instant,
  at: Instant,
): DeadlinesEvent => ({ type: "deadline.set", deadline, dueAt, at })

const clear = (
  deadline: Extract<DeadlinesEvent, { type: "deadline.cleared" }>["deadline"],
): DeadlinesEvent => ({ type: "deadline.cleared", deadline })

const stopping = (
  grown: Growing,
  after: Budget,
  key: AgentKey,
  reason: Exclude<LiveAgent["reason"], null>,
  at: Instant,
): void => {
  const agent = agentOf(after, key)
  if (agent === undefined) return
  grown.facts.push({ type: "agent.stopping", at, agent: summariseLive(agent) })
  grown.pool.push({ type: "agent.told", key, event: { type: "stop.requested", at, reason } })
  grown.deadlines.push(clear({ of: "duration", key }))
  grown.deadlines.push(set({ of: "grace", key }, at + agent.graceMs, at))
}

const ended = (grown: Growing, after: Budget, key: AgentKey, at: Instant): void => {
  for (const timer of ["duration", "grace", "kill"] as const)
    grown.deadlines.push(clear({ of: timer, key }))
  const found = newest(after.ended)
  if (found?.agent.key === key)
    grown.facts.push({ type: "agent.ended", at, key, agent: summariseEnded(found) })
}

const dayCrossing = (grown: Growing, before: Budget, after: Budget, at: Instant): void => {
  if (before.day.told === after.day.told) return
  grown.facts.push({
    type: "status.changed",
    at,
    status: statusAt(after.day),
    previous: statusAt(before.day),
    dailyTokensUsed: usedOf(after.day),
    dailyTokenLimit: after.day.limit,
    windowId: after.window.id,
  })
}

const costCrossing = (grown: Growing, before: Budget, after: Budget, at: Instant): void => {
  if (before.dayCost.told === after.dayCost.told) return
  grown.facts.push({
    type: "cost.status_changed",
    at,
    status: statusAt(after.dayCost),
    previous: statusAt(before.dayCost),
    dailyCostMicroUsd: usedOf(after.dayCost),
    dailyCostLimitMicroUsd: after.dayCost.limit,
    windowId: after.window.id,
  })
}

const statusAt = (account: Account): BudgetStatus => STATUSES[account.told] ?? "within_budget"

/** Each threshold passed is told on its own, once. */
const agentCrossings = (
  grown: Growing,
  before: Budget,
  after: Budget,
  key: AgentKey,
  at: Instant,
): void => {
  const agent = agentOf(after, key)
  if (agent === undefined) return
  const known = agentOf(before, key)
  const { agentId, account, cost } = agent
  for (const status of newlyTold(known?.account, account)) {
    const counted = { totalTokens: usedOf(account), tokenLimit: account.limit }
    grown.facts.push({ type: "agent.warned", at, key, agentId, status, ...counted })
    grown.pool.push({ type: "agent.told", key, event: { type: "limit.crossed", at, status } })
  }
  for (const status of newlyTold(known?.cost, cost)) {
    const counted = { costMicroUsd: usedOf(cost), costLimitMicroUsd: cost.limit }
    grown.facts.push({ type: "agent.cost_warned", at, key, agentId, status, ...counted })
  }
}

/** Under a new limit everything is told anew. */
const newlyTold = (known: Account | undefined, account: Account): readonly BudgetStatus[] => {
  const told = known?.limit === account.limit ? known.told : 0
  return STATUSES.slice(told + 1, account.told + 1)
}

/** Whose accounts the rows charged; everybody's when the limits themselves changed. */
const touched = (before: Budget, rows: readonly Row[]): readonly AgentKey[] => {
  if (rows.some((row) => row.kind === "budget_set")) return [...HashMap.keys(before.agents)]
  const keys = rows.flatMap((row) =>
    row.kind === "usage_recorded" ||
    row.kind === "hold_settled" ||
    row.kind === "hold_expired" ||
    row.kind === "corrected"
      ? [row.key]
      : [],
  )
  return keys.length > 1 ? [...new Set(keys)] : keys
}
