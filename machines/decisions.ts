/**
 * Every event's decision, made once: the guards of a transition and its action ask for the same
 * one, so nothing can be judged one way and done another.
 */
import { agentOf, type Budget } from "./budget/budget.ts"
import { conclude, type Decision, turnDay } from "./budget/decision.ts"
import { decideEnd, exitReason } from "./budget/ending.ts"
import { decideCharge, decideExpiry, decideHold, decideSettle, decideVoid } from "./budget/holds.ts"
import { decideBudget } from "./budget/limits.ts"
import { decideComparison, decideLateSettle, decideUsage } from "./budget/metering.ts"
import { decideSpawn } from "./budget/spawning.ts"
import { decideStop, decideUnkillable } from "./budget/stopping.ts"
import type { Deadline, DeadlineReached } from "./deadlines.ts"
import type * as Events from "./events.ts"
import type { Instant } from "./vocabulary.ts"

/** Remembers the last decision, for the very event and budget it was made on. */
const once = <E extends object, D>(decide: (budget: Budget, event: E) => D) => {
  let made: { readonly event: E; readonly budget: Budget; readonly decision: D } | null = null
  return (budget: Budget, event: E): D => {
    if (made?.event === event && made.budget === budget) return made.decision
    const decision = decide(budget, event)
    made = { event, budget, decision }
    return decision
  }
}

export const spawnDecision = once((budget, event: Events.AgentRequested) =>
  decideSpawn(budget, event.request, event.at),
)

export const holdDecision = once((budget, event: Events.HoldRequested) =>
  decideHold(budget, event.request, event.at),
)

export const usageDecision = once((budget, event: Events.UsageReported) =>
  decideUsage(budget, event.report, event.at),
)

export const comparisonDecision = once((budget, event: Events.AccountCompared) =>
  decideComparison(budget, event.report, event.at),
)

export const settleDecision = once((budget, event: Events.HoldSettled) =>
  decideSettle(budget, event.settlement, event.at),
)

export const voidDecision = once((budget, event: Events.HoldVoided) =>
  decideVoid(budget, event.holdId, event.at),
)

export const chargeDecision = once((budget, event: Events.HoldCharged) =>
  decideCharge(budget, event.holdId, event.at),
)

export const lateDecision = once((budget, event: Events.HoldSettledLate) =>
  decideLateSettle(budget, event.late, event.at),
)

export const stopDecision = once((budget, event: Events.StopRequested) =>
  decideStop(budget, event.key, event.reason, event.at),
)

export const budgetDecision = once((budget, event: Events.BudgetChanged) =>
  decideBudget(budget, event.settings, event.at, event.kept),
)

export const endDecision = once((budget, { output }: Events.AgentOverEvent) =>
  decideEnd(budget, output, output.endedAt ?? budget.window.startsAt),
)

export const unkillableDecision = once((budget, event: Events.Noticed) =>
  decideUnkillable(budget, event.key, event.at),
)

export const startedDecision = once(
  (budget, event: Events.WorkStarted): Decision<"starts" | "unknown"> => {
    const turned = turnDay(budget, event.at)
    return agentOf(turned.budget, event.key)?.state === "starting"
      ? conclude(turned, "starts", [{ kind: "started", key: event.key, process: event.process }])
      : conclude(turned, "unknown", [])
  },
)

/** A leader that exits leaving children latches its own outcome before they are swept. */
export const exitDecision = once((budget, { key, exit, at }: Events.WorkEnded) => {
  const agent = agentOf(budget, key)
  return agent === undefined || exit.treeGone
    ? conclude(turnDay(budget, at), "unknown", [])
    : decideStop(budget, key, exitReason(agent, exit.outcome), at)
})

/** What a deadline that is really reached decides; `unknown` when it is early or moot. */
export const deadlineDecision = once(
  (budget, { deadline, at, dueAt = at }: DeadlineReached): Decision =>
    decideDeadline(budget, deadline, at, dueAt),
)

/** `dueAt` is later than `at` when the clock was set back and the time went by all the same. */
const decideDeadline = (
  budget: Budget,
  deadline: Deadline,
  at: Instant,
  dueAt: Instant,
): Decision => {
  switch (deadline.of) {
    case "duration": {
      const deadlineAt = agentOf(budget, deadline.key)?.deadlineAt ?? null
      return deadlineAt !== null && Math.max(at, dueAt) >= deadlineAt
        ? decideStop(budget, deadline.key, "duration_limit", at)
        : conclude(turnDay(budget, at), "unknown", [])
    }
    case "hold":
      return decideExpiry(budget, deadline.holdId, at, Math.max(at, dueAt))
    case "grace":
    case "kill":
    case "day":
    case "summary":
      return conclude(turnDay(budget, at), "unknown", [])
  }
}
