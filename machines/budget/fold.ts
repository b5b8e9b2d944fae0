/**
 * `fold`: the one function that changes a budget, row by row, at run time and at recovery.
 *
 * Total: a row about something unknown (its agent ended before the checkpoint) changes only
 * what is still there. It never decides; whatever the row says has happened.
 */
import * as HashMap from "effect/HashMap"
import { type Account, charge, limitTo, openAccount } from "./account.ts"
import { add, NO_USAGE, narrowerLimit } from "./amounts.ts"
import {
  agentOf,
  type Budget,
  type EndedAgent,
  type LiveAgent,
  NO_CALLS,
  TAIL_LENGTH,
} from "./budget.ts"
import {
  correctCall,
  dropHold,
  expireHold,
  placeHold,
  recordUsage,
  settleHold,
} from "./fold-spending.ts"
import { changeAgent, recount } from "./live-agents.ts"
import type * as Rows from "./row.ts"
import { settingsAsWritten } from "./settings.ts"
import { append, emptyTail } from "./tail.ts"

export const fold = (budget: Budget, row: Rows.Row): Budget => ({
  ...apply(budget, row),
  seq: row.seq,
})

export const foldAll = (budget: Budget, rows: Iterable<Rows.Row>): Budget => {
  let folded = budget
  for (const row of rows) folded = fold(folded, row)
  return folded
}

const apply = (budget: Budget, row: Rows.Row): Budget => {
  switch (row.kind) {
    case "window_opened":
      return openWindow(budget, row.window)
    case "clock_stepped":
      return stepClock(budget, row)
    case "budget_set":
      return setBudget(budget, row)
    case "defaults_kept":
      return { ...budget, kept: row.values }
    case "admitted":
      return admit(budget, row)
    case "refused":
      return refuse(budget, row)
    case "started":
      return changeAgent(budget, row.key, (agent) => ({
        ...agent,
        state: agent.state === "starting" ? "running" : agent.state,
        process: row.process,
      }))
    case "hold_placed":
      return placeHold(budget, row)
    case "hold_settled":
      return settleHold(budget, row)
    case "hold_voided":
      return dropHold(budget, row)
    case "hold_expired":
      return expireHold(budget, row)
    case "usage_recorded":
      return recordUsage(budget, row)
    case "corrected":
      return correctCall(budget, row)
    case "own_account_read":
      return changeAgent(budget, row.key, (agent) => ({
        ...agent,
        ownAccount: { meter: row.meter, usage: row.usage },
      }))
    case "stop_requested":
      return changeAgent(budget, row.key, (agent) =>
        agent.reason === null
          ? { ...agent, state: "stopping", reason: row.reason, stoppingAt: row.at }
          : agent,
      )
    case "unkillable":
      return changeAgent(budget, row.key, (agent) => ({ ...agent, state: "unkillable" }))
    case "ended":
      return end(budget, row)
  }
}

/** A closed window takes its ended agents with it; the living start it at nothing. */
const openWindow = (budget: Budget, window: Rows.Window): Budget => {
  const lasting = closeIdleAccounts(budget)
  return {
    ...lasting,
    window,
    day: openAccount(budget.settings.dailyTokenLimit, budget.settings.thresholds),
    dayCost: openAccount(budget.settings.dailyCostLimitMicroUsd, budget.settings.thresholds),
    unpricedCalls: 0,
    agents: HashMap.map(lasting.agents, (agent) =>
      agent.windowTokens === 0 ? agent : { ...agent, windowTokens: 0 },
    ),
    ended: emptyTail(),
    endedOmitted: { agents: 0, windowTokens: 0 },
    refused: emptyTail(),
  }
}

/** Nobody ends an account that only counts: it leaves with a window in which it counted nothing. */
const closeIdleAccounts = (budget: Budget): Budget => {
  let left = budget
  for (const agent of HashMap.values(budget.agents)) {
    if (agent.slot || agent.windowTokens > 0 || agent.holds.length > 0) continue
    left = {
      ...left,
      agents: HashMap.remove(left.agents, agent.key),
      names: HashMap.remove(left.names, agent.agentId),
      liveByEnforcement: recount(left, agent.enforcement, null),
    }
  }
  return left
}

const stepClock = (budget: Budget, row: Rows.ClockStepped): Budget => {
  const opened = openWindow(budget, row.window)
  const { confirmedTokens, uncertainTokens, confirmedMicroUsd = 0, uncertainMicroUsd = 0 } = row
  const used = (account: Account, confirmed: number, uncertain: number): Account => {
    const certain = charge(account, { tokens: confirmed, certain: true, overrun: 0 })
    const all = charge(certain, { tokens: uncertain, certain: false, overrun: 0 })
    // The row does not say how much of it no hold had promised: what is beyond the limit.
    return limitTo(all, all.limit, budget.settings.thresholds)
  }
  return {
    ...opened,
    day: used(opened.day, confirmedTokens, uncertainTokens),
    dayCost: used(opened.dayCost, confirmedMicroUsd, uncertainMicroUsd),
  }
}

const setBudget = (budget: Budget, row: Rows.BudgetSet): Budget => {
  const settings = settingsAsWritten(row.settings)
  const limited = (account: Account, limit: number | null): Account =>
    limitTo(account, limit, settings.thresholds)
  const { perAgentTokenLimit, perAgentCostLimitMicroUsd } = settings
  return {
    ...budget,
    settings,
    day: limited(budget.day, settings.dailyTokenLimit),
    dayCost: limited(budget.dayCost, settings.dailyCostLimitMicroUsd),
    agents: HashMap.map(budget.agents, (agent) => {
      const account = limited(agent.account, narrowerLimit(agent.ownLimit, perAgentTokenLimit))
      const cost = limited(agent.cost, narrowerLimit(agent.ownCostLimit, perAgentCostLimitMicroUsd))
      // Under another limit something else is set aside, and it is told of that anew.
      const wrappingUp = agent.wrappingUp && account.limit === agent.account.limit
      return { ...agent, account, cost, wrappingUp }
    }),
  }
}

const admit = (budget: Budget, row: Rows.Admitted): Budget => {
  const agent: LiveAgent = {
    key: row.key,
    agentId: row.agentId,
    taskId: row.taskId,
    requestId: row.requestId,
    state: "starting",
    slot: row.slot,
    startedAt: row.at,
    deadlineAt: row.deadlineAt,
    graceMs: row.graceMs,
    enforcement: row.enforcement,
    process: null,
    ownLimit: row.ownLimit,
    account: openAccount(row.tokenLimit, budget.settings.thresholds),
    ownCostLimit: row.ownCostLimitMicroUsd ?? null,
    cost: openAccount(row.costLimitMicroUsd ?? null, budget.settings.thresholds),
    unpricedCalls: 0,
    credential: row.credential ?? null,
    ownReserve: row.reserveForWrapUp ?? null,
    wrappingUp: false,
    ownAccount: null,
    windowTokens: 0,
    usage: NO_USAGE,
    holds: [],
    calls: NO_CALLS,
    reason: null,
    stoppingAt: null,
    refusalsInARow: 0,
    refusedNever: null,
    wouldRefuse: row.wouldRefuse,
  }
  return {
    ...budget,
    agents: HashMap.set(budget.agents, row.key, agent),
    names: HashMap.set(budget.names, row.agentId, row.key),
    slotsTaken: budget.slotsTaken + (row.slot ? 1 : 0),
    liveByEnforcement: recount(budget, null, row.enforcement),
  }
}

const refuse = (budget: Budget, row: Rows.Refused): Budget => {
  const { tail } = append(
    budget.refused,
    {
      subject: row.subject,
      requestId: row.requestId,
      agentId: row.agentId,
      taskId: row.taskId,
      at: row.at,
      refusal: row.refusal,
    },
    TAIL_LENGTH,
  )
  const listed = { ...budget, refused: tail }
  if (row.key === null) return listed
  return changeAgent(listed, row.key, (agent) => ({
    ...agent,
    refusalsInARow: agent.refusalsInARow + 1,
    refusedNever: row.refusal.never ? row.refusal.reason : null,
  }))
}

const end = (budget: Budget, row: Rows.Ended): Budget => {
  const agent = agentOf(budget, row.key)
  if (agent === undefined) return budget
  const ended: EndedAgent = {
    agent: { ...agent, state: "ended", reason: row.reason, calls: NO_CALLS },
    reason: row.reason,
    mechanism: row.mechanism,
    endedAt: row.at,
    exitCode: row.exitCode,
    signal: row.signal,
    error: row.error,
  }
  const { tail, forgotten } = append(budget.ended, ended, TAIL_LENGTH)
  const omitted = budget.endedOmitted
  return {
    ...budget,
    agents: HashMap.remove(budget.agents, row.key),
    names: HashMap.remove(budget.names, agent.agentId),
    slotsTaken: budget.slotsTaken - (agent.slot ? 1 : 0),
    liveByEnforcement: recount(budget, agent.enforcement, null),
    ended: tail,
    endedOmitted:
      forgotten === undefined
        ? omitted
        : {
            agents: omitted.agents + 1,
            windowTokens: add(omitted.windowTokens, forgotten.agent.windowTokens),
          },
  }
}
