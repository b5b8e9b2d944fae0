/**
 * Every limit transition of the production machines, on every path of every walk, against the
 * real actors: supervisor, pool, agents and deadlines.
 */
import { describe, expect, it } from "vitest"
import { soft } from "../budget/script.ts"
import { real } from "../machines.ts"
import { Coverage, MODES, type Mode, namesOf } from "../transitions.ts"
import { World } from "../world.ts"
import { callWalks } from "./call.walks.ts"
import { doorWalks } from "./door.walks.ts"
import { IMPOSSIBLE, whyImpossible } from "./impossible.ts"
import { spendingWalks } from "./spending.walks.ts"
import { type Step, take } from "./steps.ts"
import { type Place, pathsOf, viewOf, type Walk } from "./walk.ts"

const coverage = new Coverage()
const supervisorNames = namesOf(real.supervisor.supervisorMachine)
const agentNames = namesOf(real.agent.agentMachine)

const beginningIn = (mode: Mode, walk: Walk): Walk =>
  mode === "hard" ? walk : { ...walk, settings: soft(walk.settings) }

/** The world audits itself after every step; beyond that it must look as it did when explored. */
const walkPath = async (walk: Walk, path: ReturnType<typeof pathsOf>[number]): Promise<void> => {
  const world = new World(real, walk.settings, { inspect: coverage.watch(walk.settings) })
  const takes = ({ event }: { readonly event: Step }) => take(world, event)
  await path.test({
    events: Object.fromEntries(path.steps.map(({ event }) => [event.type, takes])),
    states: { "*": ({ view }: Place) => expect(viewOf(world)).toEqual(view) },
  })
  world.stop()
}

describe.each(Object.entries({ ...doorWalks, ...spendingWalks, ...callWalks }))(
  "the walk of %s",
  (_, walk) => {
    it.each(MODES)("holds the invariants on every path, beginning in %s mode", async (mode) => {
      const begun = beginningIn(mode, walk)
      const paths = pathsOf(begun)
      expect(paths.length).toBeGreaterThan(1)
      for (const path of paths) await walkPath(begun, path)
    })
  },
)

const times = (name: string, mode: Mode): string =>
  whyImpossible(name, mode) === null ? String(coverage.of(name, mode)) : "—"

const print = (title: string, names: readonly string[]): void => {
  const lines = names.map(
    (name) => `${MODES.map((mode) => times(name, mode).padStart(7)).join("")}  ${name}`,
  )
  const rows = names.flatMap((name) => MODES.filter((mode) => whyImpossible(name, mode) === null))
  const head = `${MODES.map((mode) => mode.padStart(7)).join("")}  ${title}`
  process.stdout.write(`${[head, ...lines, `${rows.length} rows to take`].join("\n")}\n`)
}

describe("the table of verdict × mode × transition", () => {
  it("is taken in full, but for what is impossible", () => {
    print("the supervisor's transitions", supervisorNames)
    print("an agent's transitions", agentNames)
    const never = [...supervisorNames, ...agentNames].flatMap((name) =>
      MODES.filter(
        (mode) => coverage.of(name, mode) === 0 && whyImpossible(name, mode) === null,
      ).map((mode) => `${mode}: ${name}`),
    )
    expect(never).toEqual([])
  })

  it("names each transition once, and nothing impossible is ever taken", () => {
    const names = [...supervisorNames, ...agentNames]
    expect(new Set(names).size).toBe(names.length)
    const listed = IMPOSSIBLE.flatMap(({ mode, transitions }) =>
      transitions.map((transition) => ({ mode, transition })),
    )
    expect(listed.filter(({ transition }) => !names.includes(transition))).toEqual([])
    expect(listed.filter(({ mode, transition }) => coverage.of(transition, mode) > 0)).toEqual([])
  })
})
