/**
 * The part of `fold` that moves tokens and money: holds placed and resolved, usage recorded and
 * corrected. Each of them moves the agent's accounts and, in its window, the day's.
 */
import * as HashMap from "effect/HashMap"
import type { AgentKey, Enforcement, MicroUsd, Tokens, Usage, WindowId } from "../vocabulary.ts"
import { type Account, charge, correct, hold, release } from "./account.ts"
import { add, addUsage, NO_USAGE, subtract, subtractUsage } from "./amounts.ts"
import { agentOf, type Budget, holdOf, knownCall, type LiveAgent, rememberCall } from "./budget.ts"
import { changeAgent, recount } from "./live-agents.ts"
import type * as Rows from "./row.ts"
import { amend } from "./tail.ts"

/** The first meter to speak names the class; a report without a hold is never `reserved`. */
const classAfter = (agent: LiveAgent, meter: "reserved" | "metered"): Enforcement =>
  meter === "metered"
    ? "metered"
    : agent.enforcement === "unmetered"
      ? "reserved"
      : agent.enforcement

export const placeHold = (budget: Budget, row: Rows.HoldPlaced): Budget => {
  const agent = agentOf(budget, row.key)
  if (agent === undefined) return budget
  const enforcement = classAfter(agent, row.claims ?? "reserved")
  const { key, windowId, tokens, expiresAt, costMicroUsd = null } = row
  const placed = {
    ...{ id: row.holdId, key, windowId, tokens, expiresAt, costMicroUsd },
    askedTokens: row.askedTokens ?? tokens,
    outputTokens: row.outputTokens ?? 0,
    wrapUp: row.wrapUp ?? false,
  }
  const isToday = windowId === budget.window.id
  return {
    ...budget,
    day: isToday ? hold(budget.day, tokens) : budget.day,
    dayCost: isToday ? holdMoney(budget.dayCost, costMicroUsd) : budget.dayCost,
    holds: HashMap.set(budget.holds, row.holdId, placed),
    agents: HashMap.set(budget.agents, key, {
      ...agent,
      enforcement,
      account: hold(agent.account, tokens),
      cost: holdMoney(agent.cost, costMicroUsd),
      holds: [...agent.holds, row.holdId],
      wrappingUp: agent.wrappingUp || placed.wrapUp,
      refusalsInARow: 0,
      refusedNever: null,
      wouldRefuse: agent.wouldRefuse ?? row.wouldRefuse,
    }),
    liveByEnforcement: recount(budget, agent.enforcement, enforcement),
  }
}

/** Most calls have no price: their accounts of money stay the very same. */
const holdMoney = (account: Account, costMicroUsd: MicroUsd | null): Account =>
  costMicroUsd === null || costMicroUsd === 0 ? account : hold(account, costMicroUsd)

const releaseMoney = (account: Account, costMicroUsd: MicroUsd | null): Account =>
  costMicroUsd === null || costMicroUsd === 0 ? account : release(account, costMicroUsd)

/** Takes the hold off its agent and its window; whether it is charged is the caller's business. */
export const dropHold = (
  budget: Budget,
  row: { readonly holdId: Rows.HoldPlaced["holdId"] },
): Budget => {
  const held = holdOf(budget, row.holdId)
  if (held === undefined) return budget
  const isToday = held.windowId === budget.window.id
  const dropped = {
    ...budget,
    holds: HashMap.remove(budget.holds, row.holdId),
    day: isToday ? release(budget.day, held.tokens) : budget.day,
    dayCost: isToday ? releaseMoney(budget.dayCost, held.costMicroUsd) : budget.dayCost,
  }
  return changeAgent(dropped, held.key, (agent) => ({
    ...agent,
    account: release(agent.account, held.tokens),
    cost: releaseMoney(agent.cost, held.costMicroUsd),
    holds: agent.holds.filter((id) => id !== row.holdId),
  }))
}

interface Spent {
  readonly key: AgentKey
  readonly windowId: WindowId
  readonly usage: Usage
  readonly tokens: Tokens
  readonly certain: boolean
  readonly overrun: Tokens
  /** Null: a call without a price, which is counted as such. */
  readonly cost: { readonly microUsd: MicroUsd; readonly overrun: MicroUsd } | null
}

const spend = (budget: Budget, spent: Spent, change: (agent: LiveAgent) => LiveAgent): Budget => {
  const inWindow = spent.windowId === budget.window.id
  const unpriced = spent.cost === null ? 1 : 0
  const charged = {
    ...budget,
    day: inWindow ? charge(budget.day, spent) : budget.day,
    dayCost: inWindow ? chargeMoney(budget.dayCost, spent) : budget.dayCost,
    unpricedCalls: budget.unpricedCalls + (inWindow ? unpriced : 0),
    largestCall: Math.max(budget.largestCall ?? 0, spent.tokens),
  }
  return changeAgent(charged, spent.key, (agent) =>
    change({
      ...agent,
      account: charge(agent.account, spent),
      cost: chargeMoney(agent.cost, spent),
      unpricedCalls: agent.unpricedCalls + unpriced,
      windowTokens: inWindow ? add(agent.windowTokens, spent.tokens) : agent.windowTokens,
      usage: addUsage(agent.usage, spent.usage),
    }),
  )
}

const chargeMoney = (account: Account, { cost, certain }: Spent): Account =>
  cost === null || cost.microUsd === 0
    ? account
    : charge(account, { tokens: cost.microUsd, certain, overrun: cost.overrun })

/** Money beyond what was held for it; null stays what it is: not known. */
const costOf = (microUsd: MicroUsd | null | undefined, heldMicroUsd: MicroUsd): Spent["cost"] =>
  microUsd === null || microUsd === undefined
    ? null
    : { microUsd, overrun: subtract(microUsd, heldMicroUsd) }

export const settleHold = (budget: Budget, row: Rows.HoldSettled): Budget => {
  if (holdOf(budget, row.holdId) === undefined) return budget
  const overrun = subtract(row.tokens, row.heldTokens)
  const certain = row.provenance === "reported"
  const cost = costOf(row.costMicroUsd, row.heldCostMicroUsd ?? 0)
  return spend(dropHold(budget, row), { ...row, certain, overrun, cost }, (agent) => agent)
}

export const expireHold = (budget: Budget, row: Rows.HoldExpired): Budget => {
  if (holdOf(budget, row.holdId) === undefined) return budget
  const cost = costOf(row.heldCostMicroUsd, row.heldCostMicroUsd ?? 0)
  const spent = {
    ...row,
    usage: NO_USAGE,
    tokens: row.heldTokens,
    certain: false,
    overrun: 0,
    cost,
  }
  return spend(dropHold(budget, row), spent, (agent) => agent)
}

export const recordUsage = (budget: Budget, row: Rows.UsageRecorded): Budget => {
  const before = agentOf(budget, row.key)
  if (before === undefined) return budget
  const certain = row.provenance === "reported"
  const { usageId, usage, tokens, windowId, costMicroUsd = null } = row
  const enforcement = classAfter(before, "metered")
  const cost = costOf(costMicroUsd, 0)
  const recorded = spend(budget, { ...row, certain, overrun: tokens, cost }, (agent) => ({
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
            costMicroUsd,
          }),
  }))
  return before.enforcement === enforcement
    ? recorded
    : { ...recorded, liveByEnforcement: recount(budget, before.enforcement, enforcement) }
}

export const correctCall = (budget: Budget, row: Rows.Corrected): Budget => {
  const correction = {
    before: row.tokensBefore,
    uncertainBefore: row.uncertainBefore,
    now: row.tokens,
  }
  const inWindow = row.windowId === budget.window.id
  const priced = row.cost?.beforeMicroUsd === null ? 1 : 0
  const shift = <A extends LiveAgent>(agent: A): A => ({
    ...agent,
    account: correct(agent.account, correction),
    cost: correctMoney(agent.cost, row),
    unpricedCalls: agent.unpricedCalls - priced,
    windowTokens: inWindow
      ? add(subtract(agent.windowTokens, row.tokensBefore), row.tokens)
      : agent.windowTokens,
    usage: addUsage(subtractUsage(agent.usage, row.usageBefore), row.usage),
  })
  const corrected = {
    ...budget,
    day: inWindow ? correct(budget.day, correction) : budget.day,
    dayCost: inWindow ? correctMoney(budget.dayCost, row) : budget.dayCost,
    unpricedCalls: budget.unpricedCalls - (inWindow ? priced : 0),
    largestCall: Math.max(budget.largestCall ?? 0, row.tokens),
  }
  if (agentOf(budget, row.key) === undefined) return correctEnded(corrected, row.key, shift)
  return changeAgent(corrected, row.key, (agent) => ({
    ...shift(agent),
    calls: callsAfter(agent, row),
  }))
}

const correctMoney = (account: Account, { cost }: Rows.Corrected): Account =>
  cost === undefined
    ? account
    : correct(account, {
        before: cost.beforeMicroUsd ?? 0,
        uncertainBefore: cost.uncertainMicroUsd,
        now: cost.nowMicroUsd,
      })

/** What a checkpoint forgot is not remembered again: nobody asks about the calls of the lost. */
const callsAfter = ({ calls }: LiveAgent, row: Rows.Corrected): LiveAgent["calls"] => {
  const known = "usageId" in row.ref ? knownCall(calls, row.ref.usageId) : undefined
  if (known === undefined || !("usageId" in row.ref)) return calls
  const { usage, tokens } = row
  const costMicroUsd = row.cost?.nowMicroUsd ?? known.costMicroUsd
  return rememberCall(calls, row.ref.usageId, {
    ...known,
    usage,
    tokens,
    uncertain: 0,
    costMicroUsd,
  })
}

/** A settle may come after its agent's end; the summary of the window still shows it right. */
const correctEnded = (
  budget: Budget,
  key: AgentKey,
  shift: (agent: LiveAgent) => LiveAgent,
): Budget => ({
  ...budget,
  ended: amend(
    budget.ended,
    (ended) => ended.agent.key === key,
    (ended) => ({ ...ended, agent: shift(ended.agent) }),
  ),
})
