/** Deciding about a spawn: admitted, admitted with a flag, or refused to wait or for good. */
import type {
  AgentId,
  AgentKey,
  Credential,
  Enforcement,
  Instant,
  RequestId,
  TaskId,
} from "../vocabulary.ts"
import { closed, flagged, inForce, judgeSpawn, SPAWN_ASKS } from "./admission.ts"
import { narrowerLimit } from "./amounts.ts"
import { type Budget, keyOfName } from "./budget.ts"
import { conclude, type Decision, turnDay } from "./decision.ts"
import type { Refusal, Unnumbered } from "./row.ts"
import { MS_PER_MINUTE } from "./settings.ts"

/** Who asks to start. Own limits may only lower the general ones; null adds none. */
export interface SpawnRequest {
  readonly requestId: RequestId
  readonly key: AgentKey
  readonly agentId: AgentId
  readonly taskId: TaskId
  readonly enforcement: Enforcement
  readonly slot: boolean
  readonly ownTokenLimit: number | null
  readonly ownCostLimitMicroUsd?: number | null
  /** In place of the general one; null for that. */
  readonly ownReserveForWrapUp?: number | null
  readonly ownDurationMinutes: number | null
  readonly ownGraceSeconds: number | null
  /** Wait in line for a slot instead of being refused for the lack of one. */
  readonly queue: boolean
  /** Wait in line for tomorrow's tokens too. */
  readonly waitForReset: boolean
  /** Whose key pays its calls, where they pass the gateway. */
  readonly credential?: Credential
}

export type SpawnVerdict = "admits" | "admitsFlagged" | "queues" | "waits" | "never"

const admittedRow = (
  budget: Budget,
  request: SpawnRequest,
  at: Instant,
  wouldRefuse: Refusal | null,
): Unnumbered => ({
  kind: "admitted",
  key: request.key,
  agentId: request.agentId,
  taskId: request.taskId,
  requestId: request.requestId,
  windowId: budget.window.id,
  tokenLimit: narrowerLimit(budget.settings.perAgentTokenLimit, request.ownTokenLimit),
  ownLimit: request.ownTokenLimit,
  deadlineAt: deadlineOf(budget, request, at),
  graceMs: Math.round((request.ownGraceSeconds ?? budget.settings.graceSeconds) * 1000),
  enforcement: request.enforcement,
  slot: request.slot,
  wouldRefuse,
  ...costLimits(budget, request),
  ...(request.credential === undefined ? {} : { credential: request.credential }),
  ...reserveOf(request),
})

const reserveOf = ({ ownReserveForWrapUp = null }: SpawnRequest) =>
  ownReserveForWrapUp === null ? {} : { reserveForWrapUp: ownReserveForWrapUp }

const costLimits = (budget: Budget, { ownCostLimitMicroUsd = null }: SpawnRequest) => {
  const costLimitMicroUsd = costLimitOf(budget, ownCostLimitMicroUsd)
  return costLimitMicroUsd === null ? {} : { costLimitMicroUsd, ownCostLimitMicroUsd }
}

const costLimitOf = ({ settings }: Budget, ownCostLimit: number | null): number | null =>
  narrowerLimit(settings.perAgentCostLimitMicroUsd, ownCostLimit)

/** An account without a slot is nobody's life, so nothing limits how long it stands. */
const deadlineOf = (budget: Budget, request: SpawnRequest, at: Instant): Instant | null => {
  if (!request.slot) return null
  const minutes = narrowerLimit(budget.settings.maxTaskDurationMinutes, request.ownDurationMinutes)
  return minutes === null ? null : at + Math.round(minutes * MS_PER_MINUTE)
}

export const refusedSpawn = (
  budget: Budget,
  request: SpawnRequest,
  refusal: Refusal,
): Unnumbered => ({
  kind: "refused",
  subject: "spawn",
  requestId: request.requestId,
  key: null,
  agentId: request.agentId,
  taskId: request.taskId,
  windowId: budget.window.id,
  refusal,
})

export const decideSpawn = (
  before: Budget,
  request: SpawnRequest,
  at: Instant,
): Decision<SpawnVerdict> => {
  const turned = turnDay(before, at)
  const { budget } = turned
  if (keyOfName(budget, request.agentId) !== undefined)
    return refuseSpawn(before, request, at, closed("stale", true, SPAWN_ASKS))
  const judgement = judgeSpawn(budget, {
    at,
    slot: request.slot,
    tokenLimit: narrowerLimit(budget.settings.perAgentTokenLimit, request.ownTokenLimit),
    costLimit: costLimitOf(budget, request.ownCostLimitMicroUsd ?? null),
    deadlineAt: deadlineOf(budget, request, at),
  })
  const refusal = inForce(judgement, budget.settings)
  if (refusal === null) {
    const flag = flagged(judgement, budget.settings)
    const row = admittedRow(budget, request, at, flag)
    return conclude(turned, flag === null ? "admits" : "admitsFlagged", [row], flag)
  }
  if (request.queue && isWorthWaiting(refusal, request))
    return conclude(turned, "queues", [], refusal)
  return refuseSpawn(before, request, at, refusal)
}

/**
 * A queue waits for slots and held tokens; for tomorrow only when it was told to. Whoever lacks
 * a slot waits for that first, in both modes, whatever the day is like by then.
 */
const isWorthWaiting = ({ reason, retryAt, never }: Refusal, request: SpawnRequest): boolean =>
  !never && (reason === "concurrency_limit" || retryAt === null || request.waitForReset)

export const refuseSpawn = (
  before: Budget,
  request: SpawnRequest,
  at: Instant,
  refusal: Refusal,
): Decision<SpawnVerdict> => {
  const turned = turnDay(before, at)
  const row = refusedSpawn(turned.budget, request, refusal)
  return conclude(turned, refusal.never ? "never" : "waits", [row], refusal)
}
