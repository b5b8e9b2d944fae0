/** Every path of an agent's chart, taken by a real agent below a real pool and supervisor. */
import { describe, expect, it } from "vitest"
import type { EventFrom, SnapshotFrom } from "xstate"
import { createTestModel } from "xstate/graph"
import { type AgentEvent, agentMachine } from "../../machines/agent.ts"
import { keyOf, SETTINGS } from "./budget/script.ts"
import { edgeCover } from "./edge-cover.ts"
import { real } from "./machines.ts"
import { Coverage, namesOf } from "./transitions.ts"
import { exited, reaped, request, spawnFailed, started, stop } from "./walks/steps.ts"
import { World } from "./world.ts"

const KEY = keyOf("a")
const AT = 0

const exit = (treeGone: boolean): AgentEvent => ({
  type: "work.exited",
  at: AT,
  outcome: "completed",
  mechanism: "exited",
  exitCode: 0,
  signal: null,
  error: null,
  treeGone,
})

const EVENTS: readonly AgentEvent[] = [
  { type: "work.started", at: AT, process: null },
  { type: "spawn.failed", at: AT, error: "no such program", exitCode: 127 },
  exit(true),
  exit(false),
  { type: "stop.requested", at: AT, reason: "agent_token_limit" },
  { type: "grace.elapsed", at: AT },
  { type: "grace.spent", at: AT },
  { type: "kill.elapsed", at: AT },
  { type: "tree.reaped", at: AT, mechanism: "kill" },
  { type: "limit.crossed", at: AT, status: "at_limit" },
]

type AgentSnapshot = SnapshotFrom<typeof agentMachine>

/** Without a parent nobody can be told; the real agent below has one. */
const alone = agentMachine.provide({ actions: { tellKilling: () => {}, tellUnkillable: () => {} } })

const looks = ({ value, context }: AgentSnapshot): string =>
  JSON.stringify([value, context.reason, context.exit, context.status])

const model = createTestModel(alone, {
  input: { key: KEY, agentId: "a", taskId: "task a", deadlineAt: null },
  events: EVENTS,
  serializeState: looks,
  limit: 2_000,
})

const paths = model.getPaths(edgeCover, { allowDuplicatePaths: true })

/** How the outside world brings each of an agent's events about. */
const happens = (world: World, event: EventFrom<typeof agentMachine>): void => {
  switch (event.type) {
    case "work.started":
      world.send(started("a"))
      break
    case "spawn.failed":
      world.send(spawnFailed("a"))
      break
    case "work.exited":
      world.send(exited("a", event.treeGone))
      break
    case "stop.requested":
      world.send(stop("a", event.reason))
      break
    case "tree.reaped":
      world.send(reaped("a", event.mechanism))
      break
    case "grace.elapsed":
      expect(world.advanceUntil("grace")).toBe(true)
      break
    case "kill.elapsed":
      expect(world.advanceUntil("kill")).toBe(true)
      break
    case "grace.spent":
    case "limit.crossed":
      world.tell(KEY, event)
      break
  }
}

const expectSame = (world: World, { status, value, context, output }: AgentSnapshot): void => {
  const [seen] = real.summary.summarise(world.context.budget).agentUsage
  if (status !== "done") {
    expect(world.agents.get(KEY)).toEqual(value)
    expect(seen?.reason).toBe(context.reason)
    return
  }
  expect(world.agents.size).toBe(0)
  const { reason, mechanism, exitCode, signal, error } = output ?? {}
  expect(seen).toMatchObject({ state: "ended", reason, mechanism, exitCode, signal, error })
}

describe("an agent", () => {
  const coverage = new Coverage()

  it.each(
    paths.map((path) => [path.steps.map(({ event }) => event.type).join(" → "), path] as const),
  )("goes the way of its chart: %s", async (_, path) => {
    const world = new World(real, SETTINGS, { inspect: coverage.watch(SETTINGS) })
    world.send(request("a"))
    const takes = ({ event }: { readonly event: { readonly type: string } }) => {
      const given = path.steps.find((step) => step.event === event)
      if (given !== undefined) happens(world, given.event)
    }
    await path.test({
      events: Object.fromEntries(EVENTS.map(({ type }) => [type, takes])),
      states: { "*": (state) => expectSame(world, state) },
    })
    world.stop()
  })

  it("takes every transition there is", () => {
    const never = namesOf(agentMachine).filter((name) => coverage.of(name, "hard") === 0)
    expect(never).toEqual([])
  })

  it("asks its host to begin, to interrupt and to kill, each once and in this order", () => {
    const world = new World(real, SETTINGS)
    world.send(request("a"))
    world.send(started("a"))
    world.send(stop("a"))
    world.send(stop("a"))
    world.advanceUntil("grace")
    world.advanceUntil("kill")
    world.send(reaped("a"))
    expect(world.commands).toEqual(["start a", "interrupt a", "kill a"])
    world.stop()
  })

  it("ends as failed when its own machine breaks, and takes nobody with it", () => {
    const world = new World(real, SETTINGS)
    world.send(request("a"))
    world.send(request("b"))
    world.send(started("a"))
    world.tell(
      KEY,
      Object({
        type: "limit.crossed",
        get status() {
          throw new Error("broken")
        },
      }),
    )
    expect([...world.agents.keys()]).toEqual(["b"])
    world.stop()
  })
})
