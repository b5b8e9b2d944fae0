/** Machines are total: what is said about nobody changes nothing but time. */
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import type { SupervisorEvent } from "../../machines/events.ts"
import type { AgentKey, HoldId, Instant } from "../../machines/vocabulary.ts"
import { HOUR, keyOf, requestOf, soft } from "./budget/script.ts"
import { real } from "./machines.ts"
import { doorWalks } from "./walks/door.walks.ts"
import { spendingWalks } from "./walks/spending.walks.ts"
import {
  exited,
  type Happening,
  hold,
  reaped,
  request,
  settle,
  spawnFailed,
  started,
  stop,
  take,
  usage,
  voids,
  withdraw,
} from "./walks/steps.ts"
import { viewOf, type Walk } from "./walks/walk.ts"
import { World } from "./world.ts"

const aboutAgent = (key: AgentKey, at: Instant): readonly SupervisorEvent[] => {
  const stamped = [
    started(key),
    exited(key),
    exited(key, false),
    spawnFailed(key),
    reaped(key),
    stop(key),
    usage(key, 5),
    usage(key, 5, "1"),
    hold("never placed", key, 1),
  ].map((step) => stamp(step, at))
  const deadlines = (["duration", "grace", "kill"] as const).map(
    (of): SupervisorEvent => ({
      type: "deadline.reached",
      deadline: { of, key },
      at,
    }),
  )
  const exit = { mechanism: "exited", exitCode: 0, signal: null, error: null } as const
  return [
    ...stamped,
    ...deadlines,
    { type: "agent.killing", key, at },
    { type: "agent.unkillable", key, at },
    { type: "agent.over", output: { key, reason: "completed", endedAt: at, ...exit } },
    { type: "agent.over", output: { key, reason: "failed", endedAt: null, ...exit } },
  ]
}

const aboutHold = (holdId: HoldId, at: Instant): readonly SupervisorEvent[] => [
  stamp(settle(holdId, 5), at),
  stamp(voids(holdId), at),
  { type: "deadline.reached", deadline: { of: "hold", holdId }, at },
]

const stamp = (step: Happening, at: Instant): SupervisorEvent =>
  ({ ...step, at }) as SupervisorEvent

/** Everything that can be said about those who were never there, or are not there any more. */
const aboutNobody = (world: World, at = world.now): readonly SupervisorEvent[] => {
  const { agents, admitted, holds } = viewOf(world)
  const gone = admitted.filter((name) => agents[name] === undefined).map(keyOf)
  const placed = world.rows.flatMap((row) => (row.kind === "hold_placed" ? [row.holdId] : []))
  const resolved = placed.filter((id) => !holds.includes(id))
  return [
    ...[keyOf("nobody"), ...gone].flatMap((key) => aboutAgent(key, at)),
    ...["never placed" as HoldId, ...resolved].flatMap((id) => aboutHold(id, at)),
    stamp(withdraw("nobody"), at),
  ]
}

const told = (world: World) => ({
  value: world.value,
  budget: real.checkpoint.encodeCheckpoint(world.context.budget),
  queue: world.context.queue,
  agents: world.agents,
  rows: world.rows.length,
  facts: world.facts.length,
  commands: world.commands.length,
})

const wander = (walk: Walk, picks: readonly number[]): World => {
  const world = new World(real, walk.settings)
  for (const pick of picks) {
    const steps = walk.steps(viewOf(world))
    const step = steps[pick % Math.max(steps.length, 1)]
    if (step !== undefined) take(world, step)
  }
  return world
}

const anyWalk = fc
  .tuple(fc.constantFrom(...Object.values({ ...doorWalks, ...spendingWalks })), fc.boolean())
  .map(([walk, isSoft]) => (isSoft ? { ...walk, settings: soft(walk.settings) } : walk))

describe("an event about nobody", () => {
  it("changes nothing, wherever the machines stand", () => {
    fc.assert(
      fc.property(anyWalk, fc.array(fc.nat(), { maxLength: 14 }), (walk, picks) => {
        const world = wander(walk, picks)
        const before = told(world)
        for (const event of aboutNobody(world)) {
          world.sendStamped(event)
          expect({ event, ...told(world) }).toEqual({ event, ...before })
        }
        world.stop()
      }),
      { numRuns: 150 },
    )
  })

  it("is answered when it asks for a hold: stale, for good", () => {
    const world = wander(spendingWalks.holds, [])
    world.send(hold("h", "nobody", 10))
    expect(world.answers).toMatchObject([
      { id: "h", granted: false, refusal: { reason: "stale", never: true, asked: 10 } },
    ])
    world.stop()
  })

  it("lets a day that is over end, and nothing else", () => {
    const started = new World(real, spendingWalks.holds.settings)
    const tomorrow = started.now + 12 * HOUR
    for (const event of aboutNobody(started, tomorrow)) {
      const world = new World(real, spendingWalks.holds.settings)
      world.send(request("a"))
      const rows = world.rows.length
      world.sendStamped(event)
      const kinds = world.rows.slice(rows).map(({ kind }) => kind)
      expect(["", "window_opened"]).toContain(kinds.join(" "))
      expect(viewOf(world).agents).toHaveProperty("a")
      world.stop()
    }
    started.stop()
  })

  it("takes no place in line when it is withdrawn", () => {
    const world = new World(real, { ...doorWalks.slots.settings, maxConcurrentAgents: 0 })
    world.send({ type: "request.withdrawn", requestId: requestOf("nobody").requestId })
    expect(world.answers).toEqual([])
    world.stop()
  })
})
