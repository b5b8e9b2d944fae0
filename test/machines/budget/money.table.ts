import { expect } from "vitest"
import type { Checks } from "../machines.ts"
import {
  boundOf,
  call,
  charge,
  compares,
  end,
  exhaust,
  expire,
  HOUR,
  hold,
  later,
  MINUTE,
  NOON,
  openAt,
  report,
  restart,
  SETTINGS,
  set,
  settle,
  settleLate,
  soft,
  spawn,
  table,
  tick,
  tokens,
} from "./script.ts"

const EXPIRES = 15 * MINUTE
const OWN = { ...SETTINGS, perAgentCostLimitMicroUsd: 100 }
const DAY = { ...SETTINGS, dailyCostLimitMicroUsd: 100 }

const costing = (costMicroUsd: number) => ({ costMicroUsd })

export const money: Checks = {
  "money is held, given back and overrun as tokens are": table(DAY, [
    [spawn("a"), "admits | day 0 | a 0"],
    [hold("h", "a", 5, costing(30)), "admits | day 0+5 $0+30 | a 0+5 $0+30"],
    [settle("h", 5, "reported", 25), "resolves | day 5 $25 | a 5 $25"],
    [hold("i", "a", 5, costing(10)), "admits | day 5+5 $25+10 | a 5+5 $25+10"],
    [settle("i", 5, "estimated", 12), "resolves | day 10?5 $37?12!2 | a 10?5 $37?12!2"],
    [hold("j", "a", 5, costing(10)), "admits | day 10+5?5 $37+10?12!2 | a 10+5?5 $37+10?12!2"],
    [charge("j"), "resolves | day 15?10 $47?22!2 | a 15?10 $47?22!2"],
    [
      settleLate("j", "a", [5, 4], "2026-03-02", { chargedMicroUsd: 10, costMicroUsd: 7 }),
      "corrects | day 14?5 $44?12!2 | a 14?5 $44?12!2",
    ],
    [report("a", 1, costing(6)), "records | day 15?5!1 $50?12!8 | a 15?5!1 $50?12!8"],
  ]),

  "a late settle whose cost nobody knows leaves the charge": table(SETTINGS, [
    [spawn("a"), "admits | day 0 | a 0"],
    [hold("h", "a", 5, costing(30)), "admits | day 0+5 $0+30 | a 0+5 $0+30"],
    [later(EXPIRES, expire("h")), "resolves | day 5?5 $30?30 | a 5?5 $30?30"],
    [settleLate("h", "a", [5, 4]), "corrects | day 4 $30?30 | a 4 $30?30"],
  ]),

  "a repeated call costs what the better number says, never less, and once": table(SETTINGS, [
    [spawn("a"), "admits | day 0 | a 0"],
    [
      report("a", 10, { id: "1", provenance: "estimated", ...costing(20) }),
      "records | day 10?10!10 $20?20!20 | a 10?10!10 $20?20!20",
    ],
    // No price this time: the cost stands, and is confirmed with its tokens.
    [report("a", 11, { id: "1" }), "records | day 11!11 $20!20 | a 11!11 $20!20"],
    [report("a", 12, { id: "1", ...costing(30) }), "records | day 12!12 $30!30 | a 12!12 $30!30"],
    [report("a", 13, { id: "1", ...costing(25) }), "records | day 13!13 $30!30 | a 13!13 $30!30"],
    [report("a", 1, { id: "2" }), "records | day 14!14 $30!30 | a 14!14 $30!30"],
    [report("a", 2, { id: "2", ...costing(4) }), "records | day 15!15 $34!34 | a 15!15 $34!34"],
  ]),

  "a metered agent is stopped by what makes its own money full": table(OWN, [
    [spawn("a"), "admits | day 0 | a 0"],
    [report("a", 1, costing(99)), "records | day 1!1 $99!99 | a 1!1 $99!99"],
    [
      report("a", 1, costing(1)),
      "overAgentLimit | day 2!2 $100!100 | a 2!2 $100!100 stopping cost_limit",
    ],
    [
      report("a", 1, costing(1)),
      "spendsInGrace | day 3!3 $101!101 | a 3!3 $101!101 stopping cost_limit",
    ],
  ]),

  "an own cost limit may only lower the general one": table(OWN, [
    [spawn("a", { ownCostLimitMicroUsd: 10 }), "admits | day 0 | a 0"],
    [spawn("b", { ownCostLimitMicroUsd: 900 }), "admits | day 0 | a 0 | b 0"],
    [
      report("a", 1, costing(10)),
      "overAgentLimit | day 1!1 $10!10 | a 1!1 $10!10 stopping cost_limit | b 0",
    ],
    [
      report("b", 1, costing(100)),
      "overAgentLimit | day 2!2 $110!110 | a 1!1 $10!10 stopping cost_limit | b 1!1 $100!100 stopping cost_limit",
    ],
  ]),

  "the day's money stops the metered, and refuses whoever would start": table(DAY, [
    [spawn("a"), "admits | day 0 | a 0"],
    [report("a", 1, costing(100)), "records | day 1!1 $100!100 | a 1!1 $100!100"],
    [exhaust, "stops | day 1!1 $100!100 | a 1!1 $100!100 stopping cost_limit"],
    [
      spawn("b"),
      "waits [cost_limit 100+0+1>100 at +12h] | day 1!1 $100!100 | a 1!1 $100!100 stopping cost_limit",
    ],
    [later(12 * HOUR, tick), "turns | day 2026-03-03 0 | a 1!1 $100!100 stopping cost_limit"],
    [spawn("b"), "admits | day 2026-03-03 0 | a 1!1 $100!100 stopping cost_limit | b 0"],
  ]),

  "who may spend no money does not start": (m) => {
    table({ ...SETTINGS, perAgentCostLimitMicroUsd: 0 }, [
      [spawn("a"), "never [cost_limit 0+0+1>0 for good] | day 0"],
      [spawn("s", { slot: false }), "admits | day 0 | s 0"],
    ])(m)
    table(SETTINGS, [
      [spawn("a", { ownCostLimitMicroUsd: 0 }), "never [cost_limit 0+0+1>0 for good] | day 0"],
    ])(m)
    table({ ...SETTINGS, dailyCostLimitMicroUsd: 0 }, [
      [spawn("a"), "never [cost_limit 0+0+1>0 for good] | day 0"],
    ])(m)
    table(soft({ ...SETTINGS, perAgentCostLimitMicroUsd: 0 }), [
      [spawn("a"), "admitsFlagged [cost_limit 0+0+1>0 for good] | day 0 | a 0"],
    ])(m)
  },

  "under a cost limit a metered agent ends with its first call without a price": (m) => {
    for (const settings of [OWN, DAY]) {
      table(settings, [
        [spawn("a"), "admits | day 0 | a 0"],
        [report("a", 1, costing(0)), "records | day 1!1 | a 1!1"],
        [report("a", 1), "overAgentLimit | day 2!2 | a 2!2 stopping cost_limit"],
      ])(m)
      table({ ...settings, allowUnpriced: true }, [
        [spawn("a"), "admits | day 0 | a 0"],
        [report("a", 1), "records | day 1!1 | a 1!1"],
      ])(m)
      table(soft(settings), [
        [spawn("a"), "admits | day 0 | a 0"],
        [report("a", 1), "records | day 1!1 | a 1!1"],
      ])(m)
    }
  },

  "a limit of money felt at once stops the metered, and those whose cost is unknown": table(
    SETTINGS,
    [
      [spawn("a"), "admits | day 0 | a 0"],
      [spawn("b"), "admits | day 0 | a 0 | b 0"],
      [report("a", 1, costing(50)), "records | day 1!1 $50!50 | a 1!1 $50!50 | b 0"],
      [report("b", 1), "records | day 2!2 $50!50 | a 1!1 $50!50 | b 1!1"],
      [
        set({ perAgentCostLimitMicroUsd: 50 }),
        "setsAndStops | day 2!2 $50!50 | a 1!1 $50!50 stopping cost_limit | b 1!1 stopping cost_limit",
      ],
    ],
  ),

  "a call without a price that nobody settles is counted as such, one that costs nothing is not": (
    m,
  ) => {
    const settings = { ...SETTINGS, holdTimeoutMinutes: 1, allowUnpriced: true }
    let budget = openAt(m, settings)
    const operations = [
      spawn("a"),
      call("1", "a", boundOf(1, [1, 4])),
      call("2", "a", boundOf(1, [1, 4], 0)),
      later(MINUTE, expire("1")),
      later(MINUTE, expire("2")),
    ]
    for (const { afterMs, decide } of operations) budget = decide(m, budget, NOON + afterMs).after
    expect(m.summary.summarise(budget)).toMatchObject({ unpricedCalls: 1, uncertainTokens: 10 })
    expect(m.summary.summarise(budget).agentUsage[0]).toMatchObject({ unpricedCalls: 1 })
  },

  "a call whose price is learnt afterwards is one without a price no more": table(
    { ...OWN, allowUnpriced: true },
    [
      [spawn("a"), "admits | day 0 | a 0"],
      [report("a", 1, { id: "1" }), "records | day 1!1 | a 1!1"],
      [report("a", 2, { id: "1", ...costing(7) }), "records | day 2!2 $7!7 | a 2!2 $7!7"],
      [hold("h", "a", 5), "admits | day 2+5!2 $7!7 | a 2+5!2 $7!7"],
      [charge("h"), "resolves | day 7?5!2 $7!7 | a 7?5!2 $7!7"],
      [
        settleLate("h", "a", [5, 5], "2026-03-02", costing(4)),
        "corrects | day 7!2 $11!11 | a 7!2 $11!11",
      ],
      // Nothing is left that would stop it.
      [set({ allowUnpriced: false }), "sets | day 7!2 $11!11 | a 7!2 $11!11"],
    ],
  ),

  "a watched hold has no time of its own: it ends with its agent, charged": (m) => {
    const watched = { isWatched: true, costMicroUsd: 3 }
    table({ ...SETTINGS, maxTaskDurationMinutes: null }, [
      [spawn("a"), "admits | day 0 | a 0"],
      [hold("h", "a", 10, watched), "admits | day 0+10 $0+3 | a 0+10 $0+3"],
      [later(12 * HOUR - 1, expire("h")), "unknown | day 0+10 $0+3 | a 0+10 $0+3"],
      [end("a"), "ends | day 10?10 $3?3 | a 10?10 $3?3 ended completed"],
    ])(m)
    table(SETTINGS, [
      [spawn("a"), "admits | day 0 | a 0"],
      [hold("h", "a", 10, watched), "admits | day 0+10 $0+3 | a 0+10 $0+3"],
      [charge("h"), "resolves | day 10?10 $3?3 | a 10?10 $3?3"],
      [charge("h"), "unknown | day 10?10 $3?3 | a 10?10 $3?3"],
      [hold("i", "a", 10, watched), "admits | day 10+10?10 $3+3?3 | a 10+10?10 $3+3?3"],
      [restart(), "starts | day 20?20 $6?6 | a 20?20 $6?6 ended lost"],
    ])(m)
  },

  "an own account that agrees changes nothing, and what no count covers is recorded": table(
    SETTINGS,
    [
      [spawn("a"), "admits | day 0 | a 0"],
      [hold("h", "a", 10), "admits | day 0+10 | a 0+10"],
      // A call that is under way is covered by its hold.
      [compares("a", 10), "agrees | day 0+10 | a 0+10"],
      [settle("h", 10), "resolves | day 10 | a 10"],
      [compares("a", 10), "agrees | day 10 | a 10"],
      [compares("a", 9), "agrees | day 10 | a 10"],
      [hold("i", "a", 10), "admits | day 10+10 | a 10+10"],
      [charge("i"), "resolves | day 20?10 | a 20?10"],
      [compares("a", 20), "agrees | day 20?10 | a 20?10"],
      [compares("a", 21), "foundUncounted | day 31?10!11 | a 31?10!11"],
      [compares("a", 21), "agrees | day 31?10!11 | a 31?10!11"],
      [
        compares("a", 80),
        "foundUncountedAndStops | day 90?10!70 | a 90?10!70 stopping agent_token_limit",
      ],
      [compares("nobody", 80), "unknown | day 90?10!70 | a 90?10!70 stopping agent_token_limit"],
    ],
  ),

  "an estimate covers its call once: its counts do, and not its uncertainty again": table(
    SETTINGS,
    [
      [spawn("a"), "admits | day 0 | a 0"],
      [report("a", 10, { provenance: "estimated" }), "records | day 10?10!10 | a 10?10!10"],
      [compares("a", 10), "agrees | day 10?10!10 | a 10?10!10"],
      [compares("a", 18), "foundUncounted | day 18?10!18 | a 18?10!18"],
    ],
  ),

  "an agent found to call past the gateway is metered, and under a cost limit it ends": (m) => {
    let budget = openAt(m, SETTINGS)
    const operations = [
      spawn("a", { enforcement: "reserved" }),
      compares("a", 0),
      compares("a", { ...tokens(1), cacheReadTokens: 5 }),
    ]
    const classes = operations.map(({ decide }) => {
      budget = decide(m, budget, NOON).after
      return m.summary.summarise(budget).overshootBound
    })
    expect(classes).toEqual([0, 0, null])
    expect(m.summary.summarise(budget).agentUsage[0]?.ownAccount).toEqual({
      meter: "transcript",
      rawTokens: 6,
      differenceTokens: 0,
    })
    table(OWN, [
      [spawn("a"), "admits | day 0 | a 0"],
      [compares("a", 1), "foundUncountedAndStops | day 1!1 | a 1!1 stopping cost_limit"],
    ])(m)
  },

  "the canary is refused by every limit of money, and names what would let it through": (m) => {
    for (const settings of [SETTINGS, OWN, DAY, soft(DAY)])
      expect(m.admission.canary(openAt(m, settings))).toEqual([])
  },

  "an agent is told to come to its end when only what is set aside is left, or money is short": (
    m,
  ) => {
    const advise = (
      settings: typeof SETTINGS,
      ...operations: readonly ReturnType<typeof spawn>[]
    ) => {
      let budget = openAt(m, settings)
      for (const { decide } of [spawn("a"), ...operations]) budget = decide(m, budget, NOON).after
      return m.advice.adviceFor(budget, [...budget.agents].map(([, agent]) => agent)[0])
    }
    const reserve = { ...SETTINGS, reserveForWrapUp: 20 }
    expect(advise(reserve, report("a", 39))).toBe("continue")
    expect(advise(reserve, report("a", 40))).toBe("wrap_up")
    expect(advise(OWN, report("a", 1, costing(94)))).toBe("continue")
    expect(advise(OWN, report("a", 1, costing(95)))).toBe("wrap_up")
    expect(advise(DAY, report("a", 1, costing(95)))).toBe("wrap_up")
    expect(advise(DAY, report("a", 1, costing(100)))).toBe("stop")
    expect(advise(soft(OWN), report("a", 1, costing(100)))).toBe("wrap_up")
  },
}
