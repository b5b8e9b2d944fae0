/** A chart as the text of a Mermaid state diagram. */
import type { ChartState, ChartTransition } from "./chart.ts"

/** Transitions that stay in their state are lines in its box; a loop each would hide the rest. */
export const drawChart = (chart: ChartState): string =>
  ["stateDiagram-v2", ...indent(drawState(chart))].join("\n")

const drawState = (state: ChartState): readonly string[] =>
  state.states.length === 0 ? drawLeaf(state) : [...drawComposite(state), ...drawEdges(state)]

const drawLeaf = (state: ChartState): readonly string[] => [
  `state "${state.key}" as ${state.id}`,
  ...state.entry.map((action) => `${state.id} : entry / ${action}`),
  ...merged(state.transitions.filter(stays)).map((label) => `${state.id} : ${label}`),
  ...drawEdges(state),
  ...(state.type === "final" ? [`${state.id} --> [*]`] : []),
]

const drawComposite = (state: ChartState): readonly string[] => {
  const inner =
    state.type === "parallel"
      ? state.states.flatMap((region, index) => [
          ...(index === 0 ? [] : ["--"]),
          ...drawState(region),
        ])
      : [
          ...(state.initial === null ? [] : [`[*] --> ${state.initial.id}`]),
          ...state.states.flatMap(drawState),
        ]
  return [`state "${state.key}" as ${state.id} {`, ...indent(inner), "}"]
}

const drawEdges = (state: ChartState): readonly string[] => {
  const targets = new Set(state.transitions.flatMap(({ target }) => target?.id ?? []))
  return [...targets].flatMap((id) =>
    merged(state.transitions.filter(({ target }) => target?.id === id)).map(
      (label) => `${state.id} --> ${id} : ${label}`,
    ),
  )
}

const stays = ({ target }: ChartTransition): boolean => target === null

/** `event [guard or guard] / action, action`: guards with one outcome share a line. */
const merged = (transitions: readonly ChartTransition[]): readonly string[] => {
  const guards = new Map<string, string[]>()
  const outcome = ({ event, actions }: ChartTransition) => JSON.stringify([event, actions])
  for (const transition of transitions) {
    const known = guards.get(outcome(transition)) ?? []
    if (transition.guard !== null) known.push(transition.guard)
    guards.set(outcome(transition), known)
  }
  return [...guards].map(([key, known]) => {
    const [event, actions]: [string | null, readonly string[]] = JSON.parse(key)
    return [
      ...(event === null ? [] : [event]),
      ...(known.length === 0 ? [] : [`[${known.join(" or ")}]`]),
      ...(actions.length === 0 ? [] : [`/ ${actions.join(", ")}`]),
    ].join(" ")
  })
}

const indent = (lines: readonly string[]): readonly string[] => lines.map((line) => `  ${line}`)
