/**
 * The chart alone, as a model: `createTestModel` walks the pure supervisor, without children,
 * and every path is then taken by the real actors, which must stand where the chart foretold.
 */
import * as HashMap from "effect/HashMap"
import { describe, expect, it } from "vitest"
import type { SnapshotFrom } from "xstate"
import { createTestModel } from "xstate/graph"
import type { SupervisorEvent } from "../../../machines/events.ts"
import { supervisorMachine } from "../../../machines/supervisor.ts"
import type { SupervisorContext } from "../../../machines/supervisor-setup.ts"
import type { AgentKey } from "../../../machines/vocabulary.ts"
import { keyOf, NOON, openAt, SETTINGS } from "../budget/script.ts"
import { edgeCover } from "../edge-cover.ts"
import { real } from "../machines.ts"
import { World } from "../world.ts"
import {
  drain,
  exited,
  type Happening,
  hold,
  ledgerFails,
  ledgerRecovers,
  request,
  settings,
  settle,
  stop,
  usage,
} from "./steps.ts"
import { when } from "./walk.ts"

type Snapshot = SnapshotFrom<typeof supervisorMachine>

const LIMITS = {
  ...SETTINGS,
  dailyTokenLimit: 30,
  perAgentTokenLimit: 20,
  maxConcurrentAgents: 1,
  maxTaskDurationMinutes: null,
}

/** Nothing but what decisions rest on; the time stands still. */
const looks = (value: unknown, { budget, queue }: SupervisorContext): string =>
  JSON.stringify([
    value,
    [...HashMap.values(budget.agents)]
      .map(({ agentId, state, reason, account }) => [agentId, state, reason, account])
      .sort(),
    [...HashMap.values(queue.waiting)].map(({ agentId }) => agentId),
    [...HashMap.keys(budget.holds)],
    budget.day,
    budget.settings.enforceHardLimits,
  ])

/** What only a child says; in the real system the agent's exit brings it about. */
const over = (key: AgentKey): SupervisorEvent => ({
  type: "agent.over",
  output: {
    key,
    reason: "completed",
    mechanism: "exited",
    endedAt: NOON,
    exitCode: 0,
    signal: null,
    error: null,
  },
})

const nextOf = ({
  budget,
  queue,
  ledgerWritable,
  life,
}: SupervisorContext): readonly Happening[] => {
  const agent = (name: string) => real.budget.agentOf(budget, keyOf(name))
  const ended = [...HashMap.values(budget.ended.items)].map(({ agent: { agentId } }) => agentId)
  const waiting = [...HashMap.values(queue.waiting)].map(({ agentId }) => agentId)
  const isNew = (name: string) => ![...ended, ...waiting].includes(name) && !agent(name)
  const used = budget.day.confirmed + budget.day.uncertain
  const { enforceHardLimits } = budget.settings
  return [
    ...when(isNew("a"), request("a")),
    ...when(isNew("b"), request("b", { queue: true })),
    ...when(agent("a")?.state === "starting", stop("a")),
    ...when(agent("a") !== undefined && used < 30, usage("a", 10)),
    ...when(agent("a") !== undefined && used < 20, hold("h", "a", 15)),
    ...when(agent("b") !== undefined && used === 10, usage("b", 20)),
    ...when(HashMap.size(budget.holds) > 0, settle("h", 20)),
    ...when(
      used >= 10 && ledgerWritable,
      settings(budget.settings, { enforceHardLimits: !enforceHardLimits }),
    ),
    ledgerWritable ? ledgerFails : ledgerRecovers,
    ...when(life === "open" && !agent("b"), drain),
  ]
}

const eventsOf = ({ context }: Snapshot): readonly SupervisorEvent[] => [
  ...nextOf(context).map((step) => ({ ...step, at: NOON }) as SupervisorEvent),
  ...[...HashMap.keys(context.budget.agents)].map(over),
]

const model = createTestModel(supervisorMachine, {
  input: { budget: openAt(real, LIMITS), at: NOON },
  events: eventsOf,
  // A model adds a bare event of each type it was given none of; nobody sends those.
  filterEvents: (_, event) => "at" in event || "output" in event,
  serializeState: ({ value, context }) => looks(value, context),
  limit: 10_000,
})

describe("the chart alone", () => {
  it("foretells where the real actors stand, on every path", async () => {
    const paths = model.getPaths(edgeCover, { allowDuplicatePaths: true })
    expect(paths.length).toBeGreaterThan(100)
    for (const path of paths) {
      const world = new World(real, LIMITS)
      const takes = ({ event }: { readonly event: { readonly type: string } }) => {
        const given = path.steps.find((step) => step.event === event)?.event
        if (given?.type === "agent.over") world.send(exited(given.output.key))
        else if (given !== undefined) world.send(given)
      }
      await path.test({
        events: Object.fromEntries(path.steps.map(({ event }) => [event.type, takes])),
        states: {
          "*": ({ value, context }) =>
            expect(looks(world.value, world.context)).toBe(looks(value, context)),
        },
      })
      world.stop()
    }
    process.stdout.write(`${paths.length} paths of the chart taken by the real actors\n`)
  })
})
