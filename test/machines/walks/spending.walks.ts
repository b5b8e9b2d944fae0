/** Walks about what agents spend: reports, holds, their own limits, the day's, and their time. */
import { MINUTE, SETTINGS } from "../budget/script.ts"
import {
  exited,
  hold,
  ledgerFails,
  ledgerRecovers,
  reaped,
  request,
  settings,
  settle,
  settleLate,
  spawnFailed,
  started,
  stop,
  until,
  usage,
  voids,
} from "./steps.ts"
import { flipped, isLive, isNew, type View, type Walk, when } from "./walk.ts"

const BASE = {
  ...SETTINGS,
  dailyTokenLimit: 40,
  perAgentTokenLimit: 20,
  maxConcurrentAgents: null,
  maxTaskDurationMinutes: null,
}

/** Where everything stands; limits and times left out. */
const standing = ({ value, settings: now, agents, holds, expired, day }: View): unknown => [
  value,
  now.enforceHardLimits,
  now.perAgentTokenLimit,
  agents,
  holds,
  expired,
  day,
]

const stateOf = ({ agents }: View, name: string): string => agents[name]?.state ?? "nobody"

/** Reports reach the agent's limit, exactly and beyond, and the day's; limits move under them. */
export const metered: Walk = {
  settings: BASE,
  looks: standing,
  steps: (view) => {
    const { agents, day, settings: now } = view
    const used = agents.a?.used ?? 0
    const isToday = day.id === "2026-03-02"
    return [
      ...when(isNew(view, "a"), request("a")),
      ...when(isLive(view, "a") && used < 40, usage("a", 10)),
      ...when(isNew(view, "b") && used === 10 && isToday, request("b")),
      ...when(agents.b?.used === 0, usage("b", 15), usage("b", 20)),
      ...when(used === 10 && !isLive(view, "b"), settings(now, { perAgentTokenLimit: 10 })),
      ...when(used >= 20, flipped(view)),
      ...when(day.used >= 40 && isToday, until("day")),
    ]
  },
}

/** Every way in which a life can go, from its start to its end. */
export const lives: Walk = {
  settings: { ...BASE, maxTaskDurationMinutes: 1 },
  looks: standing,
  steps: (view) => {
    const state = stateOf(view, "a")
    const stopping = state.includes("stopping")
    const used = view.agents.a?.used ?? 0
    return [
      ...when(isNew(view, "a"), request("a")),
      ...when(state.includes("starting"), started("a"), spawnFailed("a")),
      ...when(isLive(view, "a"), exited("a"), exited("a", false), stop("a")),
      ...when(isLive(view, "a") && used < 30, usage("a", 10)),
      ...when(state.includes("starting") || state.includes("running"), until("duration")),
      ...when(stopping, reaped("a"), spawnFailed("a")),
      ...when(state.includes("grace"), until("grace"), flipped(view)),
      ...when(state.includes("killing"), until("kill")),
    ]
  },
}

/** Holds of one agent: granted, refused, settled, voided, expired and settled late. */
export const holds: Walk = {
  settings: BASE,
  looks: standing,
  steps: (view) => {
    const isOpen = view.holds.includes("h")
    const used = view.agents.a?.used ?? 0
    const late = view.expired.includes("h") && used === 10
    return [
      ...when(isNew(view, "a"), request("a")),
      ...when(isLive(view, "a") && !isOpen && used === 0, hold("h", "a", 10)),
      ...when(isLive(view, "a"), hold("i", "a", 15), hold("j", "a", 21), hold("h", "nobody", 1)),
      ...when(isOpen, settle("h", 5), settle("h", 10), settle("h", 20), voids("h")),
      ...when(isOpen, until("hold")),
      ...when(late, settleLate("h", "a", [10, 4])),
      ...when(isOpen && isLive(view, "a"), exited("a")),
      ...when(view.agents.a?.held === 25, flipped(view)),
    ]
  },
}

/** Calls held first and calls only reported, by one agent: its account may fill up either way. */
export const mixed: Walk = {
  settings: BASE,
  looks: standing,
  steps: (view) => {
    const isOpen = view.holds.includes("h")
    const used = view.agents.a?.used ?? 0
    const isNewHold = !isOpen && !view.expired.includes("h")
    return [
      ...when(isNew(view, "a"), request("a")),
      ...when(isLive(view, "a") && isNewHold && used === 0, hold("h", "a", 10)),
      ...when(isLive(view, "a") && used < 20, usage("a", 5)),
      ...when(isOpen, settle("h", 10), settle("h", 20), voids("h"), until("hold")),
      ...when(view.expired.includes("h") && used === 15, settleLate("h", "a", [10, 15])),
      ...when(used === 15, flipped(view)),
    ]
  },
}

/** Two agents share a day: held tokens in the way, used ones, patience, and a ledger that fails. */
export const sharing: Walk = {
  settings: { ...BASE, dailyTokenLimit: 20, perAgentTokenLimit: null, maxTaskDurationMinutes: 16 },
  looks: standing,
  steps: (view) => {
    const { holds: open, day } = view
    const asking = isLive(view, "b") && !open.includes("j")
    return [
      ...when(isNew(view, "a"), request("a", { enforcement: "reserved" })),
      ...when(isNew(view, "b") && open.includes("h"), request("b")),
      ...when(isLive(view, "a") && !open.includes("h") && day.used === 0, hold("h", "a", 15)),
      ...when(asking, hold("j", "b", 10), hold("j", "b", 21)),
      ...when(open.includes("h"), settle("h", 15), settle("h", 20), until("hold")),
      ...when(stateOf(view, "b").includes("starting"), stop("b")),
      ...when(view.ledgerWritable && isLive(view, "b"), ledgerFails),
      ...when(!view.ledgerWritable, ledgerRecovers, flipped(view), hold("i", "nobody", 1)),
    ]
  },
}

/** A hold that is asked for at the deadline, before the alarm rang for it. */
export const atTheDeadline: Walk = {
  settings: { ...BASE, maxTaskDurationMinutes: 15 },
  looks: standing,
  steps: (view) => {
    const asking = stateOf(view, "a").includes("starting")
    return [
      ...when(isNew(view, "a"), request("a")),
      ...when(asking && view.holds.length === 0, hold("h", "a", 1)),
      ...when(asking, { ...hold("i", "a", 1), aheadMs: 15 * MINUTE }, until("duration")),
      ...when(view.ledgerWritable && isLive(view, "a"), ledgerFails),
    ]
  },
}

export const spendingWalks = { metered, lives, holds, mixed, sharing, atTheDeadline }
