import { describe, expect, it } from "vitest"
import { createActor, SimulatedClock } from "xstate"
import { openBudget, supervisorMachine, windowAt } from "../../machines/index.ts"
import { type Frame, Outbox } from "../../src/inspector/outbox.ts"
import {
  type BenchSupervisor,
  finishAgent,
  reportUsage,
  STARTED_AT,
  spawnAgent,
  UNLIMITED,
} from "../bench/fleet.ts"

const watched = (outbox: Outbox): BenchSupervisor =>
  createActor(supervisorMachine, {
    input: { budget: openBudget(UNLIMITED, windowAt(STARTED_AT, "UTC")), at: STARTED_AT },
    clock: new SimulatedClock(),
    inspect: (event) => outbox.note(event),
  }).start()

const registered = (frames: readonly Frame[]): readonly string[] =>
  frames.flatMap((frame) => (frame.kind === "actor" ? [frame.actor.ref.id] : []))

const latestOf = (frames: readonly Frame[], id: string) =>
  frames.findLast((frame) => frame.kind === "snapshot" && frame.actor.ref.id === id)

const ALL = Number.POSITIVE_INFINITY

describe("the outbox", () => {
  it("keeps nothing but the living while nobody is connected", () => {
    const outbox = new Outbox()
    const supervisor = watched(outbox)
    for (const name of ["a", "b", "c"]) spawnAgent(supervisor, name)
    finishAgent(supervisor, "b")
    expect(outbox.size).toBe(0)
    outbox.connect()
    expect(registered(outbox.take(ALL)).slice(1)).toEqual(["deadlines", "pool", "a", "c"])
  })

  it("tells whoever connects again everything from the start", () => {
    const outbox = new Outbox()
    outbox.connect()
    const supervisor = watched(outbox)
    spawnAgent(supervisor, "a")
    outbox.take(ALL)
    outbox.disconnect()
    spawnAgent(supervisor, "b")
    outbox.connect()
    const again = outbox.take(ALL)
    expect(registered(again).slice(1)).toEqual(["deadlines", "pool", "a", "b"])
    const states = again.map(({ actor: { first } }) => first && "value" in first && first.value)
    expect(states.slice(3)).toEqual(["running", "running"])
  })

  it("merges twenty thousand reports into one frame and keeps the last", () => {
    const outbox = new Outbox()
    outbox.connect()
    const supervisor = watched(outbox)
    spawnAgent(supervisor, "a")
    outbox.take(ALL)
    for (let call = 0; call < 20_000; call += 1) reportUsage(supervisor, "a", 1)
    const frames = outbox.take(ALL)
    expect(frames.length).toBeLessThan(20)
    const usage = frames.filter(
      (frame) => frame.kind === "event" && frame.event.type === "usage.reported",
    )
    expect(usage).toMatchObject([{ repeated: 20_000 }])
    expect(latestOf(frames, supervisor.id)).toMatchObject({
      snapshot: { context: { budget: { day: { confirmed: 20_000 } } } },
    })
  })

  it("tells an event before the change that it caused", () => {
    const outbox = new Outbox()
    outbox.connect()
    const supervisor = watched(outbox)
    spawnAgent(supervisor, "a")
    outbox.take(ALL)
    reportUsage(supervisor, "a", 1)
    reportUsage(supervisor, "a", 1)
    const kinds = outbox.take(ALL).map((frame) => `${frame.actor.ref.id} ${frame.kind}`)
    const root = supervisor.id
    expect(kinds.filter((kind) => kind.startsWith(root))).toEqual([
      `${root} event`,
      `${root} snapshot`,
    ])
  })

  it("tells a number that moved after a change of state behind that change", () => {
    const outbox = new Outbox()
    outbox.connect()
    const supervisor = watched(outbox)
    spawnAgent(supervisor, "a")
    reportUsage(supervisor, "a", 1)
    supervisor.send({ type: "drain.requested", at: STARTED_AT })
    reportUsage(supervisor, "a", 1)
    expect(latestOf(outbox.take(ALL), supervisor.id)).toMatchObject({
      snapshot: { context: { life: "draining", budget: { day: { confirmed: 2 } } } },
    })
  })

  it("stays bounded while nothing is taken, and loses no registration and no latest state", () => {
    const outbox = new Outbox()
    outbox.connect()
    const supervisor = watched(outbox)
    spawnAgent(supervisor, "first")
    outbox.take(ALL)
    for (let index = 0; index < 3_000; index += 1) {
      spawnAgent(supervisor, `agent-${index}`)
      if (index % 10 !== 0) finishAgent(supervisor, `agent-${index}`)
    }
    finishAgent(supervisor, "first")
    expect(outbox.size).toBeLessThan(10_100)
    const frames = outbox.take(ALL)
    const told = new Set(registered(frames))
    for (let index = 0; index < 3_000; index += 10) expect(told.has(`agent-${index}`)).toBe(true)
    expect(told.has("agent-1")).toBe(false)
    expect(latestOf(frames, "first")).toMatchObject({ snapshot: { status: "done" } })
    expect(latestOf(frames, "agent-2990")).toMatchObject({ snapshot: { value: "running" } })
  })

  it("forgets an agent whose machine threw, and says that it did", () => {
    const outbox = new Outbox()
    outbox.connect()
    const supervisor = watched(outbox)
    spawnAgent(supervisor, "a")
    const [agent] = [
      ...(supervisor.getSnapshot().children.pool?.getSnapshot().agents.values() ?? []),
    ]
    outbox.take(ALL)
    // No such event can be sent through the door; XState refuses it from within.
    expect(agent).toBeDefined()
    agent?.send({
      type: "work.exited",
      at: STARTED_AT,
      get treeGone(): boolean {
        throw new Error("broken")
      },
      outcome: "failed",
      mechanism: "exited",
      exitCode: null,
      signal: null,
      error: null,
    })
    const frames = outbox.take(ALL)
    expect(latestOf(frames, "a")).toMatchObject({ snapshot: { status: "error" } })
    outbox.connect()
    expect(registered(outbox.take(ALL))).not.toContain("a")
  })
})
