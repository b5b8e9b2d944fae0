/** Whoever is next in line, judged at the moment of whatever just happened. */
import { agentOf } from "./budget/budget.ts"
import { turnDay } from "./budget/decision.ts"
import { decideHold } from "./budget/holds.ts"
import { decideSpawn } from "./budget/spawning.ts"
import { endsWithDay } from "./budget/stopping.ts"
import type { SupervisorEvent } from "./events.ts"
import { headOf, headsOf, lengthOf } from "./queue.ts"
import type { SupervisorContext } from "./supervisor-setup.ts"
import type { Instant } from "./vocabulary.ts"

/** Instant of any event; the first one has none, and comes at the start. */
export const instantOf = (event: SupervisorEvent, context: SupervisorContext): Instant => {
  if (event.type === "agent.over") return event.output.endedAt ?? context.budget.window.startsAt
  return "at" in event ? event.at : context.startedAt
}

/** The head of the queue, judged at the moment of whatever just happened. */
export const nextDecision = (context: SupervisorContext, event: SupervisorEvent) => {
  const head = headOf(context.queue)
  return head === undefined
    ? undefined
    : decideSpawn(context.budget, head, instantOf(event, context))
}

/** The first in line about whom there is something to say by now. */
export const nextHoldDecision = (context: SupervisorContext, event: SupervisorEvent) => {
  if (lengthOf(context.holdQueue) === 0) return undefined
  const at = instantOf(event, context)
  const { budget } = turnDay(context.budget, at)
  for (const request of headsOf(context.holdQueue)) {
    // Who is about to be stopped is told that, and not to come again tomorrow; the line rests until then.
    const agent = agentOf(budget, request.key)
    const isLeaving = agent !== undefined && endsWithDay(budget, agent)
    if (isLeaving && budget.settings.enforceHardLimits) return undefined
    const decision = decideHold(context.budget, request, at)
    if (decision.verdict !== "queues") return { request, decision }
  }
  return undefined
}

export const admitsSpawn = (verdict: string): boolean =>
  verdict === "admits" || verdict === "admitsFlagged"
