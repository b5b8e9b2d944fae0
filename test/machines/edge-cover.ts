/** Paths that take every step from every place, which neither shortest nor simple paths do. */
import type { ActorLogic, EventObject, Snapshot } from "xstate"
import {
  adjacencyMapToArray,
  getAdjacencyMap,
  type StatePath,
  type TraversalOptions,
} from "xstate/graph"

/** A shortest way to every place, and from there every step; ways that others begin with left out. */
export const edgeCover = <S extends Snapshot<unknown>, E extends EventObject, I>(
  logic: ActorLogic<S, E, I>,
  options: TraversalOptions<S, E, I>,
): StatePath<S, E>[] => {
  const look = (state: S, event?: E) =>
    options.serializeState?.(state, event) ?? JSON.stringify(state)
  const edges = adjacencyMapToArray(getAdjacencyMap(logic, options))
  const ways = new Map<string, StatePath<S, E>["steps"]>()
  const covered = new Map<string, StatePath<S, E>>()
  // In the order the places were found: each after an edge that leads to it, the first after none.
  for (const { state: from, event, nextState } of edges) {
    if (ways.size === 0) ways.set(look(from), [])
    const way = ways.get(look(from)) ?? []
    const steps = [...way, { event, state: nextState }]
    covered.delete(idOf(way))
    covered.set(idOf(steps), { state: nextState, steps, weight: steps.length })
    const to = look(nextState, event)
    if (!ways.has(to)) ways.set(to, steps)
  }
  return [...covered.values()]
}

const idOf = (steps: readonly { readonly event: EventObject }[]): string =>
  JSON.stringify(steps.map(({ event }) => event))
