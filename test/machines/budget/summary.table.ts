import { expect } from "vitest"
import type { Budget } from "../../../machines/budget/budget.ts"
import type { BudgetSettings } from "../../../machines/budget/settings.ts"
import type { Checks, Machines } from "../machines.ts"
import {
  end,
  exhaust,
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
} from "./script.ts"

const after = (m: Machines, settings: BudgetSettings, operations: readonly Operation[]): Budget => {
  let [budget, at] = [openAt(m, settings), NOON]
  for (const { afterMs, decide } of operations) {
    at += afterMs
    budget = decide(m, budget, at).after
  }
  return budget
}

const USAGE = { inputTokens: 1, outputTokens: 20, cacheWriteTokens: 30, cacheReadTokens: 4000 }

/** Each row: what happened, and then the bound and the estimate of an overshoot. */
const overshoots: readonly (readonly [BudgetSettings, Operation[], 0 | null, number | null])[] = [
  [SETTINGS, [], 0, null],
  [SETTINGS, [spawn("a")], null, null],
  [SETTINGS, [spawn("a", { enforcement: "reserved" })], 0, null],
  [SETTINGS, [spawn("a", { enforcement: "opaque" })], null, null],
  [SETTINGS, [spawn("a"), hold("h", "a", 9)], 0, null],
  [SETTINGS, [spawn("a"), hold("h", "a", 9), settle("h", 8)], 0, 0],
  [SETTINGS, [spawn("a"), hold("h", "a", 9), report("a", 7)], null, 7],
  [SETTINGS, [spawn("a"), report("a", 7), report("a", 5)], null, 7],
  [SETTINGS, [spawn("a"), spawn("b"), report("a", 7), report("b", 9)], null, 18],
  [SETTINGS, [spawn("a"), report("a", 7), stop("a", "cancelled")], null, 7],
  [SETTINGS, [spawn("a"), report("a", 7), end("a")], 0, 0],
  [SETTINGS, [spawn("a"), report("a", 5, { id: "1" }), report("a", 8, { id: "1" })], null, 8],
  [
    SETTINGS,
    [spawn("a"), report("a", 9), report("a", 5, { id: "1" }), report("a", 6, { id: "1" })],
    null,
    9,
  ],
  [SETTINGS, [spawn("a"), report("a", 7), spawn("b", { enforcement: "opaque" })], null, 7],
  [SETTINGS, [spawn("a"), spawn("b", { enforcement: "opaque" })], null, null],
  [soft(SETTINGS), [spawn("a", { enforcement: "reserved" })], null, null],
  [soft(SETTINGS), [], null, null],
]

export const summary: Checks = {
  "an empty budget says where it stands": (m) =>
    expect(m.summary.summarise(openAt(m, SETTINGS))).toEqual({
      dailyTokensUsed: 0,
      dailyTokenLimit: 100,
      dailyUsagePercent: 0,
      budgetStatus: "within_budget",
      activeAgents: 0,
      maxConcurrentAgents: 2,
      agentUsage: [],
      heldTokens: 0,
      uncertainTokens: 0,
      overrunTokens: 0,
      overshootBound: 0,
      overshootEstimate: null,
      windowStartsAt: "2026-03-02T00:00:00.000Z",
      windowEndsAt: "2026-03-03T00:00:00.000Z",
      timeZone: "UTC",
      refused: [],
      enforceHardLimits: true,
      dailyCostMicroUsd: 0,
      dailyCostLimitMicroUsd: null,
      heldCostMicroUsd: 0,
      uncertainCostMicroUsd: 0,
      overrunCostMicroUsd: 0,
      unpricedCalls: 0,
      omittedAgents: { agents: 0, windowTokens: 0 },
    }),

  "the day's figures keep apart what is used, held, uncertain and overrun": (m) => {
    const operations = [
      spawn("a"),
      hold("h", "a", 30),
      hold("i", "a", 10),
      settle("h", 25, "estimated"),
      spawn("b"),
      report("b", 58),
    ]
    const { agentUsage, ...figures } = m.summary.summarise(after(m, SETTINGS, operations))
    expect(figures).toMatchObject({
      dailyTokensUsed: 83,
      dailyUsagePercent: 83,
      budgetStatus: "approaching_limit",
      activeAgents: 2,
      heldTokens: 10,
      uncertainTokens: 25,
      overrunTokens: 58,
      overshootBound: null,
      overshootEstimate: 58,
    })
    expect(agentUsage.map(({ agentId }) => agentId)).toEqual(["a", "b"])
  },

  "no limit has no percentage, and a limit of 0 is exceeded": (m) => {
    const { summarise } = m.summary
    const change = { dailyTokenLimit: null, perAgentTokenLimit: null, maxConcurrentAgents: null }
    const unlimited = summarise(after(m, { ...SETTINGS, ...change }, [spawn("a"), report("a", 50)]))
    expect(unlimited).toMatchObject({
      dailyTokenLimit: null,
      dailyUsagePercent: null,
      budgetStatus: "within_budget",
      maxConcurrentAgents: null,
    })
    expect(unlimited.agentUsage[0]).toMatchObject({ tokenLimit: null, usagePercent: null })
    expect(summarise(openAt(m, { ...SETTINGS, dailyTokenLimit: 0 }))).toMatchObject({
      dailyUsagePercent: 100,
      budgetStatus: "exceeded",
    })
  },

  "a live agent shows its whole life, and its part of the day": (m) => {
    const operations = [
      later(12 * 60 * MINUTE - 60_000, spawn("a")),
      report("a", 6),
      later(MINUTE, report("a", USAGE)),
      hold("h", "a", 2),
      stop("a", "cancelled"),
    ]
    const [agent] = m.summary.summarise(after(m, SETTINGS, operations)).agentUsage
    expect(agent).toEqual({
      agentId: "a",
      taskId: "task a",
      inputTokens: 7,
      outputTokens: 20,
      totalTokens: 57,
      usagePercent: 95,
      state: "stopping",
      reason: "cancelled",
      mechanism: null,
      startedAt: "2026-03-02T23:59:00.000Z",
      endedAt: null,
      deadlineAt: "2026-03-03T00:59:00.000Z",
      heldTokens: 2,
      windowTokens: 51,
      rawTokens: 4057,
      cacheWriteTokens: 30,
      cacheReadTokens: 4000,
      tokenLimit: 60,
      budgetStatus: "at_limit",
      enforcement: "metered",
      costMicroUsd: 0,
      costLimitMicroUsd: null,
      heldCostMicroUsd: 0,
      unpricedCalls: 2,
      credential: null,
      wrappingUp: false,
      ownAccount: null,
      wouldRefuse: null,
      exitCode: null,
      signal: null,
      error: null,
    })
  },

  "an ended agent shows how it ended": (m) => {
    const ending = {
      mechanism: "kill",
      exitCode: 137,
      signal: "SIGKILL",
      error: "too slow",
    } as const
    const budget = after(m, { ...SETTINGS, maxTaskDurationMinutes: null }, [spawn("a")])
    const [live] = m.summary.summarise(budget).agentUsage
    const key = [...budget.agents][0]?.[0]
    if (key === undefined) throw new Error("a is live")
    const ended = m.ending.decideEnd(budget, { key, reason: "failed", ...ending }, NOON + 1)
    expect(live).toMatchObject({ state: "starting", deadlineAt: null, endedAt: null })
    expect(m.summary.summarise(ended.after).agentUsage).toEqual([
      { ...live, ...ending, state: "ended", reason: "failed", endedAt: "2026-03-02T12:00:00.001Z" },
    ])
  },

  "agents are listed in the order they started, ended ones among them": (m) => {
    const names = ["d", "b", "a", "c"]
    const operations = names.flatMap((name) => [later(1, spawn(name)), later(1, end(name))])
    const three = { ...SETTINGS, maxConcurrentAgents: null }
    const budget = after(m, three, [later(0, spawn("z")), ...operations, later(1, spawn("e"))])
    const listed = m.summary.summarise(budget).agentUsage.map(({ agentId }) => agentId)
    expect(listed).toEqual(["z", "d", "b", "a", "c", "e"])
  },

  "refusals are listed with their numbers and times": (m) => {
    const operations = [
      spawn("a"),
      hold("h", "a", 50),
      later(1500, hold("i", "a", 20)),
      report("a", 60),
      set({ dailyTokenLimit: 60 }),
      exhaust,
      later(500, spawn("b")),
    ]
    expect(m.summary.summarise(after(m, SETTINGS, operations)).refused).toEqual([
      {
        subject: "hold",
        requestId: "i",
        agentId: "a",
        taskId: "task a",
        at: "2026-03-02T12:00:01.500Z",
        reason: "agent_token_limit",
        limit: 60,
        used: 0,
        held: 50,
        asked: 20,
        retryAt: null,
        never: false,
      },
      {
        subject: "spawn",
        requestId: "request b",
        agentId: "b",
        taskId: "task b",
        at: "2026-03-02T12:00:02.000Z",
        reason: "daily_token_limit",
        limit: 60,
        used: 60,
        held: 50,
        asked: 1,
        retryAt: "2026-03-03T00:00:00.000Z",
        never: false,
      },
    ])
  },

  "in soft mode an agent says what hard mode would have refused it first": (m) => {
    const operations = [
      spawn("a"),
      hold("h", "a", 61),
      settle("h", 100),
      hold("i", "a", 1),
      spawn("b"),
    ]
    const { agentUsage } = m.summary.summarise(after(m, soft(SETTINGS), operations))
    expect(agentUsage.map(({ wouldRefuse }) => wouldRefuse)).toEqual([
      "agent_token_limit",
      "daily_token_limit",
    ])
  },

  "an overshoot is bounded by 0 only while every call is held first": (m) => {
    const found = overshoots.map(([settings, operations]) => {
      const budget = after(m, settings, operations)
      return [m.summary.overshootBound(budget), m.summary.overshootEstimate(budget)]
    })
    expect(found).toEqual(overshoots.map(([, , bound, estimate]) => [bound, estimate]))
  },

  "beyond the newest thousand, ended agents are counted instead of listed": (m) => {
    const lives = Array.from({ length: 1002 }, (_, n) => [
      spawn(`${n}`),
      report(`${n}`, n < 2 ? 3 : 0),
      end(`${n}`),
    ])
    const { agentUsage, omittedAgents, dailyTokensUsed } = m.summary.summarise(
      after(m, SETTINGS, lives.flat()),
    )
    expect([agentUsage.length, agentUsage.some(({ agentId }) => agentId === "1")]).toEqual([
      1000,
      false,
    ])
    expect(omittedAgents).toEqual({ agents: 2, windowTokens: 6 })
    expect(dailyTokensUsed).toBe(6)
  },
}
