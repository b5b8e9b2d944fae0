/** Every transition of a chart by name, and which of them a run has taken, in which mode. */
import type {
  AnyStateMachine,
  AnyStateNode,
  AnyTransitionDefinition,
  InspectionEvent,
} from "xstate"
import type { BudgetSettings } from "../../machines/budget/settings.ts"
import type { SupervisorContext } from "../../machines/supervisor-setup.ts"

export type Mode = "hard" | "soft"
export const MODES: readonly Mode[] = ["hard", "soft"]

const nodesBelow = (node: AnyStateNode): readonly AnyStateNode[] => [
  node,
  ...Object.values(node.states).flatMap(nodesBelow),
]

export const nodesOf = (machine: AnyStateMachine): readonly AnyStateNode[] =>
  nodesBelow(machine.root)

export const guardOf = ({ guard }: AnyTransitionDefinition): string => {
  if (guard === undefined) return "otherwise"
  if (typeof guard === "string") return guard
  return "type" in guard ? String(guard.type) : "an inline guard"
}

/** Source state, event and guard: one row of the chart. */
export const nameOf = (transition: AnyTransitionDefinition): string => {
  const source = transition.source.path.join(".")
  const event = transition.eventType === "" ? "always" : transition.eventType
  return `${source === "" ? "anywhere" : source} · ${event} · ${guardOf(transition)}`
}

export const transitionsOf = (machine: AnyStateMachine): readonly AnyTransitionDefinition[] =>
  nodesOf(machine).flatMap((node) => [
    ...[...node.transitions.values()].flat(),
    ...(node.always ?? []),
  ])

export const namesOf = (machine: AnyStateMachine): readonly string[] =>
  transitionsOf(machine).map(nameOf)

type Counts = Record<Mode, number>

export class Coverage {
  private readonly taken = new Map<string, Counts>()

  /**
   * An observer of one actor system. A transition counts for the mode that its guard saw: the
   * one in force before its microstep.
   */
  watch(settings: BudgetSettings): (event: InspectionEvent) => void {
    let mode: Mode = settings.enforceHardLimits ? "hard" : "soft"
    return (event) => {
      if (event.type !== "@xstate.microstep") return
      for (const transition of event._transitions) this.count(nameOf(transition), mode)
      const after = modeOf(event.snapshot)
      if (after !== null) mode = after
    }
  }

  of(name: string, mode: Mode): number {
    return this.taken.get(name)?.[mode] ?? 0
  }

  private count(name: string, mode: Mode): void {
    const counts = this.taken.get(name) ?? { hard: 0, soft: 0 }
    counts[mode] += 1
    this.taken.set(name, counts)
  }
}

/** Null of an agent's snapshot, which knows no mode. */
const modeOf = (snapshot: object): Mode | null => {
  if (!("context" in snapshot) || !isSupervisors(snapshot.context)) return null
  return snapshot.context.budget.settings.enforceHardLimits ? "hard" : "soft"
}

const isSupervisors = (context: unknown): context is SupervisorContext =>
  typeof context === "object" && context !== null && "budget" in context
