/**
 * Admission: one atomic verdict over slot, deadline and every account on the path.
 *
 * The arithmetic knows no mode. Hard and soft see the same refusal; soft admits all the same
 * and keeps it as `wouldRefuse`, so soft predicts hard. Slots and durations refuse in both.
 */
import type { Instant, RefusalReason } from "../vocabulary.ts"
import { type Account, openAccount, usedOf } from "./account.ts"
import { type Budget, isActive, type LiveAgent } from "./budget.ts"
import type { Refusal } from "./row.ts"
import type { BudgetSettings } from "./settings.ts"

/** One account of a path and what is asked of it. */
export interface Ask {
  readonly account: Account
  readonly asked: number
  readonly reason: RefusalReason
  /** When the account starts anew; null for one without a window (an agent's own). */
  readonly resetsAt: Instant | null
}

/** A spawn asks one token, and holds none: somebody who may not use one has no business starting. */
export const SPAWN_ASKS = 1

/** Fits when `used + held + asked ≤ limit`; otherwise the refusal with its numbers. */
export const judge = (ask: Ask): Refusal | null => {
  const { account, asked } = ask
  if (account.limit === null) return null
  const used = usedOf(account)
  // Plain sums: `add` saturates at 2^53 − 1, which a limit may be.
  if (account.limit > 0 && used + account.held + asked <= account.limit) return null
  const beyondUsed = used + asked > account.limit
  const never =
    account.limit === 0 || asked > account.limit || (beyondUsed && ask.resetsAt === null)
  return {
    reason: ask.reason,
    limit: account.limit,
    used,
    held: account.held,
    asked,
    retryAt: !never && beyondUsed ? ask.resetsAt : null,
    never,
  }
}

/** What can never fit is said first; then in the order of the path, to retry when all may fit. */
const first = (refusals: readonly (Refusal | null)[]): Refusal | null => {
  const given = refusals.filter((refusal) => refusal !== null)
  const told = given.find(({ never }) => never) ?? given[0]
  if (told === undefined || told.never) return told ?? null
  return { ...told, retryAt: given.find(({ retryAt }) => retryAt !== null)?.retryAt ?? null }
}

const dayAsk = (budget: Budget, asked: number): Ask => ({
  account: budget.day,
  asked,
  reason: "daily_token_limit",
  resetsAt: budget.window.endsAt,
})

const agentAsk = (account: Account, asked: number): Ask => ({
  account,
  asked,
  reason: "agent_token_limit",
  resetsAt: null,
})

/** Slots refuse at `active ≥ max`, whatever the mode. */
export const judgeSlot = (taken: number, max: number | null): Refusal | null =>
  max !== null && taken >= max
    ? {
        reason: "concurrency_limit",
        limit: max,
        used: taken,
        held: 0,
        asked: 1,
        retryAt: null,
        never: max === 0,
      }
    : null

/** A deadline is reached at `now ≥ deadlineAt`; a life of no length cannot begin. */
export const judgeDeadline = (
  at: Instant,
  deadlineAt: Instant | null,
  asked: number,
): Refusal | null =>
  deadlineAt !== null && at >= deadlineAt ? closed("duration_limit", true, asked) : null

/** What refuses in both modes, and what refuses in hard mode only. */
export interface Judgement {
  readonly always: Refusal | null
  readonly whenHard: Refusal | null
}

export const ADMITTED: Judgement = { always: null, whenHard: null }

export interface SpawnAsk {
  readonly at: Instant
  readonly slot: boolean
  readonly tokenLimit: number | null
  readonly deadlineAt: Instant | null
}

/** An account without a slot starts nothing: it counts what was spent, and nothing refuses a fact. */
export const judgeSpawn = (budget: Budget, ask: SpawnAsk): Judgement => {
  if (!ask.slot) return ADMITTED
  const own = openAccount(ask.tokenLimit, budget.settings.thresholds)
  return {
    always: first([
      judgeDeadline(ask.at, ask.deadlineAt, SPAWN_ASKS),
      judgeSlot(budget.slotsTaken, budget.settings.maxConcurrentAgents),
    ]),
    whenHard: first([judge(agentAsk(own, SPAWN_ASKS)), judge(dayAsk(budget, SPAWN_ASKS))]),
  }
}

export const judgeHold = (
  budget: Budget,
  agent: LiveAgent,
  at: Instant,
  tokens: number,
): Judgement => ({
  always: isActive(agent)
    ? judgeDeadline(at, agent.deadlineAt, tokens)
    : refusedWhileStopping(budget, agent, tokens),
  whenHard: first([judge(agentAsk(agent.account, tokens)), judge(dayAsk(budget, tokens))]),
})

/** Nothing new is granted to an agent on its way out; the refusal names why it is leaving. */
const refusedWhileStopping = (budget: Budget, agent: LiveAgent, asked: number): Refusal => {
  switch (agent.reason) {
    case "agent_token_limit":
      return { ...closed(agent.reason, true, asked), ...numbersOf(agent.account) }
    case "daily_token_limit":
      return { ...closed(agent.reason, true, asked), ...numbersOf(budget.day) }
    case "cost_limit":
    case "duration_limit":
      return closed(agent.reason, true, asked)
    default:
      return closed("draining", true, asked)
  }
}

const numbersOf = (account: Account) => ({
  limit: account.limit,
  used: usedOf(account),
  held: account.held,
})

/** The refusal in force: in soft mode only what refuses always. */
export const inForce = (judgement: Judgement, settings: BudgetSettings): Refusal | null =>
  first([judgement.always, settings.enforceHardLimits ? judgement.whenHard : null])

/** What hard mode would have said to something soft mode lets pass. */
export const flagged = (judgement: Judgement, settings: BudgetSettings): Refusal | null =>
  settings.enforceHardLimits || judgement.always !== null ? null : judgement.whenHard

/** A refusal without numbers: the door itself is closed. */
export const closed = (reason: RefusalReason, never: boolean, asked: number): Refusal => ({
  reason,
  limit: null,
  used: 0,
  held: 0,
  asked,
  retryAt: null,
  never,
})

/**
 * Requests that must be refused, asked as a dry run through the code above: limit + 1 of every
 * account and of the slots, or 1 of a probe account with limit 0 where there is no limit.
 * Names what was let through; an empty list is the proof that the limiter is switched on.
 */
export const canary = (budget: Budget): readonly string[] => {
  const { settings } = budget
  const probe = (account: Account): Account =>
    account.limit === null ? openAccount(0, settings.thresholds) : account
  const own = probe(openAccount(settings.perAgentTokenLimit, settings.thresholds))
  const day = probe(budget.day)
  const slots = settings.maxConcurrentAgents ?? 0
  const asks: readonly (readonly [string, Refusal | null])[] = [
    ["perAgentTokenLimit", judge(agentAsk(own, (own.limit ?? 0) + 1))],
    ["dailyTokenLimit", judge({ ...dayAsk(budget, (day.limit ?? 0) + 1), account: day })],
    ["maxConcurrentAgents", judgeSlot(slots, slots)],
  ]
  return asks.filter(([, refusal]) => refusal === null).map(([name]) => name)
}
