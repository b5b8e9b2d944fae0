/** A state machine as a reader sees it: states, and what leads from one to another. */
import type { AnyStateMachine, AnyStateNode, AnyTransitionDefinition } from "xstate"

export interface ChartTransition {
  /** Null: taken by itself as soon as its guard holds. */
  readonly event: string | null
  readonly guard: string | null
  /** Null: the state stays. */
  readonly target: ChartName | null
  readonly actions: readonly string[]
}

export interface ChartName {
  /** Unique in its machine and safe in a diagram: `supervisor_day_exhausted`. */
  readonly id: string
  /** For people: `day.exhausted`; the machine's own name at the root. */
  readonly path: string
}

export interface ChartState extends ChartName {
  readonly key: string
  readonly type: AnyStateNode["type"]
  readonly initial: ChartName | null
  readonly entry: readonly string[]
  readonly transitions: readonly ChartTransition[]
  readonly states: readonly ChartState[]
}

export const chartOf = (machine: AnyStateMachine): ChartState => stateOf(machine.root)

/** The state and all below it, outer ones first. */
export const statesOf = (chart: ChartState): readonly ChartState[] => [
  chart,
  ...chart.states.flatMap(statesOf),
]

const stateOf = (node: AnyStateNode): ChartState => ({
  ...nameOf(node),
  key: node.key,
  type: node.type,
  initial: node.type === "compound" ? firstName(node.initial.target) : null,
  entry: node.entry.map(wordFor),
  transitions: [...(node.always ?? []), ...[...node.transitions.values()].flat()].map(transitionOf),
  states: Object.values<AnyStateNode>(node.states).map(stateOf),
})

const transitionOf = (transition: AnyTransitionDefinition): ChartTransition => ({
  event: transition.eventType === "" ? null : transition.eventType,
  guard: transition.guard === undefined ? null : wordFor(transition.guard),
  target: firstName(transition.target),
  actions: transition.actions.map(wordFor),
})

const firstName = (targets: readonly AnyStateNode[] | undefined): ChartName | null => {
  const [target] = targets ?? []
  return target === undefined ? null : nameOf(target)
}

const nameOf = (node: AnyStateNode): ChartName => ({
  id: [node.machine.id, ...node.path].join("_"),
  path: node.path.length === 0 ? node.machine.id : node.path.join("."),
})

/** The name in `setup`; spawning a child is the one thing the machines write in place. */
const wordFor = (implementation: unknown): string => {
  if (typeof implementation === "string") return implementation
  const { type, src } = Object(implementation)
  return type === "xstate.spawnChild" ? `spawn ${src}` : String(type)
}
