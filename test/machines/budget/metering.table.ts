import { expect } from "vitest"
import type { Checks } from "../machines.ts"
import {
  end,
  HOUR,
  hold,
  keyOf,
  later,
  NOON,
  openAt,
  report,
  requestOf,
  SETTINGS,
  set,
  spawn,
  stop,
  table,
  tokens,
} from "./script.ts"

const USAGE = { inputTokens: 1, outputTokens: 20, cacheWriteTokens: 300, cacheReadTokens: 4000 }

export const metering: Checks = {
  "usage without a hold is recorded in full, as overrun": table(SETTINGS, [
    [spawn("a"), "admits | day 0 | a 0"],
    [report("a", 10), "records | day 10!10 | a 10!10"],
    [report("a", 0), "records | day 10!10 | a 10!10"],
    [report("a", 5, { provenance: "estimated" }), "records | day 15?5!15 | a 15?5!15"],
    [report("a", 5, { provenance: "unknown" }), "records | day 20?10!20 | a 20?10!20"],
  ]),

  "usage is weighed with the weights of its time, and later weights leave it alone": table(
    { ...SETTINGS, dailyTokenLimit: 10_000, perAgentTokenLimit: null },
    [
      [spawn("a"), "admits | day 0 | a 0"],
      [report("a", USAGE), "records | day 321!321 | a 321!321"],
      [
        set({ tokenWeights: { input: 1, output: 1, cacheWrite: 1, cacheRead: 1 } }),
        "sets | day 321!321 | a 321!321",
      ],
      [report("a", USAGE), "records | day 4642!4642 | a 4642!4642"],
    ],
  ),

  "a metered agent is stopped at the report that reaches its limit": table(SETTINGS, [
    [spawn("a"), "admits | day 0 | a 0"],
    [spawn("b"), "admits | day 0 | a 0 | b 0"],
    [report("a", 59), "records | day 59!59 | a 59!59 | b 0"],
    [report("a", 1), "overAgentLimit | day 60!60 | a 60!60 stopping agent_token_limit | b 0"],
    [
      report("b", 99),
      "overAgentLimit | day 159!159 | a 60!60 stopping agent_token_limit | b 99!99 stopping agent_token_limit",
    ],
  ]),

  "an own limit stops its agent earlier": table(SETTINGS, [
    [spawn("a", { ownTokenLimit: 10 }), "admits | day 0 | a 0"],
    [report("a", 9), "records | day 9!9 | a 9!9"],
    [report("a", 1), "overAgentLimit | day 10!10 | a 10!10 stopping agent_token_limit"],
  ]),

  "soft mode stops nobody, and an account without a slot is not stopped": table(SETTINGS, [
    [spawn("a", { slot: false }), "admits | day 0 | a 0"],
    [report("a", 70), "records | day 70!70 | a 70!70"],
    [set({ enforceHardLimits: false }), "sets | day 70!70 | a 70!70"],
    [spawn("b"), "admits | day 70!70 | a 70!70 | b 0"],
    [report("b", 70), "records | day 140!140 | a 70!70 | b 70!70"],
  ]),

  "a repeated id keeps the largest of each count": table(SETTINGS, [
    [spawn("a"), "admits | day 0 | a 0"],
    [report("a", 10, { id: "1" }), "records | day 10!10 | a 10!10"],
    [report("a", 10, { id: "1" }), "repeats | day 10!10 | a 10!10"],
    [report("a", 4, { id: "1" }), "repeats | day 10!10 | a 10!10"],
    [report("a", { ...tokens(4), outputTokens: 3 }, { id: "1" }), "records | day 13!13 | a 13!13"],
    [report("a", 12, { id: "1" }), "records | day 15!15 | a 15!15"],
    [report("a", 12, { id: "2" }), "records | day 27!27 | a 27!27"],
    [report("a", 12), "records | day 39!39 | a 39!39"],
    [report("a", 12), "records | day 51!51 | a 51!51"],
    [
      report("a", 21, { id: "2" }),
      "overAgentLimit | day 60!60 | a 60!60 stopping agent_token_limit",
    ],
  ]),

  "an estimate that grows is confirmed by the better number": table(SETTINGS, [
    [spawn("a"), "admits | day 0 | a 0"],
    [report("a", 10, { id: "1", provenance: "estimated" }), "records | day 10?10!10 | a 10?10!10"],
    [report("a", 12, { id: "1" }), "records | day 12!12 | a 12!12"],
    [report("a", 13, { id: "1" }), "records | day 13!13 | a 13!13"],
  ]),

  "an id is known within one admission only": table(SETTINGS, [
    [spawn("a"), "admits | day 0 | a 0"],
    [spawn("b"), "admits | day 0 | a 0 | b 0"],
    [report("a", 10, { id: "1" }), "records | day 10!10 | a 10!10 | b 0"],
    [report("b", 10, { id: "1" }), "records | day 20!20 | a 10!10 | b 10!10"],
  ]),

  "a call that grows is weighed as it was at first": table(SETTINGS, [
    [spawn("a"), "admits | day 0 | a 0"],
    [report("a", 10, { id: "1" }), "records | day 10!10 | a 10!10"],
    [
      set({ tokenWeights: { input: 0.1, output: 1, cacheWrite: 1, cacheRead: 0 } }),
      "sets | day 10!10 | a 10!10",
    ],
    [report("a", 20, { id: "1" }), "records | day 20!20 | a 20!20"],
    [report("a", 20, { id: "2" }), "records | day 22!22 | a 22!22"],
  ]),

  "a new call in the grace of a token stop is spending, growth of an old one is not": table(
    SETTINGS,
    [
      [spawn("a"), "admits | day 0 | a 0"],
      [report("a", 59, { id: "1" }), "records | day 59!59 | a 59!59"],
      [
        report("a", 60, { id: "1" }),
        "overAgentLimit | day 60!60 | a 60!60 stopping agent_token_limit",
      ],
      [report("a", 62, { id: "1" }), "records | day 62!62 | a 62!62 stopping agent_token_limit"],
      [
        report("a", 5, { id: "2" }),
        "spendsInGrace | day 67!67 | a 67!67 stopping agent_token_limit",
      ],
      [report("a", 5), "spendsInGrace | day 72!72 | a 72!72 stopping agent_token_limit"],
    ],
  ),

  "the grace of any other stop is no matter of tokens": table(SETTINGS, [
    [spawn("a"), "admits | day 0 | a 0"],
    [stop("a", "duration_limit"), "stops | day 0 | a 0 stopping duration_limit"],
    [report("a", 70), "records | day 70!70 | a 70!70 stopping duration_limit"],
  ]),

  "usage about nobody is not recorded": table(SETTINGS, [
    [report("nobody", 10), "unknown | day 0"],
    [spawn("a"), "admits | day 0 | a 0"],
    [end("a"), "ends | day 0 | a 0 ended completed"],
    [report("a", 10), "unknown | day 0 | a 0 ended completed"],
  ]),

  "usage belongs to the day it was read in, its growth to the day of its first row": table(
    { ...SETTINGS, maxTaskDurationMinutes: null },
    [
      [spawn("a"), "admits | day 0 | a 0"],
      [report("a", 10, { id: "1" }), "records | day 10!10 | a 10!10"],
      [later(12 * HOUR, report("a", 5, { id: "2" })), "records | day 2026-03-03 5!5 | a 15!15"],
      [report("a", 14, { id: "1" }), "records | day 2026-03-03 5!5 | a 19!19"],
      [report("a", 6, { id: "2" }), "records | day 2026-03-03 6!6 | a 20!20"],
    ],
  ),

  "the first meter to speak names the class, and a report without a hold is never reserved": (
    m,
  ) => {
    const classes: string[] = []
    let budget = m.spawning.decideSpawn(openAt(m, SETTINGS), requestOf("a"), NOON).after
    for (const step of [hold("h", "a", 1), report("a", 1), hold("i", "a", 1)]) {
      budget = step.decide(m, budget, NOON).after
      classes.push(m.budget.agentOf(budget, keyOf("a"))?.enforcement ?? "nobody")
    }
    expect(classes).toEqual(["reserved", "metered", "metered"])
    expect(budget.liveByEnforcement).toEqual({ reserved: 0, metered: 1, opaque: 0, unmetered: 0 })
  },

  "the ids of the last calls are known, and no more than two generations of them": (m) => {
    const { CALLS_PER_GENERATION: length, NO_CALLS, rememberCall, knownCall } = m.budget
    const weights = SETTINGS.tokenWeights
    const counted = { usage: tokens(1), tokens: 1, uncertain: 0, costMicroUsd: null }
    const call = { ...counted, windowId: "2026-03-02", weights }
    let calls = NO_CALLS
    const remember = (from: number, to: number) => {
      for (let n = from; n < to; n += 1) calls = rememberCall(calls, `${n}`, call)
    }
    const known = (n: number) => knownCall(calls, `${n}`) !== undefined
    remember(0, length)
    expect([known(0), known(length - 1), known(length)]).toEqual([true, true, false])
    remember(length, 2 * length)
    expect([known(0), known(2 * length - 1)]).toEqual([true, true])
    remember(2 * length, 2 * length + 1)
    expect([known(0), known(length - 1), known(length), known(2 * length)]).toEqual([
      false,
      false,
      true,
      true,
    ])
  },
}
