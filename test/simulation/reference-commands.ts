/** What may happen to a budget, drawn so that its limits, deadlines and midnights are met exactly. */
import * as fc from "fast-check"
import type { BudgetSettings } from "../../machines/budget/settings.ts"
import type { Ask, ModelUsage } from "./reference-model.ts"

const MINUTE_MS = 60_000

export type Command =
  | { readonly do: "spawn"; readonly who: number }
  | { readonly do: "hold"; readonly who: number; readonly ask: Ask }
  | { readonly do: "withdraw"; readonly which: number }
  | { readonly do: "settle"; readonly hold: number; readonly usage: ModelUsage; cost: Cost }
  | { readonly do: "void"; readonly hold: number }
  | {
      readonly do: "report"
      readonly who: number
      readonly id: string | null
      readonly usage: ModelUsage
      readonly cost: Cost
    }
  | { readonly do: "stop"; readonly who: number; readonly reason: "cancelled" | "stalled" }
  | { readonly do: "exit"; readonly who: number; readonly outcome: "completed" | "failed" }
  | { readonly do: "set"; readonly change: Partial<BudgetSettings> }
  | { readonly do: "wait"; readonly ms: number }
  | { readonly do: "waitUntilDue"; readonly which: number; readonly off: number }
  | { readonly do: "waitUntilMidnight"; readonly off: number }
  | { readonly do: "setBack"; readonly ms: number }
  | { readonly do: "crash"; readonly checkpoint: number }

/** In micro-dollars; null: of a model without a price. */
type Cost = number | null

const usage = (input: number, output = 0, cacheWrite = 0, cacheRead = 0): ModelUsage => ({
  inputTokens: input,
  outputTokens: output,
  cacheWriteTokens: cacheWrite,
  cacheReadTokens: cacheRead,
})

const usages = fc.constantFrom(
  usage(0),
  usage(1),
  usage(10),
  usage(20, 10),
  usage(29),
  usage(60),
  usage(100),
  usage(90, 11),
  usage(0, 0, 7, 3),
  usage(9, 0, 0, 1_000),
)
const tokens = fc.constantFrom(0, 1, 10, 30, 60, 99, 100, 101, 300)
const costs = fc.constantFrom(null, 0, 1, 10, 30, 60, 100)
const lengths = fc
  .tuple(tokens, fc.constantFrom(0, 0, 1, 10, 50))
  .map(([least, more]) => ({ least, most: least + more }))
const how = {
  queue: fc.boolean(),
  bounded: fc.constantFrom(...Array.from({ length: 15 }, (_, n) => n > 0)),
  price: fc.constantFrom(null, 0, 1, 1, 2),
}
/** So many tokens, or a call by its bound. */
const asks: fc.Arbitrary<Ask> = fc
  .oneof(
    fc.record({ ...how, input: tokens, range: fc.constant({ least: 0, most: 0 }) }),
    fc.record({ ...how, input: fc.constantFrom(0, 1, 10), range: lengths }),
  )
  .map(({ range, ...ask }) => ({ ...ask, ...range }))
const weights = fc.constantFrom(
  { input: 1, output: 1, cacheWrite: 1, cacheRead: 0 },
  { input: 1, output: 1.5, cacheWrite: 1.25, cacheRead: 0.001 },
  { input: 2, output: 0, cacheWrite: 0.333, cacheRead: 1 },
)
const often = <A>(usual: readonly A[], rare: readonly A[]) =>
  fc.oneof({ weight: 9, arbitrary: fc.constantFrom(...usual) }, fc.constantFrom(...rare))

const settingArbitraries = {
  dailyTokenLimit: often<number | null>([100, 300, 1_000], [0, 1, null]),
  perAgentTokenLimit: often<number | null>([100, 101, 300], [0, 1, null]),
  dailyCostLimitMicroUsd: often<number | null>([null], [0, 1, 100, 300, 300]),
  perAgentCostLimitMicroUsd: often<number | null>([null, null, 100], [0, 1, 60]),
  reserveForWrapUp: fc.constantFrom(0, 0, 0, 1, 30, 100),
  allowUnbounded: often([false], [true]),
  allowUnpriced: fc.boolean(),
  maxConcurrentAgents: often<number | null>([2, 3], [0, 1, null]),
  maxTaskDurationMinutes: often<number | null>([10, 30, 45], [0, 0.001, 2_000, null]),
  holdTimeoutMinutes: fc.constantFrom(1, 15),
  graceSeconds: fc.constantFrom(0, 5),
  enforceHardLimits: often([true], [false]),
  tokenWeights: weights,
  thresholds: fc.constantFrom<[number, number, number]>(
    [80, 95, 100],
    [50, 50, 60],
    [1, 99.5, 120],
  ),
}
export const settings = fc.record(settingArbitraries)
const change = fc.record(settingArbitraries, { requiredKeys: [] })
/** The index that stands for somebody, or some hold, that is not there. */
export const NOBODY = 9
const index = fc.nat(NOBODY)
const callIds = fc.constantFrom(null, "a", "b")
const asked = fc.constantFrom("cancelled", "stalled")
const outcomes = fc.constantFrom("completed", "failed")
const waits = fc.constantFrom(0, 1, 1_000, 5_000, MINUTE_MS, 5 * MINUTE_MS)
const offs = fc.constantFrom(-1, 0, 1)
const steps = fc.constantFrom(1, MINUTE_MS, 60 * MINUTE_MS, 7 * 60 * MINUTE_MS)

const of = <A extends string>(name: A) => fc.constant(name)

/** Each command with how often it comes among the others. */
export const commands: fc.Arbitrary<Command> = fc.oneof(
  { weight: 16, arbitrary: fc.record({ do: of("spawn"), who: index }) },
  { weight: 30, arbitrary: fc.record({ do: of("hold"), who: index, ask: asks }) },
  { weight: 2, arbitrary: fc.record({ do: of("withdraw"), which: index }) },
  {
    weight: 16,
    arbitrary: fc.record({ do: of("settle"), hold: index, usage: usages, cost: costs }),
  },
  { weight: 3, arbitrary: fc.record({ do: of("void"), hold: index }) },
  {
    weight: 14,
    arbitrary: fc.record({ do: of("report"), who: index, id: callIds, usage: usages, cost: costs }),
  },
  { weight: 2, arbitrary: fc.record({ do: of("stop"), who: index, reason: asked }) },
  { weight: 6, arbitrary: fc.record({ do: of("exit"), who: index, outcome: outcomes }) },
  { weight: 3, arbitrary: fc.record({ do: of("set"), change }) },
  { weight: 8, arbitrary: fc.record({ do: of("wait"), ms: waits }) },
  { weight: 5, arbitrary: fc.record({ do: of("waitUntilDue"), which: index, off: offs }) },
  { weight: 2, arbitrary: fc.record({ do: of("waitUntilMidnight"), off: offs }) },
  { weight: 2, arbitrary: fc.record({ do: of("setBack"), ms: steps }) },
  { weight: 1, arbitrary: fc.record({ do: of("crash"), checkpoint: fc.nat(1_000) }) },
)
