import { describe, expect, it } from "vitest"
import type { AnyStateMachine } from "xstate"
import { createTestModel } from "xstate/graph"
import { agentMachine } from "../../machines/agent.ts"
import { SUPERVISOR_EVENTS } from "../../machines/events.ts"
import { supervisorMachine } from "../../machines/supervisor.ts"
import { guardOf, nodesOf, transitionsOf } from "./transitions.ts"

const machines: readonly (readonly [string, AnyStateMachine])[] = [
  ["supervisor", supervisorMachine],
  ["agent", agentMachine],
]

/** Asked for inside other actions, by name: the host's ports. */
const PORTS = ["append", "reply"]

interface Used {
  readonly actions: readonly string[]
  readonly actors: readonly string[]
  readonly inline: readonly string[]
}

/** XState's own way to start a child; anything else without a name is written inline. */
const isSpawn = (action: object): action is { readonly src: string } =>
  "type" in action &&
  action.type === "xstate.spawnChild" &&
  "src" in action &&
  typeof action.src === "string"

const usedBy = (machine: AnyStateMachine): Used => {
  const used = { actions: new Set<string>(), actors: new Set<string>(), inline: new Set<string>() }
  const ofNodes = nodesOf(machine).flatMap(({ entry, exit }) => [...entry, ...exit])
  for (const action of [...ofNodes, ...transitionsOf(machine).flatMap(({ actions }) => actions)]) {
    const written: unknown = action
    if (typeof written === "string") used.actions.add(written)
    else if (typeof written === "function")
      isSpawn(written) ? used.actors.add(written.src) : used.inline.add(written.toString())
    else if (typeof written === "object" && written !== null && "type" in written)
      used.actions.add(String(written.type))
  }
  return {
    actions: [...used.actions].sort(),
    actors: [...used.actors].sort(),
    inline: [...used.inline],
  }
}

const guardsOf = (machine: AnyStateMachine): readonly string[] =>
  [...new Set(transitionsOf(machine).map(guardOf))].filter((guard) => guard !== "otherwise").sort()

describe.each(machines)("the %s machine", (_, machine) => {
  const { actions, guards, actors } = machine.implementations
  const used = usedBy(machine)

  it("names each action, guard and actor, and each name is there", () => {
    expect(used.inline).toEqual([])
    expect(used.actions.filter((name) => typeof actions[name] !== "function")).toEqual([])
    expect(guardsOf(machine).filter((name) => typeof guards[name] !== "function")).toEqual([])
    expect(used.actors.filter((name) => actors[name] === undefined)).toEqual([])
  })

  it("has no name that nothing uses", () => {
    const ports = PORTS.filter((port) => port in actions)
    expect([...used.actions, ...ports].sort()).toEqual(Object.keys(actions).sort())
    expect(guardsOf(machine)).toEqual(Object.keys(guards).sort())
    expect(used.actors).toEqual(Object.keys(actors).sort())
  })

  it("keeps no time of its own and does no work of its own", () => {
    const nodes = nodesOf(machine)
    expect(nodes.filter(({ after }) => after.length > 0)).toEqual([])
    expect(nodes.filter(({ invoke }) => invoke.length > 0)).toEqual([])
    expect(Object.keys(machine.implementations.delays)).toEqual([])
  })

  it("is a model that tests can walk", () => {
    expect(() => createTestModel(machine)).not.toThrow()
  })
})

describe("the supervisor's events", () => {
  it("are checked at the boundary against exactly those the chart knows", () => {
    const known = new Set(transitionsOf(supervisorMachine).map(({ eventType }) => eventType))
    known.delete("")
    expect([...known].sort()).toEqual([...SUPERVISOR_EVENTS].sort())
  })
})
