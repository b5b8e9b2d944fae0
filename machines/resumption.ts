/**
 * Lives that go on under a new supervisor: their actors and deadlines, made again from the budget.
 * Each hears what its predecessor heard, so it stands where that one stood.
 *
 * Every deadline is the instant it always was: a handover moves none of them later.
 */
import * as HashMap from "effect/HashMap"
import type { AgentEvent } from "./agent.ts"
import type { PoolEvent } from "./agent-pool.ts"
import { type Budget, isActive, type LiveAgent } from "./budget/budget.ts"
import { livesOf } from "./budget/recovery.ts"
import type { Deadline, DeadlinesEvent } from "./deadlines.ts"
import type { Instant } from "./vocabulary.ts"

export interface Resumption {
  readonly pool: readonly PoolEvent[]
  readonly deadlines: readonly DeadlinesEvent[]
}

export const resumptionOf = (budget: Budget, at: Instant): Resumption => {
  const lives = livesOf(budget)
  const set = (deadline: Deadline, dueAt: Instant): DeadlinesEvent => ({
    type: "deadline.set",
    deadline,
    dueAt,
    at,
  })
  const expiries = [...HashMap.values(budget.holds)].flatMap(({ id, expiresAt }) =>
    expiresAt === null ? [] : [set({ of: "hold", holdId: id }, expiresAt)],
  )
  return {
    pool: lives.flatMap((agent) => livedOf(agent, at)),
    deadlines: [...lives.flatMap((agent) => deadlinesOf(agent, set)), ...expiries],
  }
}

/** Who could not be killed is tried again: it is stopping, and its grace is long over. */
const livedOf = (agent: LiveAgent, at: Instant): readonly PoolEvent[] => {
  const { key, agentId, taskId, deadlineAt, reason, process } = agent
  const input = { key, agentId, taskId, deadlineAt, isResumed: true } as const
  const spawned: PoolEvent = { type: "agent.spawned", input }
  const told = (event: AgentEvent): PoolEvent => ({ type: "agent.told", key, event })
  if (reason !== null) return [spawned, told({ type: "stop.requested", at, reason })]
  if (agent.state === "starting") return [spawned]
  return [spawned, told({ type: "work.started", at, process })]
}

const deadlinesOf = (
  agent: LiveAgent,
  set: (deadline: Deadline, dueAt: Instant) => DeadlinesEvent,
): readonly DeadlinesEvent[] => {
  const { key, deadlineAt, stoppingAt, startedAt, graceMs } = agent
  if (!isActive(agent)) return [set({ of: "grace", key }, (stoppingAt ?? startedAt) + graceMs)]
  return deadlineAt === null ? [] : [set({ of: "duration", key }, deadlineAt)]
}
