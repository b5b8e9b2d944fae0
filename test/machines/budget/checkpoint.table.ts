import fc from "fast-check"
import { expect } from "vitest"
import type { Budget } from "../../../machines/budget/budget.ts"
import type { Checks, Machines } from "../machines.ts"
import {
  boundOf,
  call,
  charge,
  compares,
  end,
  exhaust,
  HOUR,
  hold,
  keep,
  later,
  MINUTE,
  NOON,
  type Operation,
  openAt,
  report,
  restart,
  SETTINGS,
  set,
  settle,
  soft,
  spawn,
  stop,
  voids,
} from "./script.ts"

const names = fc.constantFrom("a", "b", "c")
const holdIds = fc.constantFrom("h", "i", "j")
const amount = fc.constantFrom(0, 1, 19, 20, 60, 61, 100)

const prices = fc.constantFrom(null, 0, 1)
const WATCHED = { isWatched: true }

const anyOperation: fc.Arbitrary<Operation> = fc.oneof(
  fc.tuple(names, fc.boolean()).map(([name, slot]) => spawn(name, { slot })),
  fc.tuple(holdIds, names, amount).map(([id, name, asked]) => hold(id, name, asked)),
  fc.tuple(holdIds, amount).map(([id, used]) => settle(id, used)),
  fc
    .tuple(holdIds, names, amount, prices)
    .map(([id, name, most, price]) => call(id, name, boundOf(1, [0, most], price), WATCHED)),
  fc.tuple(holdIds, amount, prices).map(([id, used, cost]) => settle(id, used, "estimated", cost)),
  holdIds.map(voids),
  holdIds.map(charge),
  fc
    .tuple(names, amount, prices)
    .map(([name, used, costMicroUsd]) => report(name, used, { costMicroUsd })),
  fc.tuple(names, amount).map(([name, own]) => compares(name, own)),
  names.map((name) => stop(name, "cancelled")),
  names.map((name) => end(name)),
  fc.constantFrom(
    exhaust,
    restart(),
    set(soft({ ...SETTINGS, dailyTokenLimit: 50 })),
    set(SETTINGS),
    keep({ dailyTokenLimit: 50, tokenWeights: { cacheRead: 0.1 } }, { dailyTokenLimit: 50 }),
    keep({}),
    set({ dailyCostLimitMicroUsd: 90, perAgentCostLimitMicroUsd: 60 }),
    set({ reserveForWrapUp: 30, allowUnpriced: true }),
  ),
  names.map((name) => later(7 * HOUR, end(name))),
)

const json = (value: unknown): unknown => JSON.parse(JSON.stringify(value))

const reopened = (m: Machines, budget: Budget): Budget => {
  const decoded = m.checkpoint.decodeCheckpoint(json(m.checkpoint.encodeCheckpoint(budget)))
  expect(decoded).not.toBeNull()
  return decoded ?? budget
}

/** The rows of each operation, with the budget put to paper and back after every one if asked. */
const play = (m: Machines, operations: readonly Operation[], reopens: boolean) => {
  let [budget, at] = [openAt(m, SETTINGS), NOON]
  const rows = operations.flatMap(({ afterMs, decide }) => {
    at += afterMs + MINUTE
    const decision = decide(m, budget, at)
    budget = reopens ? reopened(m, decision.after) : decision.after
    return decision.rows
  })
  return { rows, summary: m.summary.summarise(budget), budget }
}

export const checkpoint: Checks = {
  "a budget from a checkpoint decides like the one that was saved": (m) =>
    fc.assert(
      fc.property(fc.array(anyOperation, { maxLength: 25 }), (operations) => {
        const through = play(m, operations, true)
        const straight = play(m, operations, false)
        expect(through.rows).toEqual(straight.rows)
        expect(through.summary).toEqual(straight.summary)
        expect(through.budget.kept).toEqual(straight.budget.kept)
      }),
      { numRuns: 200 },
    ),

  "a checkpoint is the fold of the rows before it": (m) =>
    fc.assert(
      fc.property(fc.array(anyOperation, { maxLength: 25 }), (operations) => {
        const { rows, budget } = play(m, operations, false)
        const folded = m.fold.foldAll(openAt(m, SETTINGS), rows)
        expect(m.checkpoint.encodeCheckpoint(folded)).toEqual(m.checkpoint.encodeCheckpoint(budget))
      }),
      { numRuns: 100 },
    ),

  "an account without a slot goes on recognising its calls after a checkpoint": (m) => {
    const operations = [
      spawn("s", { slot: false }),
      report("s", 10, { id: "1" }),
      report("s", 10, { id: "1" }),
      restart(),
      report("s", 12, { id: "1" }),
    ]
    expect(play(m, operations, true).rows).toEqual(play(m, operations, false).rows)
  },

  "what was kept for later runs is read from a checkpoint of any version": (m) => {
    const kept = { dailyTokenLimit: null, tokenWeights: { cacheRead: 0.1 } }
    const { after } = keep(kept).decide(m, openAt(m, SETTINGS), NOON)
    const saved = json(m.checkpoint.encodeCheckpoint(after))
    const { keptInCheckpoint, CHECKPOINT_VERSION } = m.checkpoint
    const newer = { ...Object(saved), version: CHECKPOINT_VERSION + 1 }
    expect(keptInCheckpoint(newer)).toEqual(kept)
    for (const none of [null, undefined, 7, {}, { kept: null }, { kept: "x" }])
      expect(keptInCheckpoint(none)).toEqual({})
  },

  "a checkpoint of another version, or none at all, is not read": (m) => {
    const saved = json(m.checkpoint.encodeCheckpoint(openAt(m, SETTINGS)))
    const version = m.checkpoint.CHECKPOINT_VERSION
    expect(m.checkpoint.decodeCheckpoint(saved)).not.toBeNull()
    const others = [
      { ...Object(saved), version: version + 1 },
      { ...Object(saved), version: `${version}` },
      {},
      null,
      undefined,
      7,
      "checkpoint",
    ]
    expect(others.map((other) => m.checkpoint.decodeCheckpoint(other))).toEqual(
      others.map(() => null),
    )
  },
}
