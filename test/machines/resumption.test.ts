/** Lives that go on under a new supervisor, with the deadlines they always had. */
import { describe, expect, it } from "vitest"
import { HOUR, keyOf, MINUTE, NOON, SETTINGS, soft } from "./budget/script.ts"
import { real } from "./machines.ts"
import {
  exited,
  hold,
  reaped,
  request,
  type Step,
  settings,
  settle,
  started,
  stop,
  take,
  until,
  usage,
} from "./walks/steps.ts"
import { World } from "./world.ts"

/** A supervisor that saw the steps, and after a while without one, the next. */
const handedOver = (steps: readonly Step[], awayMs: number, given = SETTINGS): World => {
  const before = new World(real, given)
  for (const step of steps) take(before, step)
  before.stop()
  const startedAt = before.now + awayMs
  return new World(real, given, { history: before.rows, startedAt })
}

const seen = (world: World, name = "a") =>
  real.summary.summarise(world.context.budget).agentUsage.find(({ agentId }) => agentId === name)

const STOPPED = [request("a"), started("a"), stop("a")]
const A = keyOf("a")

describe("a life under a new supervisor", () => {
  it.each([
    ["starting", [request("a")], "starting"],
    ["running", [request("a"), started("a")], "running"],
    ["stopping in its grace", STOPPED, { stopping: "grace" }],
    ["stopping after it", [...STOPPED, until("grace")], { stopping: "grace" }],
    ["unkillable", [...STOPPED, until("grace"), until("kill")], { stopping: "grace" }],
  ] as const)("goes on where it stood: %s", (_, steps, value) => {
    const world = handedOver(steps, 0)
    expect(world.agents.get(A)).toEqual(value)
    expect(world.rows).toEqual([])
    world.stop()
  })

  it("keeps its deadline to the millisecond", () => {
    const world = handedOver([request("a"), started("a")], 20 * MINUTE)
    world.advance(40 * MINUTE - 1)
    expect(seen(world)).toMatchObject({ state: "running" })
    world.advance(1)
    expect(seen(world)).toMatchObject({ state: "stopping", reason: "duration_limit" })
    world.stop()
  })

  it("is stopped at once when its deadline passed while nobody supervised it", () => {
    const world = handedOver([request("a"), started("a")], 2 * HOUR)
    world.advance(0)
    expect(seen(world)).toMatchObject({ state: "stopping", reason: "duration_limit" })
    world.stop()
  })

  it("has what is left of its grace, and is then killed", () => {
    const world = handedOver(STOPPED, 3_000)
    world.advance(1_999)
    expect(world.agents.get(A)).toEqual({ stopping: "grace" })
    world.advance(1)
    expect(world.agents.get(A)).toEqual({ stopping: "killing" })
    world.advanceUntil("kill")
    expect(seen(world)).toMatchObject({ state: "unkillable", reason: "cancelled" })
    world.send(reaped("a"))
    expect(seen(world)).toMatchObject({ state: "ended", reason: "cancelled", mechanism: "kill" })
    world.stop()
  })

  it("still settles its holds, which expire when they always would have", () => {
    const steps = [request("a"), hold("h", "a", 10), hold("i", "a", 20)]
    const world = handedOver(steps, 5 * MINUTE)
    world.send(settle("h", 8))
    world.advance(10 * MINUTE - 1)
    expect(seen(world)).toMatchObject({ totalTokens: 8, heldTokens: 20 })
    world.advance(1)
    expect(seen(world)).toMatchObject({ totalTokens: 28, heldTokens: 0 })
    world.send(exited("a"))
    expect(world.context.budget.slotsTaken).toBe(0)
    world.stop()
  })

  it("frees its slot for those who come after", () => {
    const world = handedOver([request("a"), request("b")], MINUTE)
    world.send(request("c"))
    world.send(exited("a"))
    world.send(request("d"))
    expect(world.answers.map(({ granted }) => granted)).toEqual([false, true])
    world.stop()
  })

  it("is stopped when the day is full by the time hard mode takes over", () => {
    const given = { ...SETTINGS, perAgentTokenLimit: null }
    const before = new World(real, soft(given))
    for (const step of [request("a"), usage("a", 100)]) take(before, step)
    take(before, settings(before.context.budget.settings, { maxConcurrentAgents: 1 }))
    before.stop()
    const history = [...before.rows]
    const { rows } = real.recovery.decideStart(before.context.budget, given, NOON, new Set([A]))
    const world = new World(real, soft(given), { history: [...history, ...rows] })
    expect(seen(world)).toMatchObject({ state: "stopping", reason: "daily_token_limit" })
    world.stop()
  })
})
