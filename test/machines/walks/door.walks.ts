/** Walks about who may start: slots, the queue, a full day, a ledger that fails, a closing door. */
import { SETTINGS } from "../budget/script.ts"
import {
  drain,
  exited,
  ledgerFails,
  ledgerRecovers,
  request,
  settings,
  shutdown,
  until,
  usage,
  withdraw,
} from "./steps.ts"
import { flipped, isLive, isNew, type View, type Walk, when } from "./walk.ts"

const BASE = { ...SETTINGS, dailyTokenLimit: 20, perAgentTokenLimit: null, maxConcurrentAgents: 1 }

/** Where agents stand and who waits: amounts left out. */
const places = ({ value, settings: now, agents, admitted, queue }: View): unknown => [
  value,
  now.enforceHardLimits,
  now.maxConcurrentAgents,
  now.maxTaskDurationMinutes,
  now.dailyTokenLimit,
  Object.keys(agents),
  admitted,
  queue,
]

/** Slots that are taken, freed, added and taken away, and a queue in front of them. */
export const slots: Walk = {
  settings: BASE,
  looks: places,
  steps: (view) => {
    const { settings: now } = view
    const { maxConcurrentAgents: max, maxTaskDurationMinutes: minutes } = now
    return [
      ...when(isNew(view, "a"), request("a")),
      ...when(isNew(view, "b"), request("b", { queue: true })),
      ...when(isNew(view, "c"), request("c", { queue: true })),
      ...when(isLive(view, "a"), request("a"), exited("a")),
      ...when(isLive(view, "b"), exited("b")),
      ...when(isLive(view, "c"), exited("c")),
      ...when(view.queue.includes("b"), withdraw("b")),
      ...when(max !== 0 && minutes !== 0, settings(now, { maxConcurrentAgents: 0 })),
      ...when(max !== 2 && minutes !== 0, settings(now, { maxConcurrentAgents: 2 })),
      ...when(minutes !== 0, settings(now, { maxTaskDurationMinutes: 0 })),
    ]
  },
}

/** Two in line under one name: the second is refused as soon as the first has it. */
export const sameName: Walk = {
  settings: BASE,
  looks: places,
  steps: (view) => {
    const { settings: now, queue } = view
    return [
      ...when(isNew(view, "a"), request("a")),
      ...when(isNew(view, "b") && isLive(view, "a"), request("b", { queue: true })),
      ...when(queue.length === 1, request("c", { agentId: "b", queue: true })),
      ...when(
        queue.length > 0 && now.maxConcurrentAgents === 1,
        settings(now, { maxConcurrentAgents: 3 }),
      ),
      ...when(isLive(view, "a"), exited("a")),
      ...when(isLive(view, "b"), exited("b")),
    ]
  },
}

/** The door closes: for good when draining, for a while when the ledger fails. */
export const closing: Walk = {
  settings: BASE,
  looks: places,
  steps: (view) => [
    ...when(isNew(view, "a"), request("a")),
    ...when(isNew(view, "b"), request("b", { queue: true })),
    ...when(isNew(view, "s") && view.admitted.includes("a"), request("s", { slot: false })),
    ...when(isLive(view, "a"), exited("a")),
    ...when(isLive(view, "b"), exited("b")),
    ...when(view.ledgerWritable, ledgerFails),
    ...when(!view.ledgerWritable, ledgerRecovers, flipped(view)),
    ...when(view.life !== "stopped", drain, shutdown),
  ],
}

/** A day that is full: who waits for tomorrow and who is refused, until there is room again. */
export const fullDay: Walk = {
  settings: { ...BASE, maxConcurrentAgents: 2, maxTaskDurationMinutes: null },
  looks: (view) => [places(view), view.day, view.agents.a],
  steps: (view) => {
    const { day, settings: now, agents } = view
    const isToday = day.id === "2026-03-02"
    return [
      ...when(isNew(view, "a"), request("a")),
      ...when(isNew(view, "b") && day.used > 0, request("b")),
      ...when(isNew(view, "c"), request("c", { queue: true, waitForReset: true })),
      ...when(isNew(view, "d") && view.queue.length > 0, request("d", { queue: true })),
      ...when(agents.a !== undefined && day.used < 20, usage("a", 10)),
      ...when(isLive(view, "a"), exited("a")),
      ...when(isToday && day.used > 0, until("day")),
      ...when(now.dailyTokenLimit === 20 && day.used >= 20, settings(now, { dailyTokenLimit: 40 })),
      ...when(day.used >= 20, flipped(view)),
    ]
  },
}

export const doorWalks = { slots, sameName, closing, fullDay }
