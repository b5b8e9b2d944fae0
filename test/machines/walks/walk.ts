/**
 * Walks over the production actors with `xstate/graph`.
 *
 * A place of the graph is what the whole system looks like after a sequence of steps, found by
 * taking them; so the graph is that of the system itself, children, timers and all. Places that
 * look alike in what a walk is about are one; its edge cover takes every step from every place.
 */
import * as HashMap from "effect/HashMap"
import type { ActorLogic, Snapshot } from "xstate"
import { TestModel } from "xstate/graph"
import type { Account } from "../../../machines/budget/account.ts"
import type { BudgetSettings } from "../../../machines/budget/settings.ts"
import type { SupervisorContext } from "../../../machines/supervisor-setup.ts"
import { edgeCover } from "../edge-cover.ts"
import { real } from "../machines.ts"
import { World } from "../world.ts"
import { type Step, settings, take } from "./steps.ts"

/** What a walk sees of an agent: where it stands, and its amounts. */
export interface Seen {
  readonly state: string
  readonly enforcement: string
  readonly used: number
  readonly held: number
  /** Used and held, in micro-dollars. */
  readonly money: readonly [number, number]
  readonly wrappingUp: boolean
  /** In a row. */
  readonly refusals: number
}

export interface View {
  readonly value: unknown
  readonly settings: BudgetSettings
  /** Live agents by name. */
  readonly agents: Readonly<Record<string, Seen>>
  /** Every name that was ever admitted: its key is used up. */
  readonly admitted: readonly string[]
  readonly queue: readonly string[]
  /** Who waits for what others hold. */
  readonly line: readonly string[]
  readonly holds: readonly string[]
  readonly expired: readonly string[]
  readonly day: {
    readonly id: string
    readonly used: number
    readonly held: number
    readonly money: readonly [number, number]
  }
  readonly life: SupervisorContext["life"]
  readonly ledgerWritable: boolean
}

export type Place = Snapshot<undefined> & {
  readonly steps: readonly Step[]
  readonly view: View
}

export interface Walk {
  readonly settings: BudgetSettings
  /** The steps that lead on from a place. */
  readonly steps: (view: View) => readonly Step[]
  /** What makes two places the same one; by default everything in view. */
  readonly looks?: (view: View) => unknown
}

/** After so many in a row one more makes no difference. */
const MOST_REFUSALS = 3

/** More than any walk has: reaching it means that a walk is not bounded. */
const MOST_PLACES = 5_000

export const viewOf = (world: World): View => {
  const { budget, queue, holdQueue, life, ledgerWritable } = world.context
  const stands = world.agents
  const agents = [...HashMap.values(budget.agents)].map((agent) => {
    const { agentId: name, account, enforcement, wrappingUp } = agent
    const money = moneyOf(agent.cost)
    const refusals = Math.min(agent.refusalsInARow, MOST_REFUSALS)
    const state = JSON.stringify(stands.get(agent.key) ?? "counting")
    const used = account.confirmed + account.uncertain
    const counted = { used, held: account.held, money, wrappingUp, refusals }
    return [name, { state, enforcement, ...counted }] as const
  })
  const rowsOf = (kind: string) => world.rows.filter((row) => row.kind === kind)
  return {
    value: world.value,
    settings: budget.settings,
    agents: Object.fromEntries(agents.sort(([a], [b]) => (a < b ? -1 : 1))),
    admitted: rowsOf("admitted")
      .flatMap((row) => ("agentId" in row ? [row.agentId] : []))
      .sort(),
    queue: [...HashMap.values(queue.waiting)].map(({ agentId }) => agentId),
    line: [...HashMap.entries(holdQueue.waiting)]
      .sort(([a], [b]) => a - b)
      .map(([, { holdId }]) => holdId),
    holds: [...HashMap.keys(budget.holds)].sort(),
    expired: rowsOf("hold_expired")
      .flatMap((row) => ("holdId" in row ? [row.holdId] : []))
      .sort(),
    day: {
      id: budget.window.id,
      used: budget.day.confirmed + budget.day.uncertain,
      held: budget.day.held,
      money: moneyOf(budget.dayCost),
    },
    life,
    ledgerWritable,
  }
}

const moneyOf = ({ confirmed, uncertain, held }: Account): readonly [number, number] => [
  confirmed + uncertain,
  held,
]

export const isNew = ({ admitted, queue }: View, name: string): boolean =>
  !admitted.includes(name) && !queue.includes(name)

export const isLive = ({ agents }: View, name: string): boolean => agents[name] !== undefined

export const when = <S extends Step>(condition: boolean, ...steps: readonly S[]): readonly S[] =>
  condition ? steps : []

/** From hard to soft and back. */
export const flipped = ({ settings: now }: View): Step =>
  settings(now, { enforceHardLimits: !now.enforceHardLimits })

const placeAfter = (walk: Walk, steps: readonly Step[]): Place => {
  const world = new World(real, walk.settings, { audits: false })
  for (const step of steps) take(world, step)
  const view = viewOf(world)
  world.stop()
  return { status: "active", output: undefined, error: undefined, steps, view }
}

const logicOf = (walk: Walk): ActorLogic<Place, Step, undefined> => ({
  getInitialSnapshot: () => placeAfter(walk, []),
  transition: (place, step) => placeAfter(walk, [...place.steps, step]),
  getPersistedSnapshot: (place) => place,
})

export const modelOf = (walk: Walk): TestModel<Place, Step, undefined> => {
  const looks = walk.looks ?? ((view: View) => view)
  return new TestModel<Place, Step, undefined>(logicOf(walk), {
    serializeState: ({ view }) => JSON.stringify(looks(view)),
    events: ({ view }) => walk.steps(view),
    limit: MOST_PLACES,
  })
}

export const pathsOf = (walk: Walk) =>
  modelOf(walk).getPaths(edgeCover, { allowDuplicatePaths: true })
