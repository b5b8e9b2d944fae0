/** What follows from each operation: facts, then what agents are told, then deadlines. */
import { expect } from "vitest"
import type { PoolEvent } from "../../machines/agent-pool.ts"
import type { BudgetSettings } from "../../machines/budget/settings.ts"
import type { Deadline, DeadlinesEvent } from "../../machines/deadlines.ts"
import type { Fact } from "../../machines/facts.ts"
import {
  compares,
  end,
  exhaust,
  expire,
  HOUR,
  hold,
  later,
  MINUTE,
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
  survivesKill,
  tick,
  voids,
} from "./budget/script.ts"
import type { Check, Checks } from "./machines.ts"

const tellFact = (fact: Fact): string => {
  switch (fact.type) {
    case "status.changed":
      return `day ${fact.previous}→${fact.status} at ${fact.dailyTokensUsed}`
    case "agent.admitted":
      return `${fact.agentId} admitted${fact.wouldRefuse === null ? "" : `, but ${fact.wouldRefuse.reason}`}`
    case "agent.refused":
      return `${fact.agentId} refused ${fact.subject} by ${fact.refusal.reason}`
    case "agent.warned":
      return `${fact.agentId} ${fact.status} at ${fact.totalTokens}`
    case "cost.status_changed":
      return `day's money ${fact.previous}→${fact.status} at ${fact.dailyCostMicroUsd}`
    case "agent.cost_warned":
      return `${fact.agentId} ${fact.status} at ${fact.costMicroUsd} µ$`
    case "agent.wrapping_up":
      return `${fact.agentId} wrapping up with ${fact.remainingTokens} left`
    case "agent.compared":
      return `${fact.agentId} counts ${fact.ownTokens}, here ${fact.countedTokens}`
    case "agent.stopping":
    case "agent.unkillable":
    case "agent.ended":
      return `${fact.agent.agentId} ${fact.agent.state} ${fact.agent.reason}`
    case "summary":
      return "summary"
  }
}

const tellTold = (event: PoolEvent): string => {
  if (event.type === "agent.spawned") return `${event.input.agentId} ← spawned`
  if (event.type !== "agent.told") return event.type
  const { key, event: told } = event
  const detail =
    told.type === "limit.crossed"
      ? ` ${told.status}`
      : told.type === "stop.requested"
        ? ` ${told.reason}`
        : ""
  return `${key} ← ${told.type}${detail}`
}

const nameOf = (deadline: Deadline): string =>
  "key" in deadline
    ? `${deadline.of} ${deadline.key}`
    : "holdId" in deadline
      ? `hold ${deadline.holdId}`
      : deadline.of

const tellDeadline = (event: DeadlinesEvent): string => {
  if (event.type === "deadline.set")
    return `${nameOf(event.deadline)} in ${(event.dueAt - event.at) / 1000} s`
  return event.type === "deadline.cleared" ? `no ${nameOf(event.deadline)}` : event.type
}

type Line = readonly [operation: Operation, expected: string]

const table =
  (settings: BudgetSettings, lines: readonly Line[]): Check =>
  (m) => {
    let [budget, at] = [openAt(m, settings), NOON]
    const happened = lines.map(([{ afterMs, decide }]) => {
      at += afterMs
      const { before, after, rows } = decide(m, budget, at)
      budget = after
      const { facts, pool, deadlines } = m.consequences.consequencesOf(before, after, rows)
      for (const fact of facts) expect(fact.at).toBe(at)
      return [facts.map(tellFact), pool.map(tellTold), deadlines.map(tellDeadline)]
        .map((list) => list.join(", "))
        .join(" | ")
    })
    expect(happened).toEqual(lines.map(([, expected]) => expected))
  }

const SPAWNED_A = "a admitted | a ← spawned | duration a in 3600 s"

export const facts: Checks = {
  "a spawn is told, starts its agent and sets its deadline": table(
    { ...SETTINGS, maxConcurrentAgents: 1 },
    [
      [spawn("a"), SPAWNED_A],
      [spawn("b"), "b refused spawn by concurrency_limit |  | "],
      [spawn("s", { slot: false }), "s admitted |  | "],
      [set({ maxConcurrentAgents: 2, maxTaskDurationMinutes: null }), " |  | "],
      [spawn("c"), "c admitted | c ← spawned | "],
    ],
  ),

  "an agent is warned at each threshold once, before the stop it causes": table(
    { ...SETTINGS, dailyTokenLimit: null, perAgentTokenLimit: 100 },
    [
      [spawn("a"), SPAWNED_A],
      [report("a", 79), " |  | "],
      [report("a", 1), "a approaching_limit at 80 | a ← limit.crossed approaching_limit | "],
      [report("a", 14), " |  | "],
      [
        report("a", 6, { id: "1" }),
        "a at_limit at 100, a exceeded at 100, a stopping agent_token_limit | a ← limit.crossed at_limit, a ← limit.crossed exceeded, a ← stop.requested agent_token_limit | no duration a, grace a in 5 s",
      ],
      [report("a", 9, { id: "1" }), " |  | "],
    ],
  ),

  "the day's status is told when it changes, and once": table(SETTINGS, [
    [spawn("a"), SPAWNED_A],
    [spawn("b"), "b admitted | b ← spawned | duration b in 3600 s"],
    [report("a", 30), " |  | "],
    [report("b", 49), "b approaching_limit at 49 | b ← limit.crossed approaching_limit | "],
    [report("a", 0), " |  | "],
    [report("a", 1), "day within_budget→approaching_limit at 80 |  | "],
    [
      report("a", 25),
      "day approaching_limit→exceeded at 105, a approaching_limit at 56 | a ← limit.crossed approaching_limit | ",
    ],
    [
      exhaust,
      "a stopping daily_token_limit, b stopping daily_token_limit | a ← stop.requested daily_token_limit, b ← stop.requested daily_token_limit | no duration a, grace a in 5 s, no duration b, grace b in 5 s",
    ],
    [report("a", 1), "a at_limit at 57 | a ← limit.crossed at_limit | "],
  ]),

  "holding tells nothing, settling and expiring tell what they cross": table(
    { ...SETTINGS, perAgentTokenLimit: 100 },
    [
      [spawn("a"), SPAWNED_A],
      [hold("h", "a", 100), " |  | hold h in 900 s"],
      [voids("h"), " |  | no hold h"],
      [hold("i", "a", 80), " |  | hold i in 900 s"],
      [
        settle("i", 80),
        "day within_budget→approaching_limit at 80, a approaching_limit at 80 | a ← limit.crossed approaching_limit | no hold i",
      ],
      [hold("j", "a", 15), " |  | hold j in 900 s"],
      [
        later(15 * MINUTE, expire("j")),
        "day approaching_limit→at_limit at 95, a at_limit at 95 | a ← limit.crossed at_limit | no hold j",
      ],
      [
        hold("k", "a", 101),
        "a refused hold by agent_token_limit, a stopping agent_token_limit | a ← stop.requested agent_token_limit | no duration a, grace a in 5 s",
      ],
    ],
  ),

  "an agent is told to wind down once, with what is left of its limit": table(
    { ...SETTINGS, reserveForWrapUp: 20, dailyTokenLimit: null },
    [
      [spawn("a"), SPAWNED_A],
      [hold("h", "a", 40), " |  | hold h in 900 s"],
      [settle("h", 40), " |  | no hold h"],
      [hold("i", "a", 5), "a wrapping up with 15 left |  | hold i in 900 s"],
      [hold("j", "a", 5), " |  | hold j in 900 s"],
      [hold("k", "a", 5, { isWatched: true }), " |  | "],
    ],
  ),

  "money tells its crossings as tokens do, each once": table(
    { ...SETTINGS, perAgentCostLimitMicroUsd: 100, dailyCostLimitMicroUsd: 200 },
    [
      [spawn("a"), SPAWNED_A],
      [spawn("b"), "b admitted | b ← spawned | duration b in 3600 s"],
      [report("a", 1, { costMicroUsd: 79 }), " |  | "],
      [report("a", 1, { costMicroUsd: 1 }), "a approaching_limit at 80 µ$ |  | "],
      [report("a", 1, { costMicroUsd: 1 }), " |  | "],
      [
        report("b", 1, { costMicroUsd: 95 }),
        "day's money within_budget→approaching_limit at 176, b approaching_limit at 95 µ$, b at_limit at 95 µ$ |  | ",
      ],
      [
        report("a", 1, { costMicroUsd: 19 }),
        "day's money approaching_limit→at_limit at 195, a at_limit at 100 µ$, a exceeded at 100 µ$, a stopping cost_limit | a ← stop.requested cost_limit | no duration a, grace a in 5 s",
      ],
    ],
  ),

  "an own account is told beside what was counted before it": table(SETTINGS, [
    [spawn("a"), SPAWNED_A],
    [report("a", 10), " |  | "],
    [compares("a", 10), "a counts 10, here 10 |  | "],
    [
      compares("a", 48),
      "a approaching_limit at 48, a counts 48, here 10 | a ← limit.crossed approaching_limit | ",
    ],
  ]),

  "a better number for a call tells what it crosses": table(
    { ...SETTINGS, dailyTokenLimit: null },
    [
      [spawn("a"), SPAWNED_A],
      [report("a", 40, { id: "1" }), " |  | "],
      [
        report("a", 50, { id: "1" }),
        "a approaching_limit at 50 | a ← limit.crossed approaching_limit | ",
      ],
    ],
  ),

  "a stop is told where it crosses no threshold": table(
    { ...SETTINGS, dailyTokenLimit: null, thresholds: [10, 20, 150] },
    [
      [spawn("a"), SPAWNED_A],
      [
        report("a", 59),
        "a approaching_limit at 59, a at_limit at 59 | a ← limit.crossed approaching_limit, a ← limit.crossed at_limit | ",
      ],
      [
        report("a", 1),
        "a stopping agent_token_limit | a ← stop.requested agent_token_limit | no duration a, grace a in 5 s",
      ],
    ],
  ),

  "a new limit is a new thing to warn of": table({ ...SETTINGS, dailyTokenLimit: null }, [
    [spawn("a"), SPAWNED_A],
    [report("a", 50), "a approaching_limit at 50 | a ← limit.crossed approaching_limit | "],
    [set({ maxConcurrentAgents: 5 }), " |  | "],
    [
      set({ perAgentTokenLimit: 55 }),
      "a approaching_limit at 50 | a ← limit.crossed approaching_limit | ",
    ],
    [set({ perAgentTokenLimit: 200 }), " |  | "],
    [set({ dailyTokenLimit: 50 }), "day within_budget→exceeded at 50 |  | "],
    [set({ dailyTokenLimit: 100 }), "day exceeded→within_budget at 50 |  | "],
  ]),

  "a new day begins within budget, and is armed": table(SETTINGS, [
    [spawn("a"), SPAWNED_A],
    [
      report("a", 59),
      "a approaching_limit at 59, a at_limit at 59 | a ← limit.crossed approaching_limit, a ← limit.crossed at_limit | ",
    ],
    [spawn("b"), "b admitted | b ← spawned | duration b in 3600 s"],
    [report("b", 40), "day within_budget→at_limit at 99 |  | "],
    [later(12 * HOUR, tick), "day at_limit→within_budget at 0 |  | day in 86400 s"],
  ]),

  "an end clears what was set for its agent": table(SETTINGS, [
    [spawn("a", { ownGraceSeconds: 0.5 }), SPAWNED_A],
    [hold("h", "a", 10), " |  | hold h in 900 s"],
    [
      stop("a", "cancelled"),
      "a stopping cancelled | a ← stop.requested cancelled | no duration a, grace a in 0.5 s",
    ],
    [survivesKill("a"), "a unkillable cancelled |  | "],
    [end("a"), "a ended cancelled |  | no hold h, no duration a, no grace a, no kill a"],
  ]),

  "soft mode tells the same crossings": table(soft({ ...SETTINGS, dailyTokenLimit: 60 }), [
    [spawn("a"), SPAWNED_A],
    [
      report("a", 60),
      "day within_budget→exceeded at 60, a approaching_limit at 60, a at_limit at 60, a exceeded at 60 | a ← limit.crossed approaching_limit, a ← limit.crossed at_limit, a ← limit.crossed exceeded | ",
    ],
    [spawn("b"), "b admitted, but daily_token_limit | b ← spawned | duration b in 3600 s"],
  ]),
}
