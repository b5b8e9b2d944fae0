import fc from "fast-check"
import { expect } from "vitest"
import type { BudgetSettings } from "../../../machines/budget/settings.ts"
import type { Check, Checks, Machines } from "../machines.ts"
import {
  boundOf,
  call,
  end,
  hold,
  keyOf,
  NOON,
  openAt,
  SETTINGS,
  set,
  settle,
  soft,
  spawn,
  table,
} from "./script.ts"

/** Both modes. */
const BOTH = [SETTINGS, soft(SETTINGS)]
const both =
  (check: (settings: BudgetSettings) => Check): Check =>
  (m) => {
    for (const settings of BOTH) check(settings)(m)
  }

const NO_LIMITS = { ...SETTINGS, dailyTokenLimit: null, perAgentTokenLimit: null }
const RESERVE = { ...SETTINGS, reserveForWrapUp: 20 }

export const granting: Checks = {
  "a call is cut to the longest answer that fits, and refused below what is useful": table(
    SETTINGS,
    [
      [spawn("a"), "admits | day 0 | a 0"],
      [call("1", "a", boundOf(10, [5, 40])), "admits → 50 by 40 | day 0+50 | a 0+50"],
      [settle("1", 30), "resolves | day 30 | a 30"],
      [call("2", "a", boundOf(10, [5, 40])), "admits → 30 by 20 | day 30+30 | a 30+30"],
      [settle("2", 15), "resolves | day 45 | a 45"],
      [call("3", "a", boundOf(10, [5, 40])), "admits → 15 by 5 | day 45+15 | a 45+15"],
      [settle("3", 1), "resolves | day 46 | a 46"],
      [
        call("4", "a", boundOf(10, [5, 40])),
        "neverForAgent [agent_token_limit 46+0+15>60 for good] | day 46 | a 46 stopping agent_token_limit",
      ],
    ],
  ),

  "a tentative ask gets all of it or is declined, and to be declined is no refusal": (m) => {
    for (const settings of BOTH) {
      const reserve = { ...settings, reserveForWrapUp: 20 }
      const tentative = { isTentative: true }
      table(reserve, [
        [spawn("a"), "admits | day 0 | a 0"],
        [call("1", "a", boundOf(10, [5, 25]), tentative), "admits → 35 by 25 | day 0+35 | a 0+35"],
        [settle("1", 30), "resolves | day 30 | a 30"],
        ...[2, 3, 4, 5].map((n): [ReturnType<typeof call>, string] => [
          call(`${n}`, "a", boundOf(10, [5, 40]), tentative),
          "declines [agent_token_limit 30+0+50>40 for good] | day 30 | a 30",
        ]),
      ])(m)
    }
  },

  "what is held is not granted twice": table(SETTINGS, [
    [spawn("a"), "admits | day 0 | a 0"],
    [hold("h", "a", 40), "admits | day 0+40 | a 0+40"],
    [call("1", "a", boundOf(10, [5, 40])), "admits → 20 by 10 | day 0+60 | a 0+60"],
    [
      call("2", "a", boundOf(10, [5, 40])),
      "waits [agent_token_limit 0+60+15>60 on release] | day 0+60 | a 0+60",
    ],
  ]),

  "the tighter of the agent's own and the day's cuts": table(SETTINGS, [
    [spawn("a"), "admits | day 0 | a 0"],
    [spawn("b"), "admits | day 0 | a 0 | b 0"],
    [hold("x", "b", 55), "admits | day 0+55 | a 0 | b 0+55"],
    [call("1", "a", boundOf(10, [5, 90])), "admits → 45 by 35 | day 0+100 | a 0+45 | b 0+55"],
    [settle("x", 5), "resolves | day 5+45 | a 0+45 | b 5"],
    [call("2", "a", boundOf(5, [5, 90])), "admits → 15 by 10 | day 5+60 | a 0+60 | b 5"],
  ]),

  "the tighter of tokens and money cuts, the agent's and the day's alike": table(
    { ...SETTINGS, perAgentCostLimitMicroUsd: 60, dailyCostLimitMicroUsd: 200 },
    [
      [spawn("a"), "admits | day 0 | a 0"],
      [spawn("b"), "admits | day 0 | a 0 | b 0"],
      [
        call("1", "a", boundOf(10, [5, 40], 3)),
        "admits → 20 by 10 | day 0+20 $0+60 | a 0+20 $0+60 | b 0",
      ],
      [settle("1", 20, "reported", 20), "resolves | day 20 $20 | a 20 $20 | b 0"],
      [
        call("2", "a", boundOf(10, [5, 90], 1)),
        "admits → 40 by 30 | day 20+40 $20+40 | a 20+40 $20+40 | b 0",
      ],
      [
        set({ perAgentCostLimitMicroUsd: null, dailyCostLimitMicroUsd: 70 }),
        "sets | day 20+40 $20+40 | a 20+40 $20+40 | b 0",
      ],
      [
        call("3", "b", boundOf(1, [1, 90], 1)),
        "admits → 10 by 9 | day 20+50 $20+50 | a 20+40 $20+40 | b 0+10 $0+10",
      ],
      [
        call("4", "b", boundOf(1, [1, 90], 1)),
        "waits [cost_limit 20+50+2>70 on release] | day 20+50 $20+50 | a 20+40 $20+40 | b 0+10 $0+10",
      ],
    ],
  ),

  "money is asked for in the same verdict: the agent's own refuses it for good": table(
    { ...SETTINGS, perAgentCostLimitMicroUsd: 50 },
    [
      [spawn("a"), "admits | day 0 | a 0"],
      [hold("h", "a", 1, { costMicroUsd: 50 }), "admits | day 0+1 $0+50 | a 0+1 $0+50"],
      [
        hold("i", "a", 1, { costMicroUsd: 1 }),
        "waits [cost_limit 0+50+1>50 on release] | day 0+1 $0+50 | a 0+1 $0+50",
      ],
      [settle("h", 1, "reported", 50), "resolves | day 1 $50 | a 1 $50"],
      [
        hold("j", "a", 1, { costMicroUsd: 1 }),
        "neverForAgent [cost_limit 50+0+1>50 for good] | day 1 $50 | a 1 $50 stopping cost_limit",
      ],
      [
        hold("k", "a", 1, { costMicroUsd: 7 }),
        "never [cost_limit 50+0+7>50 for good] | day 1 $50 | a 1 $50 stopping cost_limit",
      ],
    ],
  ),

  "the day's money is there again tomorrow, and a call dearer than a day is not its agent's end":
    table({ ...SETTINGS, dailyCostLimitMicroUsd: 50 }, [
      [spawn("a"), "admits | day 0 | a 0"],
      [hold("h", "a", 1, { costMicroUsd: 40 }), "admits | day 0+1 $0+40 | a 0+1 $0+40"],
      [settle("h", 1, "reported", 40), "resolves | day 1 $40 | a 1 $40"],
      [
        hold("i", "a", 1, { costMicroUsd: 11 }),
        "waits [cost_limit 40+0+11>50 at +12h] | day 1 $40 | a 1 $40",
      ],
      [
        hold("j", "a", 1, { costMicroUsd: 51 }),
        "never [cost_limit 40+0+51>50 for good] | day 1 $40 | a 1 $40",
      ],
    ]),

  "without limits everything is granted, with a limit of 0 nothing": (m) => {
    const big = boundOf(1_000_000, [1, 1_000_000], 9)
    table(NO_LIMITS, [
      [spawn("a"), "admits | day 0 | a 0"],
      [
        call("1", "a", big),
        "admits → 2000000 by 1000000 | day 0+2000000 $0+18000000 | a 0+2000000 $0+18000000",
      ],
    ])(m)
    table(NO_LIMITS, [
      [spawn("a"), "admits | day 0 | a 0"],
      [set({ perAgentTokenLimit: 0 }), "sets | day 0 | a 0"],
      [
        call("1", "a", boundOf(0, [0, 9])),
        "neverForAgent [agent_token_limit 0+0+0>0 for good] | day 0 | a 0 stopping agent_token_limit",
      ],
    ])(m)
    table(NO_LIMITS, [
      [spawn("a"), "admits | day 0 | a 0"],
      [set({ dailyCostLimitMicroUsd: 0 }), "sets | day 0 | a 0"],
      [call("1", "a", boundOf(1, [0, 9], 0)), "never [cost_limit 0+0+0>0 for good] | day 0 | a 0"],
    ])(m)
  },

  "soft mode gives all that is asked for, and flags it where hard mode would refuse": table(
    soft(SETTINGS),
    [
      [spawn("a"), "admits | day 0 | a 0"],
      [hold("h", "a", 40), "admits | day 0+40 | a 0+40"],
      // Hard mode would cut it, which is no refusal.
      [call("1", "a", boundOf(10, [5, 40])), "admits → 50 by 40 | day 0+90 | a 0+90"],
      [
        call("2", "a", boundOf(10, [5, 40])),
        "admitsFlagged → 50 by 40 [agent_token_limit 0+90+15>60 on release] | day 0+140 | a 0+140",
      ],
    ],
  ),

  "the same call asked for again is granted the same, and held once": table(SETTINGS, [
    [spawn("a"), "admits | day 0 | a 0"],
    [hold("h", "a", 40), "admits | day 0+40 | a 0+40"],
    [call("1", "a", boundOf(10, [5, 40])), "admits → 20 by 10 | day 0+60 | a 0+60"],
    [call("1", "a", boundOf(10, [5, 40])), "admits | day 0+60 | a 0+60"],
    [call("1", "a", boundOf(10, [5, 41])), "unknown [stale 51 asked for good] | day 0+60 | a 0+60"],
  ]),

  "what is set aside for winding down is used last, told once, and then the agent ends": table(
    RESERVE,
    [
      [spawn("a"), "admits | day 0 | a 0"],
      [call("1", "a", boundOf(10, [5, 90])), "admits → 40 by 30 | day 0+40 | a 0+40"],
      // Held tokens may come back: that is no time to wind down.
      [
        call("2", "a", boundOf(10, [5, 90])),
        "waits [agent_token_limit 0+40+15>40 on release] | day 0+40 | a 0+40",
      ],
      [settle("1", 30), "resolves | day 30 | a 30"],
      [
        call("3", "a", boundOf(10, [5, 90])),
        "admitsWrappingUp → 30 by 20 | day 30+30 | a 30+30 wrapping up",
      ],
      [settle("3", 12), "resolves | day 42 | a 42 wrapping up"],
      [call("4", "a", boundOf(10, [5, 90])), "admits → 18 by 8 | day 42+18 | a 42+18 wrapping up"],
      [settle("4", 18), "resolves | day 60 | a 60 wrapping up"],
      [
        call("5", "a", boundOf(10, [5, 90])),
        "neverForAgent [agent_token_limit 60+0+15>60 for good] | day 60 | a 60 wrapping up stopping agent_token_limit",
      ],
    ],
  ),

  "all of a limit may be set aside, and more of it: the first call is told": (m) => {
    for (const reserveForWrapUp of [60, 61, 1_000])
      table({ ...SETTINGS, reserveForWrapUp }, [
        [spawn("a"), "admits | day 0 | a 0"],
        [hold("h", "a", 60), "admitsWrappingUp | day 0+60 | a 0+60 wrapping up"],
        [
          hold("i", "a", 1),
          "waits [agent_token_limit 0+60+1>60 on release] | day 0+60 | a 0+60 wrapping up",
        ],
      ])(m)
  },

  "an agent without a limit has nothing set aside, and the day's refusal brings nothing out": (
    m,
  ) => {
    const bare = { ...RESERVE, perAgentTokenLimit: null }
    table(bare, [
      [spawn("a"), "admits | day 0 | a 0"],
      [hold("h", "a", 100), "admits | day 0+100 | a 0+100"],
    ])(m)
    table({ ...RESERVE, dailyTokenLimit: 50 }, [
      [spawn("a"), "admits | day 0 | a 0"],
      [hold("h", "a", 40), "admits | day 0+40 | a 0+40"],
      [settle("h", 40), "resolves | day 40 | a 40"],
      [hold("i", "a", 11), "waits [daily_token_limit 40+0+11>50 at +12h] | day 40 | a 40"],
      [hold("j", "a", 10), "admitsWrappingUp | day 40+10 | a 40+10 wrapping up"],
    ])(m)
  },

  "soft mode winds down at the same call as hard mode": both((settings) =>
    table({ ...settings, reserveForWrapUp: 20 }, [
      [spawn("a"), "admits | day 0 | a 0"],
      [hold("h", "a", 40), "admits | day 0+40 | a 0+40"],
      [settle("h", 40), "resolves | day 40 | a 40"],
      [hold("i", "a", 5), "admitsWrappingUp | day 40+5 | a 40+5 wrapping up"],
      [hold("j", "a", 5), "admits | day 40+10 | a 40+10 wrapping up"],
    ]),
  ),

  "under another limit something else is set aside, and its agent is told anew": table(RESERVE, [
    [spawn("a"), "admits | day 0 | a 0"],
    [hold("h", "a", 50), "admitsWrappingUp | day 0+50 | a 0+50 wrapping up"],
    [set({ maxConcurrentAgents: 5 }), "sets | day 0+50 | a 0+50 wrapping up"],
    [set({ perAgentTokenLimit: 90 }), "sets | day 0+50 | a 0+50"],
    [settle("h", 50), "resolves | day 50 | a 50"],
    [hold("i", "a", 20), "admits | day 50+20 | a 50+20"],
    [settle("i", 20), "resolves | day 70 | a 70"],
    [hold("j", "a", 1), "admitsWrappingUp | day 70+1 | a 70+1 wrapping up"],
  ]),

  "a call without a bound is refused in hard mode and counted afterwards where that is allowed": (
    m,
  ) => {
    const asking = { isBounded: false }
    table(SETTINGS, [
      [spawn("a"), "admits | day 0 | a 0"],
      [hold("h", "a", 5, asking), "never [unboundable 5 asked for good] | day 0 | a 0"],
      [end("a"), "ends | day 0 | a 0 ended completed"],
    ])(m)
    table(soft(SETTINGS), [
      [spawn("a"), "admits | day 0 | a 0"],
      [hold("h", "a", 5, asking), "admitsFlagged [unboundable 5 asked for good] | day 0+5 | a 0+5"],
    ])(m)
    for (const settings of BOTH)
      table({ ...settings, allowUnbounded: true }, [
        [spawn("a"), "admits | day 0 | a 0"],
        [hold("h", "a", 5, asking), "admits | day 0+5 | a 0+5"],
      ])(m)
    expect(classAfter(m, { ...SETTINGS, allowUnbounded: true }, asking)).toBe("metered")
    expect(classAfter(m, soft(SETTINGS), asking)).toBe("metered")
    expect(classAfter(m, SETTINGS, { claims: "metered" })).toBe("metered")
    expect(classAfter(m, SETTINGS, {})).toBe("reserved")
  },

  "a model without a price is refused under a cost limit, never taken for one that costs nothing": (
    m,
  ) => {
    for (const limit of [{ perAgentCostLimitMicroUsd: 9 }, { dailyCostLimitMicroUsd: 9 }]) {
      table({ ...SETTINGS, ...limit }, [
        [spawn("a"), "admits | day 0 | a 0"],
        [call("1", "a", boundOf(1, [1, 4])), "never [unboundable 2 asked for good] | day 0 | a 0"],
        [call("2", "a", boundOf(1, [1, 4], 0)), "admits → 5 by 4 | day 0+5 | a 0+5"],
      ])(m)
      table(soft({ ...SETTINGS, ...limit }), [
        [spawn("a"), "admits | day 0 | a 0"],
        [
          call("1", "a", boundOf(1, [1, 4])),
          "admitsFlagged → 5 by 4 [unboundable 2 asked for good] | day 0+5 | a 0+5",
        ],
      ])(m)
      for (const settings of BOTH)
        table({ ...settings, ...limit, allowUnpriced: true }, [
          [spawn("a"), "admits | day 0 | a 0"],
          [call("1", "a", boundOf(1, [1, 4])), "admits → 5 by 4 | day 0+5 | a 0+5"],
        ])(m)
    }
    table(SETTINGS, [
      [spawn("a"), "admits | day 0 | a 0"],
      [call("1", "a", boundOf(1, [1, 4])), "admits → 5 by 4 | day 0+5 | a 0+5"],
    ])(m)
  },

  "in hard mode nothing is granted beyond what was left, and nothing longer would have fitted": (
    m,
  ) => fc.assert(fc.property(histories, (history) => expectLongest(m, history))),

  "soft mode refuses what hard mode refuses, by the same numbers": (m) =>
    fc.assert(fc.property(histories, (history) => expectSameRefusal(m, history))),
}

const classAfter = (
  m: Machines,
  settings: BudgetSettings,
  asking: Parameters<typeof hold>[3],
): string | undefined => {
  const spawned = spawn("a").decide(m, openAt(m, settings), NOON).after
  const { after } = hold("h", "a", 5, asking).decide(m, spawned, NOON)
  return m.budget.agentOf(after, keyOf("a"))?.enforcement
}

interface History {
  readonly settings: BudgetSettings
  readonly used: number
  readonly held: number
  readonly input: number
  readonly range: readonly [number, number]
  readonly price: number | null
}

const limits = fc.constantFrom(null, 0, 1, 59, 60, 100)
const small = fc.constantFrom(0, 1, 19, 20, 39, 40, 59, 60)
const range = fc.tuple(small, small)

const histories: fc.Arbitrary<History> = fc.record({
  settings: fc
    .record({
      perAgentTokenLimit: limits,
      dailyTokenLimit: limits,
      perAgentCostLimitMicroUsd: limits,
      dailyCostLimitMicroUsd: limits,
      reserveForWrapUp: fc.constantFrom(0, 1, 20, 60),
      allowUnpriced: fc.boolean(),
    })
    .map((chosen) => ({ ...SETTINGS, ...chosen })),
  used: small,
  held: small,
  input: small,
  range: range.map(([a, b]) => [Math.min(a, b), Math.max(a, b)] as const),
  price: fc.constantFrom(null, 0, 1, 2),
})

/** A budget in soft mode with something used and held, so that any history can come about. */
const after = (m: Machines, { settings, used, held }: History) => {
  const operations = [
    spawn("a"),
    hold("before", "a", used, { costMicroUsd: used }),
    settle("before", used, "reported", used),
    hold("beside", "a", held, { costMicroUsd: held }),
  ]
  let budget = openAt(m, soft(settings))
  for (const { decide } of operations) budget = decide(m, budget, NOON).after
  return {
    hard: { ...budget, settings: { ...settings, enforceHardLimits: true } },
    soft: budget,
  }
}

const leftOf = ({
  limit,
  confirmed,
  uncertain,
  held,
}: Parameters<Machines["account"]["isFull"]>[0]) =>
  limit === null ? Number.POSITIVE_INFINITY : limit - confirmed - uncertain - held

const expectLongest = (m: Machines, history: History): void => {
  const { hard } = after(m, history)
  const agent = m.budget.agentOf(hard, keyOf("a"))
  if (agent === undefined) throw new Error("a was admitted")
  const bound = boundOf(history.input, history.range, history.price)
  const { rows } = call("asked", "a", bound).decide(m, hard, NOON)
  const [placed] = rows.flatMap((row) => (row.kind === "hold_placed" ? [row] : []))
  const { reserveForWrapUp, allowUnpriced } = history.settings
  const isLimited = agent.cost.limit !== null || hard.dayCost.limit !== null
  const mayAsk = history.price !== null || allowUnpriced || !isLimited
  const roomWith = (aside: number) => {
    const own = agent.account.limit === null ? leftOf(agent.account) : leftOf(agent.account) - aside
    const tokens = Math.min(own, leftOf(hard.day)) - history.input
    const money =
      Math.min(leftOf(agent.cost), leftOf(hard.dayCost)) - history.input * (history.price ?? 0)
    // A limit of 0 allows nothing, not even nothing; one that is all set aside is such a limit.
    const limits = [
      agent.account.limit === null ? null : agent.account.limit - aside,
      hard.day.limit,
      ...(history.price === null ? [] : [agent.cost.limit, hard.dayCost.limit]),
    ]
    if (limits.some((limit) => limit !== null && limit <= 0) || !mayAsk)
      return Number.NEGATIVE_INFINITY
    if (history.price === null) return tokens
    const answers =
      history.price === 0 ? (money >= 0 ? Infinity : -1) : Math.floor(money / history.price)
    return Math.min(tokens, answers)
  }
  const [least, most] = history.range
  const aside = agent.account.limit === 0 ? 0 : reserveForWrapUp
  const plain = roomWith(aside)
  if (placed === undefined) {
    expect(plain).toBeLessThan(least)
    return
  }
  const room = placed.wrapUp === true ? roomWith(0) : plain
  expect(placed.outputTokens).toBe(Math.min(most, room))
  if (placed.wrapUp === true) expect(plain).toBeLessThan(least)
  expect(placed.tokens).toBeLessThanOrEqual(Math.min(leftOf(agent.account), leftOf(hard.day)))
  expect(placed.costMicroUsd ?? 0).toBeLessThanOrEqual(
    Math.max(0, Math.min(leftOf(agent.cost), leftOf(hard.dayCost))),
  )
}

const expectSameRefusal = (m: Machines, history: History): void => {
  const { hard, soft: same } = after(m, history)
  const bound = boundOf(history.input, history.range, history.price)
  const asked = call("asked", "a", bound)
  const [inHard, inSoft] = [asked.decide(m, hard, NOON), asked.decide(m, same, NOON)]
  expect(inSoft.refusal).toEqual(inHard.refusal)
  if (inHard.refusal === null) expect(inSoft.verdict).toBe(inHard.verdict)
  else expect(inSoft.verdict).toBe("admitsFlagged")
}
