import { expect } from "vitest"
import type { Advice } from "../../../machines/budget/advice.ts"
import type { Checks, Machines } from "../machines.ts"
import {
  end,
  exhaust,
  hold,
  keep,
  keyOf,
  NOON,
  type Operation,
  openAt,
  report,
  SETTINGS,
  set,
  settle,
  soft,
  spawn,
  stop,
  table,
} from "./script.ts"

const adviceAfter = (
  m: Machines,
  settings: typeof SETTINGS,
  operations: readonly Operation[],
): Advice => {
  let budget = openAt(m, settings)
  for (const { decide } of operations) budget = decide(m, budget, NOON).after
  return m.advice.adviceFor(budget, m.budget.agentOf(budget, keyOf("a")))
}

export const limits: Checks = {
  "a lowered limit voids no hold, and what no longer fits is overrun": table(
    { ...SETTINGS, perAgentTokenLimit: null },
    [
      [spawn("a"), "admits | day 0 | a 0"],
      [hold("h", "a", 50), "admits | day 0+50 | a 0+50"],
      [hold("i", "a", 30), "admits | day 0+80 | a 0+80"],
      [settle("h", 50), "resolves | day 50+30 | a 50+30"],
      [set({ dailyTokenLimit: 70 }), "sets | day 50+30!10 | a 50+30"],
      [
        hold("j", "a", 1),
        "waits [daily_token_limit 50+30+1>70 on release] | day 50+30!10 | a 50+30",
      ],
      [settle("i", 10), "resolves | day 60!10 | a 60"],
      [hold("k", "a", 10), "admits | day 60+10!10 | a 60+10"],
      [set({ dailyTokenLimit: 50 }), "sets | day 60+10!20 | a 60+10"],
      [hold("l", "a", 0), "waits [daily_token_limit 60+10+0>50 at +12h] | day 60+10!20 | a 60+10"],
      [set({ dailyTokenLimit: 200 }), "sets | day 60+10!20 | a 60+10"],
      [hold("m", "a", 130), "admits | day 60+140!20 | a 60+140"],
    ],
  ),

  "a metered agent that a lowered limit leaves full is stopped, a reserved one is not": table(
    { ...SETTINGS, maxConcurrentAgents: 3 },
    [
      [spawn("m"), "admits | day 0 | m 0"],
      [spawn("n", { ownTokenLimit: 50 }), "admits | day 0 | m 0 | n 0"],
      [spawn("r"), "admits | day 0 | m 0 | n 0 | r 0"],
      [report("m", 20), "records | day 20!20 | m 20!20 | n 0 | r 0"],
      [report("n", 20), "records | day 40!40 | m 20!20 | n 20!20 | r 0"],
      [hold("h", "r", 20), "admits | day 40+20!40 | m 20!20 | n 20!20 | r 0+20"],
      [settle("h", 20), "resolves | day 60!40 | m 20!20 | n 20!20 | r 20"],
      [set({ perAgentTokenLimit: 21 }), "sets | day 60!40 | m 20!20 | n 20!20 | r 20"],
      [
        set({ perAgentTokenLimit: 20 }),
        "setsAndStops | day 60!40 | m 20!20 stopping agent_token_limit | n 20!20 stopping agent_token_limit | r 20",
      ],
      [
        hold("i", "r", 1),
        "neverForAgent [agent_token_limit 20+0+1>20 for good] | day 60!40 | m 20!20 stopping agent_token_limit | n 20!20 stopping agent_token_limit | r 20 stopping agent_token_limit",
      ],
    ],
  ),

  "an own limit survives a change of the general one, whichever is narrower": table(SETTINGS, [
    [spawn("a", { ownTokenLimit: 30 }), "admits | day 0 | a 0"],
    [set({ perAgentTokenLimit: null }), "sets | day 0 | a 0"],
    [hold("h", "a", 30), "admits | day 0+30 | a 0+30"],
    [hold("i", "a", 1), "waits [agent_token_limit 0+30+1>30 on release] | day 0+30 | a 0+30"],
    [set({ perAgentTokenLimit: 25 }), "sets | day 0+30 | a 0+30!5"],
    [hold("j", "a", 1), "waits [agent_token_limit 0+30+1>25 on release] | day 0+30 | a 0+30!5"],
  ]),

  "going from soft to hard stops those who went beyond": table(
    soft({ ...SETTINGS, maxConcurrentAgents: 3 }),
    [
      [spawn("m"), "admits | day 0 | m 0"],
      [spawn("r"), "admits | day 0 | m 0 | r 0"],
      [report("m", 70), "records | day 70!70 | m 70!70 | r 0"],
      [
        hold("h", "r", 80),
        "admitsFlagged [agent_token_limit 0+0+80>60 for good] | day 70+80!70 | m 70!70 | r 0+80",
      ],
      [
        set({ enforceHardLimits: true }),
        "setsAndStops | day 70+80!70 | m 70!70 stopping agent_token_limit | r 0+80!20",
      ],
    ],
  ),

  "a kept value that applies at once is felt at once, one that is hidden is not": table(SETTINGS, [
    [spawn("m"), "admits | day 0 | m 0"],
    [report("m", 20), "records | day 20!20 | m 20!20"],
    [keep({ perAgentTokenLimit: 10 }), "sets | day 20!20 | m 20!20"],
    [
      keep({ perAgentTokenLimit: 10 }, { perAgentTokenLimit: 20 }),
      "setsAndStops | day 20!20 | m 20!20 stopping agent_token_limit",
    ],
    [
      keep({ dailyTokenLimit: 20 }, { dailyTokenLimit: 20 }),
      "sets | day 20!20 | m 20!20 stopping agent_token_limit",
    ],
    [exhaust, "unknown | day 20!20 | m 20!20 stopping agent_token_limit"],
    [
      spawn("n"),
      "waits [daily_token_limit 20+0+1>20 at +12h] | day 20!20 | m 20!20 stopping agent_token_limit",
    ],
  ]),

  "a day that a kept limit leaves full stops its metered agents": table(SETTINGS, [
    [spawn("m"), "admits | day 0 | m 0"],
    [report("m", 20), "records | day 20!20 | m 20!20"],
    [keep({ dailyTokenLimit: 20 }, { dailyTokenLimit: 20 }), "sets | day 20!20 | m 20!20"],
    [exhaust, "stops | day 20!20 | m 20!20 stopping daily_token_limit"],
  ]),

  "a kept value is a row of its own, and the limits one only where they change": (m) => {
    const kindsOf = (operation: Operation): string =>
      operation
        .decide(m, openAt(m, SETTINGS), NOON)
        .rows.map(({ kind }) => kind)
        .join(" ")
    expect(kindsOf(keep({ graceSeconds: 1 }))).toBe("defaults_kept")
    expect(kindsOf(keep({ graceSeconds: 1 }, { graceSeconds: 1 }))).toBe("defaults_kept budget_set")
    expect(kindsOf(keep({}, { graceSeconds: SETTINGS.graceSeconds }))).toBe("defaults_kept")
    expect(kindsOf(set({ graceSeconds: SETTINGS.graceSeconds }))).toBe("budget_set")
  },

  "fewer slots stop nobody": table(SETTINGS, [
    [spawn("a"), "admits | day 0 | a 0"],
    [spawn("b"), "admits | day 0 | a 0 | b 0"],
    [set({ maxConcurrentAgents: 1 }), "sets | day 0 | a 0 | b 0"],
    [end("a"), "ends | day 0 | a 0 ended completed | b 0"],
    [
      spawn("c"),
      "waits [concurrency_limit 1+0+1>1 on release] | day 0 | a 0 ended completed | b 0",
    ],
  ]),

  "a new duration applies to later admissions": (m) => {
    const operations = [spawn("a"), set({ maxTaskDurationMinutes: 1 }), spawn("b")]
    let budget = openAt(m, SETTINGS)
    for (const { decide } of operations) budget = decide(m, budget, NOON).after
    const deadline = (name: string) => m.budget.agentOf(budget, keyOf(name))?.deadlineAt
    expect([deadline("a"), deadline("b")]).toEqual([NOON + 3_600_000, NOON + 60_000])
  },

  "an agent is told to go on, to come to an end, or to stop": (m) => {
    const unlimited = { ...SETTINGS, perAgentTokenLimit: null, dailyTokenLimit: null }
    const table: readonly (readonly [Advice, Advice])[] = [
      [adviceAfter(m, SETTINGS, []), "stop"],
      [adviceAfter(m, SETTINGS, [spawn("a")]), "continue"],
      [adviceAfter(m, SETTINGS, [spawn("a"), report("a", 56)]), "continue"],
      [adviceAfter(m, SETTINGS, [spawn("a"), report("a", 57)]), "wrap_up"],
      [adviceAfter(m, SETTINGS, [spawn("a"), report("a", 60)]), "stop"],
      [adviceAfter(m, soft(SETTINGS), [spawn("a"), report("a", 60)]), "wrap_up"],
      [adviceAfter(m, SETTINGS, [spawn("a"), spawn("b"), report("b", 95)]), "wrap_up"],
      [adviceAfter(m, SETTINGS, [spawn("a"), spawn("b"), report("b", 100)]), "stop"],
      [adviceAfter(m, SETTINGS, [spawn("a"), stop("a", "cancelled")]), "stop"],
      [adviceAfter(m, unlimited, [spawn("a"), report("a", 1_000_000)]), "continue"],
    ]
    expect(table.map(([advice]) => advice)).toEqual(table.map(([, expected]) => expected))
  },
}
