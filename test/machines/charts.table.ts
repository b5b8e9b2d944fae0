/** What the charts add to the arithmetic, in short scenes with the real actors. */
import { expect } from "vitest"
import type { SupervisorEvent } from "../../machines/events.ts"
import { HOUR, keyOf, MINUTE, SETTINGS, soft } from "./budget/script.ts"
import type { Checks, Machines } from "./machines.ts"
import {
  compares,
  drain,
  exited,
  hold,
  ledgerFails,
  ledgerRecovers,
  request,
  type Step,
  settings,
  settle,
  shutdown,
  started,
  stop,
  take,
  usage,
  withdrawHold,
} from "./walks/steps.ts"
import { World } from "./world.ts"

const UNLIMITED = { ...SETTINGS, perAgentTokenLimit: null, maxConcurrentAgents: null }

const worldAfter = (m: Machines, given: typeof SETTINGS, ...steps: readonly Step[]): World => {
  const world = new World(m, given)
  for (const step of steps) take(world, step)
  return world
}

/** State, and the reason when there is one. */
const standOf = (m: Machines, world: World, name: string): string | undefined => {
  const agent = m.summary
    .summarise(world.context.budget)
    .agentUsage.find(({ agentId }) => agentId === name)
  return agent === undefined ? undefined : [agent.state, agent.reason].filter(Boolean).join(" ")
}

const answersOf = (world: World): readonly string[] =>
  world.answers.map(({ id, granted, refusal }) => `${id} ${granted ? "granted" : refusal?.reason}`)

const RESERVED = { enforcement: "reserved" } as const
const QUEUED = { queue: true } as const
const IN_LINE = {
  ...SETTINGS,
  perAgentTokenLimit: null,
  maxConcurrentAgents: null,
  maxTaskDurationMinutes: null,
}

export const charts: Checks = {
  "an agent is stopped by its deadline, to the millisecond": (m) => {
    const world = worldAfter(m, SETTINGS, request("a"), started("a"))
    world.advance(HOUR - 1)
    expect(standOf(m, world, "a")).toBe("running")
    world.advance(1)
    expect(standOf(m, world, "a")).toBe("stopping duration_limit")
  },

  "a full day stops who is metered, also who reports only then": (m) => {
    const world = worldAfter(m, UNLIMITED, request("a"), request("b"), request("c"), usage("a", 99))
    expect(standOf(m, world, "a")).toBe("starting")
    world.send(usage("a", 1))
    expect(standOf(m, world, "a")).toBe("stopping daily_token_limit")
    expect(standOf(m, world, "b")).toBe("starting")
    world.send(usage("b", 1))
    expect(standOf(m, world, "b")).toBe("stopping daily_token_limit")
    expect(standOf(m, world, "c")).toBe("starting")
  },

  "a full day in soft mode stops nobody, until hard mode is switched on": (m) => {
    const world = worldAfter(m, soft(UNLIMITED), request("a"), usage("a", 150))
    expect(standOf(m, world, "a")).toBe("starting")
    world.send({ type: "budget.changed", settings: UNLIMITED })
    expect(standOf(m, world, "a")).toBe("stopping daily_token_limit")
  },

  "slots are given out first come, first served": (m) => {
    const queue = { queue: true }
    const world = worldAfter(
      m,
      { ...SETTINGS, maxConcurrentAgents: 1 },
      request("a"),
      request("b", queue),
      request("c", queue),
      request("d"),
      exited("a"),
      exited("b"),
    )
    expect(answersOf(world)).toEqual([
      "request a granted",
      "request d concurrency_limit",
      "request b granted",
      "request c granted",
    ])
  },

  "a raised cap lets in as many as now fit": (m) => {
    const one = { ...SETTINGS, maxConcurrentAgents: 1 }
    const names = ["a", "b", "c", "d"].map((name) => request(name, { queue: true }))
    const world = worldAfter(m, one, ...names, settings(one, { maxConcurrentAgents: 3 }))
    expect([...world.agents.keys()]).toEqual(["a", "b", "c"])
  },

  "whoever spends in its grace is killed at once": (m) => {
    const world = worldAfter(m, SETTINGS, request("a"), started("a"), usage("a", 60))
    expect(world.commands.at(-1)).toBe("interrupt a")
    world.send(usage("a", 1))
    expect(world.commands.at(-1)).toBe("kill a")
    expect(world.context.budget.day.confirmed).toBe(61)
  },

  "in hard mode a ledger that cannot be written grants nothing and stops everybody": (m) => {
    const world = worldAfter(
      m,
      SETTINGS,
      request("a"),
      ledgerFails,
      hold("h", "a", 1),
      request("b"),
    )
    expect(standOf(m, world, "a")).toBe("stopping shutdown")
    take(world, exited("a"))
    take(world, ledgerRecovers)
    take(world, request("c"))
    expect(answersOf(world)).toEqual([
      "request a granted",
      "h ledger_unavailable",
      "request b ledger_unavailable",
      "request c granted",
    ])
  },

  "in soft mode a ledger that cannot be written stops nothing": (m) => {
    const world = worldAfter(m, soft(SETTINGS), request("a"), ledgerFails, hold("h", "a", 1))
    take(world, request("b"))
    expect(answersOf(world)).toEqual(["request a granted", "h granted", "request b granted"])
    expect(standOf(m, world, "a")).toBe("starting")
  },

  "draining admits nobody more and stops nobody, shutting down stops all": (m) => {
    const one = { ...SETTINGS, maxConcurrentAgents: 1 }
    const world = worldAfter(
      m,
      one,
      request("a"),
      request("b", { queue: true }),
      drain,
      request("c"),
    )
    expect(answersOf(world).slice(1)).toEqual(["request b draining", "request c draining"])
    expect(standOf(m, world, "a")).toBe("starting")
    world.send(shutdown)
    expect(standOf(m, world, "a")).toBe("stopping shutdown")
    expect(world.context.life).toBe("draining")
    world.send(exited("a"))
    expect(world.context.life).toBe("stopped")
  },

  "a stop is grace, then a kill, then an alarm": (m) => {
    const world = worldAfter(m, SETTINGS, request("a"), started("a"), stop("a"))
    world.advance(4_999)
    expect(world.commands).toEqual(["start a", "interrupt a"])
    world.advance(1)
    expect(world.commands).toEqual(["start a", "interrupt a", "kill a"])
    world.advance(4_999)
    expect(world.facts.map(({ type }) => type)).not.toContain("agent.unkillable")
    world.advance(1)
    expect(world.facts.map(({ type }) => type)).toContain("agent.unkillable")
    expect(standOf(m, world, "a")).toBe("unkillable cancelled")
    expect(world.context.budget.slotsTaken).toBe(1)
  },

  "a deadline that is not reached, or was never set, is not met": (m) => {
    const world = worldAfter(m, SETTINGS, request("a"), hold("h", "a", 30))
    const bare = worldAfter(m, { ...SETTINGS, maxTaskDurationMinutes: null }, request("a"))
    const deadline = { of: "duration", key: keyOf("a") } as const
    for (const early of [world, bare])
      early.send({ type: "deadline.reached", deadline, dueAt: early.now })
    const holdId = [...world.context.budget.holds][0]?.[0]
    if (holdId !== undefined)
      world.send({ type: "deadline.reached", deadline: { of: "hold", holdId }, dueAt: world.now })
    expect([standOf(m, world, "a"), standOf(m, bare, "a")]).toEqual(["starting", "starting"])
    expect(world.context.budget.day.held).toBe(30)
  },

  "what happens twice is decided twice, though it be one object": (m) => {
    const world = worldAfter(m, SETTINGS, request("a"))
    const report = { ...usage("a", 5), at: world.now } as SupervisorEvent
    world.actor.send(report)
    world.actor.send(report)
    world.audit()
    expect(world.context.budget.day.confirmed).toBe(10)
  },

  "an end is written at the time of the exit": (m) => {
    const world = worldAfter(m, SETTINGS, request("a"), started("a"))
    world.advance(1234)
    world.send(exited("a"))
    expect(world.rows.at(-1)).toMatchObject({ kind: "ended", at: world.now })
  },

  "a hold that nobody settles is charged when its time is over": (m) => {
    const world = worldAfter(m, SETTINGS, request("a"), hold("h", "a", 30))
    world.advance(15 * MINUTE - 1)
    expect(world.context.budget.day).toMatchObject({ held: 30, uncertain: 0 })
    world.advance(1)
    expect(world.context.budget.day).toMatchObject({ held: 0, uncertain: 30 })
  },

  "the day turns by itself, and whoever waited for it is let in": (m) => {
    const world = worldAfter(m, { ...UNLIMITED, maxTaskDurationMinutes: null }, request("a"))
    take(world, usage("a", 100))
    take(world, request("b", { queue: true, waitForReset: true }))
    world.advance(12 * HOUR - 1)
    expect(world.agents.has(keyOf("b"))).toBe(false)
    world.advance(1)
    expect(world.agents.has(keyOf("b"))).toBe(true)
  },

  "however much happens, a summary is told at most once a second": (m) => {
    const world = worldAfter(m, UNLIMITED, request("a"))
    for (let n = 0; n < 50; n += 1) {
      world.send(usage("a", 1))
      world.advance(50)
    }
    const summaries = world.facts.filter(({ type }) => type === "summary")
    expect(summaries.map(({ at }) => at - (summaries[0]?.at ?? 0))).toEqual([0, 1000])
    world.advance(10 * MINUTE)
    expect(world.facts.filter(({ type }) => type === "summary")).toHaveLength(3)
  },

  "calls of one agent are answered in their turn, and nobody else's wait for them": (m) => {
    const world = worldAfter(m, IN_LINE, request("a"), request("b"), request("c"))
    take(world, hold("g", "a", 10))
    take(world, hold("h", "a", 50))
    take(world, hold("i", "b", 55, QUEUED))
    take(world, hold("j", "b", 10, QUEUED))
    take(world, hold("k", "c", 45, QUEUED))
    expect(answersOf(world).slice(3)).toEqual(["g granted", "h granted"])
    take(world, settle("g", 0))
    expect(answersOf(world).slice(5)).toEqual(["k granted"])
    take(world, settle("k", 0))
    take(world, settle("h", 0))
    expect(answersOf(world).slice(6)).toEqual(["i granted", "j granted"])
  },

  "what was granted is answered again at once, whoever waits": (m) => {
    const world = worldAfter(m, IN_LINE, request("a"), hold("h", "a", 60, QUEUED))
    take(world, hold("i", "a", 50, QUEUED))
    take(world, hold("h", "a", 60, QUEUED))
    expect(answersOf(world)).toEqual(["request a granted", "h granted", "h granted"])
    take(world, settle("h", 10))
    expect(answersOf(world).slice(3)).toEqual(["i granted"])
  },

  "who withdraws from the line is never answered, and lets the next one pass": (m) => {
    const world = worldAfter(m, IN_LINE, request("a"), request("b"), hold("h", "a", 60))
    take(world, hold("i", "b", 50, QUEUED))
    take(world, hold("j", "b", 40, QUEUED))
    take(world, withdrawHold("i"))
    take(world, settle("h", 10))
    expect(answersOf(world).slice(2)).toEqual(["h granted", "j granted"])
  },

  "a full day stops who is found to be metered only then, and its calls in line with it": (m) => {
    const world = worldAfter(m, IN_LINE, request("a", RESERVED), request("b"), usage("b", 1))
    take(world, hold("h", "b", 60))
    take(world, hold("i", "b", 50, QUEUED))
    take(world, usage("b", 99))
    expect(standOf(m, world, "b")).toBe("stopping daily_token_limit")
    expect(world.answers.at(-1)).toMatchObject({ id: "i", refusal: { never: true } })
    expect(standOf(m, world, "a")).toBe("starting")
    take(world, compares("a", 1))
    expect(standOf(m, world, "a")).toBe("stopping daily_token_limit")
  },

  "a line ends with the life, the day or the ledger it waits for": (m) => {
    const begin = () => {
      const world = worldAfter(
        m,
        IN_LINE,
        request("a"),
        request("b"),
        hold("h", "a", 60, { isWatched: true }),
      )
      take(world, hold("i", "b", 50, QUEUED))
      return world
    }
    const [stopped, overnight, unwritable] = [begin(), begin(), begin()]
    take(stopped, stop("b"))
    overnight.advance(12 * HOUR)
    take(unwritable, ledgerFails)
    expect([stopped, overnight, unwritable].map((world) => answersOf(world).at(-1))).toEqual([
      "i draining",
      "i granted",
      "i ledger_unavailable",
    ])
  },

  "a hold without a time of its own outlives every alarm": (m) => {
    const world = worldAfter(m, IN_LINE, request("a"), hold("h", "a", 30, { isWatched: true }))
    world.advance(11 * HOUR)
    expect(world.context.budget.day).toMatchObject({ held: 30, uncertain: 0 })
    take(world, exited("a"))
    expect(world.context.budget.day).toMatchObject({ held: 0, uncertain: 30 })
  },
}
