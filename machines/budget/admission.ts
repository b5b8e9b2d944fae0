/**
 * Admission: one atomic verdict over slot, deadline and every account on the path.
 *
 * The arithmetic knows no mode. Hard and soft see the same refusal; soft admits all the same
 * and keeps it as `wouldRefuse`, so soft predicts hard. Slots and durations refuse in both.
 *
 * Tokens and money are accounts alike: of each there is the agent's own, and the day's.
 */
import type { Instant, RefusalReason } from "../vocabulary.ts"
import { type Account, isFull, openAccount, usedOf } from "./account.ts"
import { subtract } from "./amounts.ts"
import { type Budget, isActive, type LiveAgent, reserveOf } from "./budget.ts"
import type { Amounts } from "./call-bound.ts"
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

const SPAWN_AMOUNTS: Amounts = { tokens: SPAWN_ASKS, costMicroUsd: SPAWN_ASKS }

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

const dayCostAsk = (budget: Budget, asked: number): Ask => ({
  account: budget.dayCost,
  asked,
  reason: "cost_limit",
  resetsAt: budget.window.endsAt,
})

const agentAsk = (account: Account, asked: number): Ask => ({
  account,
  asked,
  reason: "agent_token_limit",
  resetsAt: null,
})

const agentCostAsk = (cost: Account, asked: number): Ask => ({
  account: cost,
  asked,
  reason: "cost_limit",
  resetsAt: null,
})

/** An agent's own two accounts. */
interface OwnAccounts {
  readonly account: Account
  readonly cost: Account
}

/** What of its own refuses it, tokens first. */
const judgeOwn = ({ account, cost }: OwnAccounts, asked: Amounts): Refusal | null =>
  first([
    judge(agentAsk(account, asked.tokens)),
    asked.costMicroUsd === null ? null : judge(agentCostAsk(cost, asked.costMicroUsd)),
  ])

const judgeDay = (budget: Budget, asked: Amounts): Refusal | null =>
  first([
    judge(dayAsk(budget, asked.tokens)),
    asked.costMicroUsd === null ? null : judge(dayCostAsk(budget, asked.costMicroUsd)),
  ])

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
  readonly costLimit: number | null
  readonly deadlineAt: Instant | null
}

/** An account without a slot starts nothing: it counts what was spent, and nothing refuses a fact. */
export const judgeSpawn = (budget: Budget, ask: SpawnAsk): Judgement => {
  if (!ask.slot) return ADMITTED
  const { thresholds } = budget.settings
  const own = {
    account: openAccount(ask.tokenLimit, thresholds),
    cost: openAccount(ask.costLimit, thresholds),
  }
  return {
    always: first([
      judgeDeadline(ask.at, ask.deadlineAt, SPAWN_ASKS),
      judgeSlot(budget.slotsTaken, budget.settings.maxConcurrentAgents),
    ]),
    whenHard: first([judgeOwn(own, SPAWN_AMOUNTS), judgeDay(budget, SPAWN_AMOUNTS)]),
  }
}

/** What a hold asks for. */
export interface HoldAsk extends Amounts {
  /** False: what its call comes to cannot be told from its request. */
  readonly isBounded: boolean
  /** It may use what was set aside for winding down. */
  readonly wrapsUp: boolean
}

export const judgeHold = (
  budget: Budget,
  agent: LiveAgent,
  at: Instant,
  ask: HoldAsk,
): Judgement => ({
  always: isActive(agent)
    ? judgeDeadline(at, agent.deadlineAt, ask.tokens)
    : refusedWhileStopping(budget, agent, ask),
  whenHard: first([
    judgeBounds(budget, agent, ask),
    judgeOwn(ask.wrapsUp ? agent : withoutReserve(budget, agent), ask),
    judgeDay(budget, ask),
  ]),
})

/** The agent's own account without what is set aside for winding down. */
const withoutReserve = (budget: Budget, agent: LiveAgent): OwnAccounts => {
  const { account, cost } = agent
  const reserve = reserveOf(budget, agent)
  if (account.limit === null || reserve === 0 || agent.wrappingUp) return agent
  return { account: { ...account, limit: subtract(account.limit, reserve) }, cost }
}

/** A call without a bound, or without a price under a cost limit, is no call that can be held. */
const judgeBounds = (budget: Budget, agent: LiveAgent, ask: HoldAsk): Refusal | null => {
  const { allowUnbounded, allowUnpriced } = budget.settings
  const isBounded = ask.isBounded || allowUnbounded
  const isPriced = ask.costMicroUsd !== null || allowUnpriced || !isCostLimited(budget, agent)
  return isBounded && isPriced ? null : closed("unboundable", true, ask.tokens)
}

export const isCostLimited = (budget: Budget, agent: LiveAgent): boolean =>
  agent.cost.limit !== null || budget.dayCost.limit !== null

/** Nothing new is granted to an agent on its way out; the refusal names why it is leaving. */
const refusedWhileStopping = (budget: Budget, agent: LiveAgent, ask: Amounts): Refusal => {
  const asked = ask.tokens
  switch (agent.reason) {
    case "agent_token_limit":
      return { ...closed(agent.reason, true, asked), ...numbersOf(agent.account) }
    case "daily_token_limit":
      return { ...closed(agent.reason, true, asked), ...numbersOf(budget.day) }
    case "cost_limit": {
      const account = isFull(agent.cost) ? agent.cost : budget.dayCost
      return { ...closed(agent.reason, true, ask.costMicroUsd ?? 0), ...numbersOf(account) }
    }
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

/** Of what refuses always and what only when hard, the one to tell. */
export const inEitherMode = <A extends Refusal | null>(
  always: A,
  whenHard: Refusal | null,
): A | Refusal => first([always, whenHard]) ?? always

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
  const ownCost = probe(openAccount(settings.perAgentCostLimitMicroUsd, settings.thresholds))
  const day = probe(budget.day)
  const dayCost = probe(budget.dayCost)
  const slots = settings.maxConcurrentAgents ?? 0
  const asks: readonly (readonly [string, Refusal | null])[] = [
    ["perAgentTokenLimit", judge(agentAsk(own, (own.limit ?? 0) + 1))],
    ["dailyTokenLimit", judge({ ...dayAsk(budget, (day.limit ?? 0) + 1), account: day })],
    ["perAgentCostLimitMicroUsd", judge(agentCostAsk(ownCost, (ownCost.limit ?? 0) + 1))],
    [
      "dailyCostLimitMicroUsd",
      judge({ ...dayCostAsk(budget, (dayCost.limit ?? 0) + 1), account: dayCost }),
    ],
    ["maxConcurrentAgents", judgeSlot(slots, slots)],
  ]
  return asks.filter(([, refusal]) => refusal === null).map(([name]) => name)
}
