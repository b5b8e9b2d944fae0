/** The summary of a replay as JSON, in pieces: its lists may be longer than memory. */
import type { Replayed } from "./replayed.ts"

export function* summaryJson(replayed: Replayed): Generator<string> {
  const { calls, callsAllowed, callsRefused, agents, peakActiveAgents, tokens } = replayed
  const scalars = { calls, callsAllowed, callsRefused, agents, peakActiveAgents, tokens }
  const head = Object.entries(scalars).map(([key, value]) => `  "${key}": ${JSON.stringify(value)}`)
  yield `{\n${head.join(",\n")}`
  yield* list("days", replayed.days)
  yield* list("stopped", replayed.outcomes.listStopped())
  yield* list("refused", replayed.outcomes.listRefused())
  yield `,\n  "skippedLines": ${replayed.skippedLines}\n}\n`
}

function* list(name: string, items: Iterable<object>): Generator<string> {
  yield `,\n  "${name}": [`
  let before = "\n    "
  for (const item of items) {
    yield before + JSON.stringify(item)
    before = ",\n    "
  }
  yield before.startsWith(",") ? "\n  ]" : "]"
}
