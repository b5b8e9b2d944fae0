/**
 * `fold`: the one function that changes a budget, row by row, at run time and at recovery.
 *
 * Total: a row about something unknown (its agent ended before the checkpoint) changes only
 * what is still there. It never decides; whatever the row says has happened.
 */
import * as HashMap from "effect/HashMap"
import type { Enforcement, Tokens, WindowId } from "../vocabulary.ts"
import { charge, correct, hold, limitTo, openAccount, release } from "./account.ts"
import { add, addUsage, NO_USAGE, narrowerLimit, subtract, subtractUsage } from "./amounts.ts"
import {
  agentOf,
  type Budget,
  type EndedAgent,
  holdOf,
  knownCall,
  type LiveAgent,
  NO_CALLS,
  rememberCall,
  TAIL_LENGTH,
} from "./budget.ts"
import type * as Rows from "./row.ts"
import { amend, append, emptyTail } from "./tail.ts"

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

const changeAgent = (
  budget: Budget,
  key: LiveAgent["key"],
  change: (agent: LiveAgent) => LiveAgent,
): Budget => {
  const agent = agentOf(budget, key)
  return agent === undefined
    ? budget
    : { ...budget, agents: HashMap.set(budget.agents, key, change(agent)) }
}

/** A closed window takes its ended agents with it; the living start it at nothing. */
const openWindow = (budget: Budget, window: Rows.Window): Budget => {
  const lasting = closeIdleAccounts(budget)
  return {
    ...lasting,
    window,
    day: openAccount(budget.settings.dailyTokenLimit, budget.settings.thresholds),
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
  const confirmed = charge(opened.day, { tokens: row.confirmedTokens, certain: true, overrun: 0 })
  const used = charge(confirmed, { tokens: row.uncertainTokens, certain: false, overrun: 0 })
  // The row does not say how much of it no hold had promised: what is beyond the limit.
  return { ...opened, day: limitTo(used, used.limit, budget.settings.thresholds) }
}

const setBudget = (budget: Budget, row: Rows.BudgetSet): Budget => ({
  ...budget,
  settings: row.settings,
  day: limitTo(budget.day, row.settings.dailyTokenLimit, row.settings.thresholds),
  agents: HashMap.map(budget.agents, (agent) => ({
    ...agent,
    account: limitTo(
      agent.account,
      narrowerLimit(agent.ownLimit, row.settings.perAgentTokenLimit),
      row.settings.thresholds,
    ),
  })),
})

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

const recount = (
  budget: Budget,
  from: Enforcement | null,
  to: Enforcement | null,
): Budget["liveByEnforcement"] => {
  if (from === to) return budget.liveByEnforcement
  const counts = { ...budget.liveByEnforcement }
  if (from !== null) counts[from] -= 1
  if (to !== null) counts[to] += 1
  return counts
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

/** The first meter to speak names the class; a report without a hold is never `reserved`. */
const classAfter = (agent: LiveAgent, meter: "reserved" | "metered"): Enforcement =>
  meter === "metered"
    ? "metered"
    : agent.enforcement === "unmetered"
      ? "reserved"
      : agent.enforcement

const placeHold = (budget: Budget, row: Rows.HoldPlaced): Budget => {
  const agent = agentOf(budget, row.key)
  if (agent === undefined) return budget
  const enforcement = classAfter(agent, "reserved")
  const { id, key, windowId, tokens, expiresAt } = { ...row, id: row.holdId }
  return {
    ...budget,
    day: row.windowId === budget.window.id ? hold(budget.day, row.tokens) : budget.day,
    holds: HashMap.set(budget.holds, row.holdId, { id, key, windowId, tokens, expiresAt }),
    agents: HashMap.set(budget.agents, row.key, {
      ...agent,
      enforcement,
      account: hold(agent.account, row.tokens),
      holds: [...agent.holds, row.holdId],
      refusalsInARow: 0,
      refusedNever: null,
      wouldRefuse: agent.wouldRefuse ?? row.wouldRefuse,
    }),
    liveByEnforcement: recount(budget, agent.enforcement, enforcement),
  }
}

/** Takes the hold off its agent and its window; whether it is charged is the caller's business. */
const dropHold = (budget: Budget, row: { readonly holdId: Rows.HoldPlaced["holdId"] }): Budget => {
  const held = holdOf(budget, row.holdId)
  if (held === undefined) return budget
  const dropped = {
    ...budget,
    holds: HashMap.remove(budget.holds, row.holdId),
    day: held.windowId === budget.window.id ? release(budget.day, held.tokens) : budget.day,
  }
  return changeAgent(dropped, held.key, (agent) => ({
    ...agent,
    account: release(agent.account, held.tokens),
    holds: agent.holds.filter((id) => id !== row.holdId),
  }))
}

interface Spent {
  readonly key: LiveAgent["key"]
  readonly windowId: WindowId
  readonly usage: Rows.UsageRecorded["usage"]
  readonly tokens: Tokens
  readonly certain: boolean
  readonly overrun: Tokens
}

const spend = (budget: Budget, spent: Spent, change: (agent: LiveAgent) => LiveAgent): Budget => {
  const inWindow = spent.windowId === budget.window.id
  const charged = {
    ...budget,
    day: inWindow ? charge(budget.day, spent) : budget.day,
    largestCall: Math.max(budget.largestCall ?? 0, spent.tokens),
  }
  return changeAgent(charged, spent.key, (agent) =>
    change({
      ...agent,
      account: charge(agent.account, spent),
      windowTokens: inWindow ? add(agent.windowTokens, spent.tokens) : agent.windowTokens,
      usage: addUsage(agent.usage, spent.usage),
    }),
  )
}

const settleHold = (budget: Budget, row: Rows.HoldSettled): Budget => {
  if (holdOf(budget, row.holdId) === undefined) return budget
  const overrun = subtract(row.tokens, row.heldTokens)
  const certain = row.provenance === "reported"
  return spend(dropHold(budget, row), { ...row, certain, overrun }, (agent) => agent)
}

const expireHold = (budget: Budget, row: Rows.HoldExpired): Budget => {
  if (holdOf(budget, row.holdId) === undefined) return budget
  const spent = { ...row, usage: NO_USAGE, tokens: row.heldTokens, certain: false, overrun: 0 }
  return spend(dropHold(budget, row), spent, (agent) => agent)
}

const recordUsage = (budget: Budget, row: Rows.UsageRecorded): Budget => {
  const before = agentOf(budget, row.key)
  if (before === undefined) return budget
  const certain = row.provenance === "reported"
  const { usageId, usage, tokens, windowId } = row
  const enforcement = classAfter(before, "metered")
  const recorded = spend(budget, { ...row, certain, overrun: row.tokens }, (agent) => ({
    ...agent,
    enforcement,
    calls:
      usageId === null
        ? agent.calls
        : rememberCall(agent.calls, usageId, {
            usage,
            tokens,
            uncertain: certain ? 0 : tokens,
            windowId,
            weights: budget.settings.tokenWeights,
          }),
  }))
  return before.enforcement === enforcement
    ? recorded
    : { ...recorded, liveByEnforcement: recount(budget, before.enforcement, enforcement) }
}

const correctCall = (budget: Budget, row: Rows.Corrected): Budget => {
  const correction = {
    before: row.tokensBefore,
    uncertainBefore: row.uncertainBefore,
    now: row.tokens,
  }
  const inWindow = row.windowId === budget.window.id
  const shift = <A extends LiveAgent>(agent: A): A => ({
    ...agent,
    account: correct(agent.account, correction),
    windowTokens: inWindow
      ? add(subtract(agent.windowTokens, row.tokensBefore), row.tokens)
      : agent.windowTokens,
    usage: addUsage(subtractUsage(agent.usage, row.usageBefore), row.usage),
  })
  const corrected = {
    ...budget,
    day: inWindow ? correct(budget.day, correction) : budget.day,
    largestCall: Math.max(budget.largestCall ?? 0, row.tokens),
  }
  if (agentOf(budget, row.key) === undefined) return correctEnded(corrected, row.key, shift)
  return changeAgent(corrected, row.key, (agent) => ({
    ...shift(agent),
    calls: callsAfter(agent, row),
  }))
}

/** What a checkpoint forgot is not remembered again: nobody asks about the calls of the lost. */
const callsAfter = ({ calls }: LiveAgent, row: Rows.Corrected): LiveAgent["calls"] => {
  const known = "usageId" in row.ref ? knownCall(calls, row.ref.usageId) : undefined
  if (known === undefined || !("usageId" in row.ref)) return calls
  const { usage, tokens } = row
  return rememberCall(calls, row.ref.usageId, { ...known, usage, tokens, uncertain: 0 })
}

/** A settle may come after its agent's end; the summary of the window still shows it right. */
const correctEnded = (
  budget: Budget,
  key: LiveAgent["key"],
  shift: (agent: LiveAgent) => LiveAgent,
): Budget => ({
  ...budget,
  ended: amend(
    budget.ended,
    (ended) => ended.agent.key === key,
    (ended) => ({ ...ended, agent: shift(ended.agent) }),
  ),
})

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
