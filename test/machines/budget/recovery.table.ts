import { expect } from "vitest"
import type { Budget } from "../../../machines/budget/budget.ts"
import type { Row } from "../../../machines/budget/row.ts"
import type { Checks } from "../machines.ts"
import {
  end,
  HOUR,
  hold,
  keepAlone,
  keyOf,
  later,
  NOON,
  openAt,
  report,
  restart,
  SETTINGS,
  settle,
  spawn,
  stop,
  table,
} from "./script.ts"

const kinds = (rows: readonly Row[]): string => rows.map(({ kind }) => kind).join(" ")

export const recovery: Checks = {
  "whoever was live ends lost, and what was held is charged": table(SETTINGS, [
    [spawn("a"), "admits | day 0 | a 0"],
    [spawn("b"), "admits | day 0 | a 0 | b 0"],
    [hold("h", "a", 10), "admits | day 0+10 | a 0+10 | b 0"],
    [hold("i", "a", 20), "admits | day 0+30 | a 0+30 | b 0"],
    [report("b", 5), "records | day 5+30!5 | a 0+30 | b 5!5"],
    [stop("b", "cancelled"), "stops | day 5+30!5 | a 0+30 | b 5!5 stopping cancelled"],
    [restart(), "starts | day 35?30!5 | a 30?30 ended lost | b 5!5 ended lost"],
    [restart(), "starts | day 35?30!5 | a 30?30 ended lost | b 5!5 ended lost"],
    [spawn("c"), "admits | day 35?30!5 | a 30?30 ended lost | b 5!5 ended lost | c 0"],
  ]),

  "whom somebody claims lives on, holds and all": table(SETTINGS, [
    [spawn("a"), "admits | day 0 | a 0"],
    [spawn("b"), "admits | day 0 | a 0 | b 0"],
    [hold("h", "a", 10), "admits | day 0+10 | a 0+10 | b 0"],
    [hold("i", "b", 20), "admits | day 0+30 | a 0+10 | b 0+20"],
    [restart({}, ["a", "nobody"]), "starts | day 20+10?20 | a 0+10 | b 20?20 ended lost"],
    [settle("h", 10), "resolves | day 30?20 | a 10 | b 20?20 ended lost"],
    [spawn("c"), "admits | day 30?20 | a 10 | b 20?20 ended lost | c 0"],
    [
      spawn("d"),
      "waits [concurrency_limit 2+0+1>2 on release] | day 30?20 | a 10 | b 20?20 ended lost | c 0",
    ],
  ]),

  "who ended before stays as it was": table(SETTINGS, [
    [spawn("a"), "admits | day 0 | a 0"],
    [end("a"), "ends | day 0 | a 0 ended completed"],
    [restart(), "starts | day 0 | a 0 ended completed"],
  ]),

  "accounts without a slot are no lives, and go on": table(SETTINGS, [
    [spawn("s", { slot: false }), "admits | day 0 | s 0"],
    [report("s", 5), "records | day 5!5 | s 5!5"],
    [restart(), "starts | day 5!5 | s 5!5"],
    [report("s", 5), "records | day 10!10 | s 10!10"],
  ]),

  "the new settings are in force before the dead are counted": table(SETTINGS, [
    [spawn("a"), "admits | day 0 | a 0"],
    [hold("h", "a", 30), "admits | day 0+30 | a 0+30"],
    [
      restart({ dailyTokenLimit: 10, perAgentTokenLimit: 20 }),
      "starts | day 30?30!20 | a 30?30!10 ended lost",
    ],
  ]),

  "after a night the hold is charged to the day that granted it": table(SETTINGS, [
    [spawn("a"), "admits | day 0 | a 0"],
    [hold("h", "a", 30), "admits | day 0+30 | a 0+30"],
    [later(12 * HOUR, restart()), "starts | day 2026-03-03 0 | a 30?30 ended lost"],
    [hold("i", "a", 1), "unknown [stale 1 asked for good] | day 2026-03-03 0 | a 30?30 ended lost"],
  ]),

  "a claimed agent's calls are recalled from its rows, as they stand": (m) => {
    const operations = [
      spawn("a"),
      report("a", 10, { id: "1", provenance: "estimated" }),
      report("a", 12, { id: "1" }),
      report("a", 7, { id: "2", provenance: "estimated" }),
      report("a", 3),
    ]
    let budget = openAt(m, SETTINGS)
    const rows = operations.flatMap(({ decide }) => {
      const decision = decide(m, budget, NOON)
      budget = decision.after
      return decision.rows
    })
    const callsOf = (known: Budget) => {
      const calls = m.budget.agentOf(known, keyOf("a"))?.calls
      return calls === undefined ? [] : ["1", "2"].map((id) => m.budget.knownCall(calls, id))
    }
    const saved = m.checkpoint.encodeCheckpoint(budget)
    const read = m.checkpoint.decodeCheckpoint(JSON.parse(JSON.stringify(saved)))
    if (read === null) throw new Error("the checkpoint is of this version")
    expect(callsOf(read)).toEqual([undefined, undefined])
    expect(callsOf(m.recovery.recallCalls(read, keyOf("a"), rows))).toEqual(callsOf(budget))
    expect(m.recovery.recallCalls(read, keyOf("nobody"), rows)).toBe(read)
  },

  "an empty ledger begins with its settings and its day, and nothing is written twice": (m) => {
    const { decideStart, emptyBudget } = m.recovery
    const first = decideStart(emptyBudget(), SETTINGS, NOON)
    expect(kinds(first.rows)).toBe("budget_set window_opened")
    expect(first.rows.map(({ seq, at }) => [seq, at])).toEqual([
      [1, NOON],
      [2, NOON],
    ])
    expect(first.after.window).toEqual(m.window.windowAt(NOON, "UTC"))
    expect(first.after.day.limit).toBe(100)
    expect(decideStart(first.after, { ...SETTINGS }, NOON).rows).toEqual([])
  },

  "what is kept while nobody runs is found by the next, and judges nobody": table(SETTINGS, [
    [spawn("a"), "admits | day 0 | a 0"],
    [report("a", 20), "records | day 20!20 | a 20!20"],
    [hold("h", "a", 10), "admits | day 20+10!20 | a 20+10!20"],
    [
      keepAlone({ perAgentTokenLimit: 20 }, { perAgentTokenLimit: 20 }),
      "keeps | day 20+10!20 | a 20+10!20",
    ],
    [restart({}, ["a"]), "starts | day 20+10!20 | a 20+10!20"],
    [
      hold("i", "a", 1),
      "neverForAgent [agent_token_limit 20+10+1>20 for good] | day 20+10!20 | a 20+10!20 stopping agent_token_limit",
    ],
  ]),

  "what is kept first of all begins the ledger, and opens its day in its zone": (m) => {
    const { decideKept, decideStart, emptyBudget } = m.recovery
    const kept = { timeZone: "Asia/Tokyo" }
    const first = decideKept(emptyBudget(), { ...SETTINGS, ...kept }, kept, NOON + 4 * HOUR)
    expect(kinds(first.rows)).toBe("defaults_kept budget_set window_opened")
    expect(first.after.kept).toEqual(kept)
    expect(first.after.window).toMatchObject({ id: "2026-03-03", timeZone: "Asia/Tokyo" })
    expect(m.fold.foldAll(emptyBudget(), first.rows)).toEqual(first.after)
    expect(kinds(decideKept(first.after, first.after.settings, {}, NOON + 4 * HOUR).rows)).toBe(
      "defaults_kept",
    )
    // Not taken from it by a run with limits of its own, nor by the days.
    const later = decideStart(first.after, SETTINGS, NOON + 100 * HOUR)
    expect(kinds(later.rows)).toBe("budget_set window_opened")
    expect(later.after.kept).toEqual(kept)
  },

  "settings of an earlier version are completed with what it did not know": (m) => {
    const { decideStart, emptyBudget } = m.recovery
    const first = decideStart(emptyBudget(), SETTINGS, NOON)
    const earlier = first.rows.map((row): Row => {
      if (row.kind !== "budget_set") return row
      const { dailyCostLimitMicroUsd, perAgentCostLimitMicroUsd, ...some } = row.settings
      const { reserveForWrapUp, allowUnbounded, allowUnpriced, ...known } = some
      return { ...row, settings: known as typeof row.settings }
    })
    const folded = m.fold.foldAll(emptyBudget(), earlier)
    expect(folded.settings).toEqual(SETTINGS)
    expect(decideStart(folded, SETTINGS, NOON).rows).toEqual([])
    const saved = JSON.parse(JSON.stringify(m.checkpoint.encodeCheckpoint(folded)))
    delete saved.settings.reserveForWrapUp
    expect(m.checkpoint.decodeCheckpoint(saved)?.settings).toEqual(SETTINGS)
  },

  "every setting that changed is written, and opens its day in its zone": (m) => {
    const { decideStart, emptyBudget } = m.recovery
    const { after } = decideStart(emptyBudget(), SETTINGS, NOON)
    const weights = { ...SETTINGS.tokenWeights, cacheRead: 0.1 }
    const changes = [
      { dailyTokenLimit: null },
      { enforceHardLimits: false },
      { tokenWeights: weights },
      { thresholds: [80, 95, 99] as const },
      { timeZone: "Asia/Tokyo" },
      { perAgentCostLimitMicroUsd: 0 },
      { reserveForWrapUp: 1 },
      { allowUnbounded: true },
    ]
    for (const change of changes)
      expect(kinds(decideStart(after, { ...SETTINGS, ...change }, NOON).rows)).toBe("budget_set")
    const tomorrow = decideStart(after, { ...SETTINGS, timeZone: "Asia/Tokyo" }, NOON + 12 * HOUR)
    expect(kinds(tomorrow.rows)).toBe("budget_set window_opened")
    expect(tomorrow.after.window.timeZone).toBe("Asia/Tokyo")
  },
}
