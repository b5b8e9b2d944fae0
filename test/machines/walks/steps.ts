/** What may happen on a walk: events without their time, and time itself. */
import type { BudgetSettings } from "../../../machines/budget/settings.ts"
import type { SpawnRequest } from "../../../machines/budget/spawning.ts"
import type { Deadline } from "../../../machines/deadlines.ts"
import type { HoldId, Mechanism, StopReason, UsageId } from "../../../machines/vocabulary.ts"
import { type Asking, boundOf, keyOf, requestOf, tokens } from "../budget/script.ts"
import type { Unstamped, World } from "../world.ts"

export type Happening = Unstamped & {
  /** How far the stamp is ahead of the alarms: a clock that leapt while they slept. */
  readonly aheadMs?: number
}

export type Step = Happening | { readonly type: "time.until"; readonly reached: Deadline["of"] }

export const take = (world: World, step: Step): void => {
  if (step.type === "time.until") {
    world.advanceUntil(step.reached)
    return
  }
  const { aheadMs = 0, ...event } = step
  world.send(event, aheadMs)
}

export const request = (name: string, change: Partial<SpawnRequest> = {}): Happening => ({
  type: "agent.requested",
  request: requestOf(name, change),
})

export const withdraw = (name: string): Happening => ({
  type: "request.withdrawn",
  requestId: requestOf(name).requestId,
})

export const started = (name: string): Happening => ({
  type: "work.started",
  key: keyOf(name),
  process: null,
})

export const exited = (name: string, treeGone = true): Happening => ({
  type: "work.exited",
  key: keyOf(name),
  exit: {
    outcome: "completed",
    mechanism: "exited",
    exitCode: 0,
    signal: null,
    error: null,
    treeGone,
  },
})

export const spawnFailed = (name: string): Happening => ({
  type: "spawn.failed",
  key: keyOf(name),
  error: "no such program",
  exitCode: 127,
})

export const reaped = (name: string, mechanism: Mechanism = "kill"): Happening => ({
  type: "tree.reaped",
  key: keyOf(name),
  mechanism,
})

export const stop = (name: string, reason: StopReason = "cancelled"): Happening => ({
  type: "stop.requested",
  key: keyOf(name),
  reason,
})

export const hold = (id: string, name: string, asked: number, how: Asking = {}): Happening => ({
  type: "hold.requested",
  request: { holdId: id as HoldId, key: keyOf(name), tokens: asked, ...how },
})

/** A call of which up to `most` fits, and nothing below `least`; a token costs a micro-dollar. */
export const call = (
  id: string,
  name: string,
  [least, most]: [number, number],
  how: Omit<Asking, "costMicroUsd"> = {},
): Happening => ({
  type: "hold.requested",
  request: { holdId: id as HoldId, key: keyOf(name), call: boundOf(0, [least, most], 1), ...how },
})

export const withdrawHold = (id: string): Happening => ({
  type: "hold.withdrawn",
  holdId: id as HoldId,
})

export const charge = (id: string): Happening => ({ type: "hold.charged", holdId: id as HoldId })

export const compares = (name: string, own: number): Happening => ({
  type: "account.compared",
  report: { key: keyOf(name), meter: "transcript", usage: tokens(own), model: null },
})

export const settle = (
  id: string,
  used: number,
  costMicroUsd: number | null = null,
): Happening => ({
  type: "hold.settled",
  settlement: {
    holdId: id as HoldId,
    usage: tokens(used),
    provenance: "reported",
    model: null,
    costMicroUsd,
  },
})

export const voids = (id: string): Happening => ({ type: "hold.voided", holdId: id as HoldId })

export const settleLate = (
  id: string,
  name: string,
  [charged, used]: [number, number],
): Happening => ({
  type: "hold.settled_late",
  late: {
    holdId: id as HoldId,
    key: keyOf(name),
    windowId: "2026-03-02",
    chargedTokens: charged,
    usage: tokens(used),
  },
})

export const usage = (
  name: string,
  used: number,
  id: UsageId | null = null,
  costMicroUsd: number | null = null,
): Happening => ({
  type: "usage.reported",
  report: {
    key: keyOf(name),
    usageId: id,
    usage: tokens(used),
    provenance: "reported",
    model: null,
    costMicroUsd,
  },
})

export const settings = (now: BudgetSettings, change: Partial<BudgetSettings>): Happening => ({
  type: "budget.changed",
  settings: { ...now, ...change },
})

export const until = (reached: Deadline["of"]): Step => ({ type: "time.until", reached })

export const ledgerFails: Happening = { type: "ledger.failed" }
export const ledgerRecovers: Happening = { type: "ledger.recovered" }
export const drain: Happening = { type: "drain.requested" }
export const shutdown: Happening = { type: "shutdown.requested" }
