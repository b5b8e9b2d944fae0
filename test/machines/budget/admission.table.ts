import { expect } from "vitest"
import type { BudgetSettings } from "../../../machines/budget/settings.ts"
import type { Checks, Machines } from "../machines.ts"
import {
  end,
  hold,
  later,
  MINUTE,
  openAt,
  report,
  SETTINGS,
  set,
  settle,
  soft,
  spawn,
  table,
} from "./script.ts"

const canaryOf = (m: Machines, change: Partial<BudgetSettings>): readonly string[] =>
  m.admission.canary(openAt(m, { ...SETTINGS, ...change }))

export const admission: Checks = {
  "slots refuse at active ≥ max, until one is free": table(SETTINGS, [
    [spawn("a"), "admits | day 0 | a 0"],
    [spawn("b"), "admits | day 0 | a 0 | b 0"],
    [spawn("c"), "waits [concurrency_limit 2+0+1>2 on release] | day 0 | a 0 | b 0"],
    [end("a"), "ends | day 0 | a 0 ended completed | b 0"],
    [spawn("c"), "admits | day 0 | a 0 ended completed | b 0 | c 0"],
  ]),

  "slots are counted in soft mode too": table(soft({ ...SETTINGS, maxConcurrentAgents: 1 }), [
    [spawn("a"), "admits | day 0 | a 0"],
    [spawn("b"), "waits [concurrency_limit 1+0+1>1 on release] | day 0 | a 0"],
  ]),

  "no slots at all is for good, and no limit of slots lets all in": table(
    { ...SETTINGS, maxConcurrentAgents: 0 },
    [
      [spawn("a"), "never [concurrency_limit 0+0+1>0 for good] | day 0"],
      [spawn("a", { slot: false }), "admits | day 0 | a 0"],
      [set({ maxConcurrentAgents: null }), "sets | day 0 | a 0"],
      [spawn("b"), "admits | day 0 | a 0 | b 0"],
      [spawn("c"), "admits | day 0 | a 0 | b 0 | c 0"],
      [spawn("d"), "admits | day 0 | a 0 | b 0 | c 0 | d 0"],
    ],
  ),

  "a spawn asks for one token of the day, and holds none": table(
    { ...SETTINGS, maxConcurrentAgents: null, perAgentTokenLimit: null },
    [
      [spawn("a"), "admits | day 0 | a 0"],
      [hold("h", "a", 99), "admits | day 0+99 | a 0+99"],
      [spawn("b"), "admits | day 0+99 | a 0+99 | b 0"],
      [hold("i", "b", 1), "admits | day 0+100 | a 0+99 | b 0+1"],
      [spawn("c"), "waits [daily_token_limit 0+100+1>100 on release] | day 0+100 | a 0+99 | b 0+1"],
      [settle("h", 99), "resolves | day 99+1 | a 99 | b 0+1"],
      [spawn("c"), "waits [daily_token_limit 99+1+1>100 on release] | day 99+1 | a 99 | b 0+1"],
      [settle("i", 1), "resolves | day 100 | a 99 | b 1"],
      [spawn("c"), "waits [daily_token_limit 100+0+1>100 at +12h] | day 100 | a 99 | b 1"],
    ],
  ),

  "a hold fits up to the last token of the agent's own limit": table(SETTINGS, [
    [spawn("a"), "admits | day 0 | a 0"],
    [hold("h", "a", 60), "admits | day 0+60 | a 0+60"],
    [hold("i", "a", 1), "waits [agent_token_limit 0+60+1>60 on release] | day 0+60 | a 0+60"],
    [settle("h", 59), "resolves | day 59 | a 59"],
    [hold("j", "a", 1), "admits | day 59+1 | a 59+1"],
    [settle("j", 1), "resolves | day 60 | a 60"],
    [
      hold("k", "a", 1),
      "neverForAgent [agent_token_limit 60+0+1>60 for good] | day 60 | a 60 stopping agent_token_limit",
    ],
  ]),

  "a hold larger than a limit is refused for good": table(
    { ...SETTINGS, perAgentTokenLimit: 200 },
    [
      [spawn("a"), "admits | day 0 | a 0"],
      [hold("h", "a", 101), "never [daily_token_limit 0+0+101>100 for good] | day 0 | a 0"],
      [hold("i", "a", 100), "admits | day 0+100 | a 0+100"],
      [
        hold("j", "a", 201),
        "neverForAgent [agent_token_limit 0+100+201>200 for good] | day 0+100 | a 0+100 stopping agent_token_limit",
      ],
    ],
  ),

  "a hold waits for held tokens, or for tomorrow where used ones are in the way": table(
    { ...SETTINGS, perAgentTokenLimit: null },
    [
      [spawn("a"), "admits | day 0 | a 0"],
      [spawn("b"), "admits | day 0 | a 0 | b 0"],
      [hold("h", "a", 40), "admits | day 0+40 | a 0+40 | b 0"],
      [hold("i", "a", 50), "admits | day 0+90 | a 0+90 | b 0"],
      [
        hold("j", "b", 20),
        "waits [daily_token_limit 0+90+20>100 on release] | day 0+90 | a 0+90 | b 0",
      ],
      [settle("h", 40), "resolves | day 40+50 | a 40+50 | b 0"],
      [
        hold("k", "b", 61),
        "waits [daily_token_limit 40+50+61>100 at +12h] | day 40+50 | a 40+50 | b 0",
      ],
      [hold("l", "b", 10), "admits | day 40+60 | a 40+50 | b 0+10"],
      [
        hold("m", "b", 100),
        "waits [daily_token_limit 40+60+100>100 at +12h] | day 40+60 | a 40+50 | b 0+10",
      ],
    ],
  ),

  "a limit of 0 refuses everything for good, a hold of nothing too": table(
    { ...SETTINGS, dailyTokenLimit: 0 },
    [
      [spawn("a"), "never [daily_token_limit 0+0+1>0 for good] | day 0"],
      [set({ dailyTokenLimit: 100, perAgentTokenLimit: 0 }), "sets | day 0"],
      [spawn("a"), "never [agent_token_limit 0+0+1>0 for good] | day 0"],
      [set({ perAgentTokenLimit: 10 }), "sets | day 0"],
      [spawn("a"), "admits | day 0 | a 0"],
      [set({ dailyTokenLimit: 0 }), "sets | day 0 | a 0"],
      [hold("h", "a", 0), "never [daily_token_limit 0+0+0>0 for good] | day 0 | a 0"],
      [set({ dailyTokenLimit: null, perAgentTokenLimit: null }), "sets | day 0 | a 0"],
      [hold("h", "a", 1_000_000), "admits | day 0+1000000 | a 0+1000000"],
    ],
  ),

  "a hold of nothing fits a full account, and resolves like any other": table(SETTINGS, [
    [spawn("a"), "admits | day 0 | a 0"],
    [hold("h", "a", 60), "admits | day 0+60 | a 0+60"],
    [settle("h", 60), "resolves | day 60 | a 60"],
    [hold("i", "a", 0), "admits | day 60 | a 60"],
    [settle("i", 5), "resolves | day 65!5 | a 65!5"],
    [settle("i", 5), "unknown | day 65!5 | a 65!5"],
  ]),

  "an own limit may only lower the general one": table(SETTINGS, [
    [spawn("a", { ownTokenLimit: 10 }), "admits | day 0 | a 0"],
    [spawn("b", { ownTokenLimit: 1000 }), "admits | day 0 | a 0 | b 0"],
    [
      hold("h", "a", 11),
      "neverForAgent [agent_token_limit 0+0+11>10 for good] | day 0 | a 0 stopping agent_token_limit | b 0",
    ],
    [
      hold("i", "b", 61),
      "neverForAgent [agent_token_limit 0+0+61>60 for good] | day 0 | a 0 stopping agent_token_limit | b 0 stopping agent_token_limit",
    ],
  ]),

  "a life of no length cannot begin, in either mode": table(
    soft({ ...SETTINGS, maxTaskDurationMinutes: 0 }),
    [
      [spawn("a"), "never [duration_limit 1 asked for good] | day 0"],
      [set({ maxTaskDurationMinutes: null }), "sets | day 0"],
      [spawn("a", { ownDurationMinutes: 0 }), "never [duration_limit 1 asked for good] | day 0"],
      [spawn("a"), "admits | day 0 | a 0"],
    ],
  ),

  "a hold at the deadline is refused and ends the agent, in either mode": table(soft(SETTINGS), [
    [spawn("a"), "admits | day 0 | a 0"],
    [later(60 * MINUTE - 1, hold("h", "a", 1)), "admits | day 0+1 | a 0+1"],
    [
      later(1, hold("i", "a", 1)),
      "neverForAgent [duration_limit 1 asked for good] | day 0+1 | a 0+1 stopping duration_limit",
    ],
  ]),

  "what is refused for good is said before what may be waited for": table(
    { ...SETTINGS, maxConcurrentAgents: 1 },
    [
      [spawn("a"), "admits | day 0 | a 0"],
      [
        spawn("b", { ownTokenLimit: 0 }),
        "never [agent_token_limit 0+0+1>0 for good] | day 0 | a 0",
      ],
      [report("a", 100), "overAgentLimit | day 100!100 | a 100!100 stopping agent_token_limit"],
      [
        spawn("b"),
        "waits [concurrency_limit 1+0+1>1 at +12h] | day 100!100 | a 100!100 stopping agent_token_limit",
      ],
    ],
  ),

  "soft mode admits what hard mode would refuse, and says so": table(soft(SETTINGS), [
    [spawn("a"), "admits | day 0 | a 0"],
    [
      hold("h", "a", 61),
      "admitsFlagged [agent_token_limit 0+0+61>60 for good] | day 0+61 | a 0+61",
    ],
    [settle("h", 100), "resolves | day 100!39 | a 100!39"],
    [
      spawn("b"),
      "admitsFlagged [daily_token_limit 100+0+1>100 at +12h] | day 100!39 | a 100!39 | b 0",
    ],
  ]),

  "a live name is not given twice, an ended one is": table(SETTINGS, [
    [spawn("a"), "admits | day 0 | a 0"],
    [spawn("a"), "never [stale 1 asked for good] | day 0 | a 0"],
    [end("a"), "ends | day 0 | a 0 ended completed"],
  ]),

  "a queue takes in whoever waits for slots or held tokens, and for tomorrow only on request":
    table({ ...SETTINGS, maxConcurrentAgents: 1, perAgentTokenLimit: null }, [
      [spawn("a"), "admits | day 0 | a 0"],
      [spawn("b", { queue: true }), "queues [concurrency_limit 1+0+1>1 on release] | day 0 | a 0"],
      [
        spawn("b", { queue: true, ownTokenLimit: 0 }),
        "never [agent_token_limit 0+0+1>0 for good] | day 0 | a 0",
      ],
      [set({ maxConcurrentAgents: 2 }), "sets | day 0 | a 0"],
      [hold("h", "a", 100), "admits | day 0+100 | a 0+100"],
      [
        spawn("b", { queue: true }),
        "queues [daily_token_limit 0+100+1>100 on release] | day 0+100 | a 0+100",
      ],
      [settle("h", 100), "resolves | day 100 | a 100"],
      [
        spawn("b", { queue: true }),
        "waits [daily_token_limit 100+0+1>100 at +12h] | day 100 | a 100",
      ],
      [
        spawn("b", { queue: true, waitForReset: true }),
        "queues [daily_token_limit 100+0+1>100 at +12h] | day 100 | a 100",
      ],
    ]),

  "a canary is refused at every limit, in both modes, with and without limits": (m) => {
    const unlimited = { dailyTokenLimit: null, perAgentTokenLimit: null, maxConcurrentAgents: null }
    const zero = { dailyTokenLimit: 0, perAgentTokenLimit: 0, maxConcurrentAgents: 0 }
    const largest = { dailyTokenLimit: Number.MAX_SAFE_INTEGER }
    for (const change of [{}, unlimited, zero, largest])
      for (const enforceHardLimits of [true, false])
        expect(canaryOf(m, { ...change, enforceHardLimits })).toEqual([])
  },

  "a limit that refuses nothing lets its canary through": (m) => {
    const budget = openAt(m, SETTINGS)
    expect(
      m.admission.canary({ ...budget, day: { ...budget.day, limit: Number.POSITIVE_INFINITY } }),
    ).toEqual(["dailyTokenLimit"])
  },
}
