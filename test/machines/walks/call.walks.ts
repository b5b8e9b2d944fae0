/** Walks about calls by their bounds: the line, winding down, money, and an agent's own account. */
import { SETTINGS } from "../budget/script.ts"
import {
  call,
  charge,
  compares,
  hold,
  ledgerFails,
  ledgerRecovers,
  request,
  settle,
  stop,
  until,
  usage,
  voids,
  withdrawHold,
} from "./steps.ts"
import { flipped, isLive, isNew, type View, type Walk, when } from "./walk.ts"

const BASE = {
  ...SETTINGS,
  dailyTokenLimit: 20,
  perAgentTokenLimit: null,
  maxConcurrentAgents: null,
  maxTaskDurationMinutes: null,
}

const standing = ({ value, settings: now, agents, holds, line, day }: View): unknown => [
  value,
  now.enforceHardLimits,
  agents,
  holds,
  line,
  day,
]

const isStarting = ({ agents }: View, name: string): boolean =>
  agents[name]?.state.includes("starting") ?? false

const asReserved = { enforcement: "reserved" } as const
const QUEUED = { queue: true } as const

/** Two calls of one agent wait for what another holds, and one of a third agent beside them. */
export const line: Walk = {
  settings: BASE,
  looks: standing,
  steps: (view) => {
    const { holds, line: waiting, day, ledgerWritable } = view
    const asks = (id: string): boolean => !holds.includes(id) && !waiting.includes(id)
    const mayAsk = isStarting(view, "b") && day.used === 0
    return [
      ...when(isNew(view, "a"), request("a", asReserved)),
      ...when(isNew(view, "b") && holds.includes("h"), request("b", asReserved)),
      ...when(isNew(view, "c") && waiting.length === 1, request("c", asReserved)),
      ...when(isLive(view, "a") && holds.length === 0 && day.used === 0, hold("h", "a", 15)),
      ...when(mayAsk && asks("i"), call("i", "b", [10, 12], QUEUED)),
      ...when(mayAsk && asks("j") && !asks("i"), hold("j", "b", 4, QUEUED)),
      ...when(isStarting(view, "c") && asks("k"), hold("k", "c", 7, QUEUED)),
      ...when(waiting.includes("i"), call("i", "b", [10, 12], QUEUED), withdrawHold("i")),
      ...when(holds.includes("i") && waiting.length > 0, call("i", "b", [10, 12], QUEUED)),
      ...when(holds.includes("h"), settle("h", 15), voids("h"), charge("h")),
      ...when(waiting.length === 1 && isStarting(view, "b"), stop("b"), until("hold")),
      ...when(ledgerWritable && waiting.length > 0, ledgerFails, flipped(view)),
      ...when(!ledgerWritable, ledgerRecovers, flipped(view)),
    ]
  },
}

/** A call that only what is set aside can pay for, and what comes after it. */
export const windingDown: Walk = {
  settings: { ...BASE, dailyTokenLimit: 40, perAgentTokenLimit: 20, reserveForWrapUp: 10 },
  looks: standing,
  steps: (view) => {
    const { agents, holds, ledgerWritable } = view
    const { used = 0, wrappingUp = false } = agents.a ?? {}
    const asks = isStarting(view, "a") && holds.length === 0
    return [
      ...when(isNew(view, "a"), request("a")),
      ...when(asks && used < 20, call("h", "a", [3, 10]), hold("i", "a", 11)),
      ...when(holds.includes("h"), settle("h", 5), settle("h", 10)),
      ...when(holds.includes("i"), settle("i", 11), charge("i")),
      ...when(asks && used === 10, call("t", "a", [3, 30], { isTentative: true })),
      ...when(holds.length === 1 && used === 5, hold("j", "a", 9)),
      ...when(holds.includes("j"), voids("j")),
      ...when(wrappingUp || used === 10, flipped(view)),
      ...when(ledgerWritable && used === 10, ledgerFails),
      ...when(!ledgerWritable, ledgerRecovers),
    ]
  },
}

/** Money held and only reported, the agent's and the day's, until both are used up. */
export const money: Walk = {
  settings: {
    ...BASE,
    dailyTokenLimit: null,
    perAgentCostLimitMicroUsd: 20,
    dailyCostLimitMicroUsd: 30,
  },
  looks: standing,
  steps: (view) => {
    const { agents, holds, day } = view
    const { used = 0, money: [spent] = [0] } = agents.a ?? {}
    const isToday = day.id === "2026-03-02"
    const asks = isStarting(view, "a") && holds.length === 0
    return [
      ...when(isNew(view, "a"), request("a")),
      ...when(isNew(view, "b") && spent === 10, request("b")),
      ...when(asks && spent < 20, call("h", "a", [5, 15])),
      ...when(asks && used === 0, hold("i", "a", 1)),
      ...when(holds.includes("h"), settle("h", 10, 10), settle("h", 15, 20), charge("h")),
      ...when(holds.includes("i"), settle("i", 1)),
      ...when(isStarting(view, "b") && day.money[0] < 40 && isToday, usage("b", 1, null, 15)),
      ...when(isStarting(view, "a") && used === 10, usage("a", 1, null, 10), usage("a", 1)),
      ...when(day.money[0] >= 25, flipped(view)),
      ...when(isToday && day.money[0] >= 30, until("day")),
    ]
  },
}

/** What an agent says of its calls itself, beside what was counted of them. */
export const ownAccount: Walk = {
  settings: { ...BASE, dailyTokenLimit: null, perAgentTokenLimit: 20 },
  looks: standing,
  steps: (view) => {
    const { agents, holds } = view
    const used = agents.a?.used ?? 0
    return [
      ...when(isNew(view, "a"), request("a", asReserved)),
      ...when(isStarting(view, "a") && holds.length === 0 && used < 15, hold("h", "a", 5)),
      ...when(holds.includes("h"), settle("h", 5), charge("h")),
      ...when(isLive(view, "a") && used < 30, compares("a", used), compares("a", used + 10)),
      ...when(used === 10, flipped(view)),
    ]
  },
}

export const callWalks = { line, windingDown, money, ownAccount }
