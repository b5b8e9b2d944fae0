/**
 * Tables of operations: each line is what happens and what is expected of it, as one string
 * that shows everything, so that no line can be half right.
 *
 *     verdict [the refusal: limit used+held+asked>limit, when to retry] | day | each agent
 *
 * An account is `used+held?uncertain!overrun`, zeros left out; its money, if any, follows as `$…`.
 * A granted call says after its verdict `→ tokens by output tokens an answer`.
 */
import * as HashMap from "effect/HashMap"
import { expect } from "vitest"
import type { Account } from "../../../machines/budget/account.ts"
import type { Budget, LiveAgent } from "../../../machines/budget/budget.ts"
import type { CallBound } from "../../../machines/budget/call-bound.ts"
import type { Decision } from "../../../machines/budget/decision.ts"
import type { Refusal, Row } from "../../../machines/budget/row.ts"
import {
  type BudgetSettings,
  DEFAULT_SETTINGS,
  type KeptValues,
} from "../../../machines/budget/settings.ts"
import type { SpawnRequest } from "../../../machines/budget/spawning.ts"
import type {
  AgentKey,
  HoldId,
  Instant,
  Provenance,
  RequestId,
  StopReason,
  Usage,
} from "../../../machines/vocabulary.ts"
import { Auditor } from "../auditor.ts"
import type { Check, Machines } from "../machines.ts"

export const MINUTE = 60_000
export const HOUR = 60 * MINUTE
/** A Monday; its day in UTC ends twelve hours later. */
export const NOON = Date.UTC(2026, 2, 2, 12)

export const SETTINGS: BudgetSettings = {
  ...DEFAULT_SETTINGS,
  dailyTokenLimit: 100,
  perAgentTokenLimit: 60,
  maxConcurrentAgents: 2,
  maxTaskDurationMinutes: 60,
}

export const soft = (settings: BudgetSettings): BudgetSettings => ({
  ...settings,
  enforceHardLimits: false,
})

export interface Operation {
  readonly afterMs: number
  readonly decide: (machines: Machines, budget: Budget, at: Instant) => Decision
}

const operation = (decide: Operation["decide"]): Operation => ({ afterMs: 0, decide })

/** The same, that much later than the line before. */
export const later = (afterMs: number, then: Operation): Operation => ({ ...then, afterMs })

export const tokens = (inputTokens: number): Usage => ({
  inputTokens,
  outputTokens: 0,
  cacheWriteTokens: 0,
  cacheReadTokens: 0,
})

/** An agent's key is its name here: nobody is admitted twice under one. */
export const keyOf = (name: string): AgentKey => name as AgentKey

export const requestOf = (name: string, change: Partial<SpawnRequest> = {}): SpawnRequest => ({
  requestId: `request ${name}` as RequestId,
  key: keyOf(name),
  agentId: name,
  taskId: `task ${name}`,
  enforcement: "unmetered",
  slot: true,
  ownTokenLimit: null,
  ownDurationMinutes: null,
  ownGraceSeconds: null,
  queue: false,
  waitForReset: false,
  ...change,
})

export const spawn = (name: string, change: Partial<SpawnRequest> = {}): Operation =>
  operation((m, budget, at) => m.spawning.decideSpawn(budget, requestOf(name, change), at))

/** How a hold is asked for, beyond its tokens. */
export interface Asking {
  readonly costMicroUsd?: number
  readonly isBounded?: boolean
  readonly isTentative?: boolean
  readonly isWatched?: boolean
  readonly queue?: boolean
  readonly claims?: "reserved" | "metered"
}

export const hold = (id: string, name: string, asked: number, how: Asking = {}): Operation =>
  operation((m, budget, at) =>
    m.holds.decideHold(
      budget,
      { holdId: id as HoldId, key: keyOf(name), tokens: asked, ...how },
      at,
    ),
  )

/** A call by its bound: input, the least and the most of its one answer, and what a token costs. */
export const boundOf = (
  inputTokens: number,
  [least, most]: readonly [number, number],
  microUsd: number | null = null,
): CallBound => {
  const pico = (microUsd ?? 0) * 1_000_000
  const price = { inputPicoUsd: pico, outputPicoUsd: pico, perCallMicroUsd: 0 }
  const outputTokens = { least, most }
  return { inputTokens, outputTokens, answers: 1, price: microUsd === null ? null : price }
}

export const call = (id: string, name: string, bound: CallBound, how: Asking = {}): Operation => {
  const { costMicroUsd: _, ...more } = how
  return operation((m, budget, at) =>
    m.holds.decideHold(
      budget,
      { holdId: id as HoldId, key: keyOf(name), call: bound, ...more },
      at,
    ),
  )
}

export const settle = (
  id: string,
  used: number,
  provenance: Provenance = "reported",
  costMicroUsd: number | null = null,
): Operation =>
  operation((m, budget, at) =>
    m.holds.decideSettle(
      budget,
      { holdId: id as HoldId, usage: tokens(used), provenance, model: null, costMicroUsd },
      at,
    ),
  )

export const charge = (id: string): Operation =>
  operation((m, budget, at) => m.holds.decideCharge(budget, id as HoldId, at))

/** An agent's own account of its calls. */
export const compares = (name: string, own: number | Usage): Operation =>
  operation((m, budget, at) =>
    m.metering.decideComparison(
      budget,
      {
        key: keyOf(name),
        meter: "transcript",
        usage: typeof own === "number" ? tokens(own) : own,
        model: null,
      },
      at,
    ),
  )

export const voids = (id: string): Operation =>
  operation((m, budget, at) => m.holds.decideVoid(budget, id as HoldId, at))

export const expire = (id: string): Operation =>
  operation((m, budget, at) => m.holds.decideExpiry(budget, id as HoldId, at))

export const settleLate = (
  id: string,
  name: string,
  [chargedTokens, used]: readonly [number, number],
  windowId = "2026-03-02",
  money: { readonly chargedMicroUsd?: number; readonly costMicroUsd?: number | null } = {},
): Operation =>
  operation((m, budget, at) => {
    const call = { holdId: id as HoldId, key: keyOf(name), windowId, chargedTokens }
    return m.metering.decideLateSettle(budget, { ...call, usage: tokens(used), ...money }, at)
  })

interface Report {
  readonly id?: string
  readonly provenance?: Provenance
  readonly costMicroUsd?: number | null
}

export const report = (name: string, used: number | Usage, more: Report = {}): Operation =>
  operation((m, budget, at) =>
    m.metering.decideUsage(
      budget,
      {
        key: keyOf(name),
        usageId: more.id ?? null,
        usage: typeof used === "number" ? tokens(used) : used,
        provenance: more.provenance ?? "reported",
        model: null,
        costMicroUsd: more.costMicroUsd ?? null,
      },
      at,
    ),
  )

export const stop = (name: string, reason: StopReason): Operation =>
  operation((m, budget, at) => m.stopping.decideStop(budget, keyOf(name), reason, at))

export const stopAll = (reason: StopReason): Operation =>
  operation((m, budget, at) => m.stopping.decideStopAll(budget, reason, at))

export const exhaust = operation((m, budget, at) => m.stopping.decideExhaustion(budget, at))

export const survivesKill = (name: string): Operation =>
  operation((m, budget, at) => m.stopping.decideUnkillable(budget, keyOf(name), at))

export const end = (name: string, reason: StopReason = "completed"): Operation =>
  operation((m, budget, at) =>
    m.ending.decideEnd(
      budget,
      { key: keyOf(name), reason, mechanism: "exited", exitCode: 0, signal: null, error: null },
      at,
    ),
  )

/** Its leader exits; `treeGone` false leaves children behind. */
export const exits = (name: string, treeGone: boolean): Operation =>
  operation((m, budget, at) =>
    m.decisions.exitDecision(budget, {
      type: "work.exited",
      at,
      key: keyOf(name),
      exit: {
        outcome: "completed",
        mechanism: "exited",
        exitCode: 0,
        signal: null,
        error: null,
        treeGone,
      },
    }),
  )

export const set = (change: Partial<BudgetSettings>): Operation =>
  operation((m, budget, at) => m.limits.decideBudget(budget, { ...budget.settings, ...change }, at))

/** Values are kept for later runs while this one goes on; `change`: what applies of them now. */
export const keep = (kept: KeptValues, change: Partial<BudgetSettings> = {}): Operation =>
  operation((m, budget, at) =>
    m.limits.decideBudget(budget, { ...budget.settings, ...change }, at, kept),
  )

/** The same while nobody runs. */
export const keepAlone = (kept: KeptValues, change: Partial<BudgetSettings> = {}): Operation =>
  operation((m, budget, at) =>
    m.recovery.decideKept(budget, { ...budget.settings, ...change }, kept, at),
  )

/** A supervisor starts on what is left of the last one; somebody still answers for the claimed. */
export const restart = (
  change: Partial<BudgetSettings> = {},
  claimed: readonly string[] = [],
): Operation =>
  operation((m, budget, at) =>
    m.recovery.decideStart(
      budget,
      { ...budget.settings, ...change },
      at,
      new Set(claimed.map(keyOf)),
    ),
  )

export const tick = operation((m, budget, at) =>
  m.decision.conclude(m.decision.turnDay(budget, at), "turns", []),
)

export type Line = readonly [operation: Operation, expected: string]

export const openAt = (machines: Machines, settings: BudgetSettings, at = NOON): Budget =>
  machines.budget.openBudget(settings, machines.window.windowAt(at, settings.timeZone))

/** Plays the operations one after the other, the invariants held to after each row. */
export const table =
  (settings: BudgetSettings, lines: readonly Line[]): Check =>
  (machines) => {
    const auditor = new Auditor(machines, openAt(machines, settings))
    let at = NOON
    const happened = lines.map(([{ afterMs, decide }]) => {
      at += afterMs
      const decision = decide(machines, auditor.budget, at)
      for (const row of decision.rows) auditor.observe(row)
      expect(encoded(machines, auditor.budget)).toEqual(encoded(machines, decision.after))
      return tell(decision)
    })
    expect(happened).toEqual(lines.map(([, expected]) => expected))
  }

const encoded = (machines: Machines, budget: Budget): unknown =>
  machines.checkpoint.encodeCheckpoint(budget)

const tell = ({ verdict, refusal, rows, after }: Decision): string =>
  [
    `${verdict}${tellGrant(rows)}${refusal === null ? "" : ` [${tellRefusal(refusal)}]`}`,
    `day ${tellDay(after)}`,
    ...tellAgents(after),
  ].join(" | ")

const tellGrant = (rows: readonly Row[]): string =>
  rows
    .flatMap((row) =>
      row.kind === "hold_placed" && row.outputTokens !== undefined
        ? [` → ${row.tokens} by ${row.outputTokens}`]
        : [],
    )
    .join("")

const tellDay = ({ window, day, dayCost }: Budget): string =>
  `${window.startsAt > NOON ? `${window.id} ` : ""}${tellAccounts(day, dayCost)}`

const tellAccounts = (account: Account, cost: Account): string => {
  const money = tellAccount(cost)
  return money === "0" ? tellAccount(account) : `${tellAccount(account)} $${money}`
}

export const tellAccount = ({ confirmed, uncertain, held, overrun }: Account): string =>
  [
    `${confirmed + uncertain}`,
    held > 0 ? `+${held}` : "",
    uncertain > 0 ? `?${uncertain}` : "",
    overrun > 0 ? `!${overrun}` : "",
  ].join("")

export const tellRefusal = ({
  reason,
  limit,
  used,
  held,
  asked,
  retryAt,
  never,
}: Refusal): string => {
  const sum = limit === null ? `${asked} asked` : `${used}+${held}+${asked}>${limit}`
  const retry = retryAt === null ? "on release" : `at +${(retryAt - NOON) / HOUR}h`
  return `${reason} ${sum} ${never ? "for good" : retry}`
}

const tellAgents = (budget: Budget): readonly string[] => {
  const live = [...HashMap.values(budget.agents)].map((agent) => tellAgent(agent, agent.state))
  const ended = [...HashMap.values(budget.ended.items)].map(({ agent, reason }) =>
    tellAgent({ ...agent, reason }, "ended"),
  )
  return [...live, ...ended].sort()
}

const tellAgent = (agent: LiveAgent, state: string): string => {
  const { agentId, account, cost, reason, wrappingUp } = agent
  const standing = `${agentId} ${tellAccounts(account, cost)}${wrappingUp ? " wrapping up" : ""}`
  return reason === null ? standing : `${standing} ${state} ${reason}`
}
