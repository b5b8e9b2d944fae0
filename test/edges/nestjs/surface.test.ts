/** The original service's surface, call for call. */
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { DEFAULT_BUDGET, InvalidRequest } from "../../../src/edges/nestjs/index.ts"
import { DAY_MS, NOON, office } from "./application.ts"

describe("getBudget", () => {
  it("has the original's defaults", async () => {
    const { budget } = await office()
    expect(DEFAULT_BUDGET).toEqual({
      dailyTokenLimit: 10_000_000,
      perAgentTokenLimit: 2_000_000,
      maxConcurrentAgents: 10,
      maxTaskDurationMinutes: 120,
      enforceHardLimits: true,
    })
    expect(budget.getBudget()).toEqual(DEFAULT_BUDGET)
  })

  it("returns a copy", async () => {
    const { budget } = await office()
    budget.getBudget().dailyTokenLimit = 1
    expect(budget.getBudget()).toEqual(DEFAULT_BUDGET)
    expect(budget.canSpawnAgent()).toEqual({ allowed: true })
  })

  it("shows a limit that was changed while running", async () => {
    const { budget, supervisor } = await office()
    await supervisor.setBudget({ dailyTokenLimit: 5 })
    expect(budget.getBudget().dailyTokenLimit).toBe(5)
  })
})

describe("getUsageSummary", () => {
  it("is all zeros before anything happens", async () => {
    const { budget } = await office()
    expect(budget.getUsageSummary()).toEqual({
      dailyTokensUsed: 0,
      dailyTokenLimit: 10_000_000,
      dailyUsagePercent: 0,
      agentUsage: [],
      activeAgents: 0,
      maxConcurrentAgents: 10,
      budgetStatus: "within_budget",
    })
  })

  it("sees what was recorded right before it, agent by agent", async () => {
    const { budget } = await office({ dailyTokenLimit: 10_000, perAgentTokenLimit: 3_000 })
    budget.recordUsage("a", "t1", 100, 50)
    budget.recordUsage("b", "t2", 7, 0)
    budget.recordUsage("a", "t1", 1_000, 850)
    expect(budget.getUsageSummary()).toMatchObject({
      dailyTokensUsed: 2_007,
      dailyUsagePercent: 20.07,
      agentUsage: [
        {
          agentId: "a",
          taskId: "t1",
          inputTokens: 1_100,
          outputTokens: 900,
          totalTokens: 2_000,
          usagePercent: 66.67,
        },
        {
          agentId: "b",
          taskId: "t2",
          inputTokens: 7,
          outputTokens: 0,
          totalTokens: 7,
          usagePercent: 0.23,
        },
      ],
    })
  })

  it("keeps the task an agent's first record named", async () => {
    const { budget } = await office()
    budget.recordUsage("a", "first", 1, 1)
    budget.recordUsage("a", "second", 1, 1)
    expect(budget.getUsageSummary().agentUsage).toMatchObject([
      { agentId: "a", taskId: "first", totalTokens: 4 },
    ])
  })

  it.each([
    [799, "within_budget"],
    [800, "approaching_limit"],
    [949, "approaching_limit"],
    [950, "at_limit"],
    [999, "at_limit"],
    [1_000, "exceeded"],
    [1_001, "exceeded"],
  ])("with %i of 1000 tokens used the status is %s", async (used, status) => {
    const { budget } = await office({ dailyTokenLimit: 1_000 })
    budget.recordUsage("a", "t", used, 0)
    expect(budget.getUsageSummary().budgetStatus).toBe(status)
  })

  it("calls nothing a percentage of an unlimited budget", async () => {
    const { budget } = await office({ dailyTokenLimit: null, perAgentTokenLimit: null })
    budget.recordUsage("a", "t", 5_000_000, 0)
    expect(budget.getUsageSummary()).toMatchObject({
      dailyTokenLimit: null,
      dailyUsagePercent: 0,
      agentUsage: [{ usagePercent: 0 }],
      budgetStatus: "within_budget",
    })
  })

  it("calls a daily limit of 0 exceeded, and lets nobody start", async () => {
    const { budget } = await office({ dailyTokenLimit: 0 })
    expect(budget.getUsageSummary()).toMatchObject({
      dailyUsagePercent: 100,
      budgetStatus: "exceeded",
    })
    expect(budget.canSpawnAgent()).toEqual({
      allowed: false,
      reason: "Daily token budget exceeded (0/0)",
    })
  })

  it("starts the day anew at midnight, and keeps what an agent has used in its life", async () => {
    const { budget, clock } = await office({ dailyTokenLimit: 1_000, perAgentTokenLimit: 1_500 })
    budget.recordUsage("a", "t", 1_000, 0)
    clock.step(Date.UTC(2026, 2, 11))
    expect(budget.getUsageSummary()).toMatchObject({
      dailyTokensUsed: 0,
      budgetStatus: "within_budget",
      agentUsage: [{ agentId: "a", totalTokens: 1_000 }],
    })
    expect(budget.canSpawnAgent()).toEqual({ allowed: true })
    budget.recordUsage("a", "t", 500, 0)
    expect(budget.isAgentOverBudget("a")).toEqual({ overBudget: true, totalTokens: 1_500 })
    expect(budget.getUsageSummary().dailyTokensUsed).toBe(500)
  })

  it("forgets an agent that used nothing for a whole day, and counts it from 0 when it returns", async () => {
    const { budget, clock } = await office()
    budget.recordUsage("idle", "t", 10, 0)
    budget.recordUsage("busy", "t", 10, 0)
    clock.advanceTo(NOON + DAY_MS)
    budget.recordUsage("busy", "t", 10, 0)
    // The report itself is the first to know of the new day.
    clock.step(NOON + 2 * DAY_MS)
    budget.recordUsage("idle", "t", 3, 0)
    expect(budget.getUsageSummary().agentUsage).toMatchObject([
      { agentId: "busy", totalTokens: 20 },
      { agentId: "idle", totalTokens: 3 },
    ])
    expect(budget.getUsageSummary().dailyTokensUsed).toBe(3)
  })
})

describe("canSpawnAgent", () => {
  it("refuses at the daily limit in hard mode, with the numbers", async () => {
    const { budget } = await office({ dailyTokenLimit: 1_000 })
    budget.recordUsage("a", "t", 999, 0)
    expect(budget.canSpawnAgent()).toEqual({ allowed: true })
    budget.recordUsage("a", "t", 0, 11)
    expect(budget.canSpawnAgent()).toEqual({
      allowed: false,
      reason: "Daily token budget exceeded (1010/1000)",
    })
  })

  it("does not refuse at the daily limit in soft mode", async () => {
    const { budget } = await office({ dailyTokenLimit: 1_000, enforceHardLimits: false })
    budget.recordUsage("a", "t", 5_000, 0)
    expect(budget.getUsageSummary().budgetStatus).toBe("exceeded")
    expect(budget.canSpawnAgent()).toEqual({ allowed: true })
  })

  it.each([true, false])("refuses at the cap on agents (hard: %s)", async (enforceHardLimits) => {
    const { budget } = await office({ maxConcurrentAgents: 2, enforceHardLimits })
    budget.agentStarted()
    expect(budget.canSpawnAgent()).toEqual({ allowed: true })
    budget.agentStarted()
    expect(budget.canSpawnAgent()).toEqual({
      allowed: false,
      reason: "Maximum concurrent agents reached (2)",
    })
    budget.agentStopped()
    expect(budget.canSpawnAgent()).toEqual({ allowed: true })
  })

  it("names the tokens held for calls under way when they are in the way", async () => {
    const { budget, supervisor } = await office({ dailyTokenLimit: 100 })
    const agent = await supervisor.spawn({
      taskId: "t",
      run: ({ signal }) => new Promise((resolve) => signal.addEventListener("abort", resolve)),
    })
    await agent.hold(100)
    expect(budget.canSpawnAgent()).toEqual({
      allowed: false,
      reason: "Daily token budget exceeded (0 and 100 held/100)",
    })
  })

  it("says so when the limits leave no agent anything to use or no time to live", async () => {
    const noTokens = await office({ perAgentTokenLimit: 0 })
    expect(noTokens.budget.canSpawnAgent().reason).toContain("agent_token_limit")
    const noTime = await office({ maxTaskDurationMinutes: 0 })
    expect(noTime.budget.canSpawnAgent().reason).toContain("duration_limit")
  })
})

describe("isAgentOverBudget", () => {
  it("is over at the limit, not only past it", async () => {
    const { budget } = await office({ perAgentTokenLimit: 1_000 })
    budget.recordUsage("a", "t", 600, 399)
    expect(budget.isAgentOverBudget("a")).toEqual({ overBudget: false, totalTokens: 999 })
    budget.recordUsage("a", "t", 1, 0)
    expect(budget.isAgentOverBudget("a")).toEqual({ overBudget: true, totalTokens: 1_000 })
  })

  it("knows nothing bad of an agent it never saw", async () => {
    const { budget } = await office({ perAgentTokenLimit: 0 })
    expect(budget.isAgentOverBudget("nobody")).toEqual({ overBudget: false, totalTokens: 0 })
  })
})

describe("recordUsage", () => {
  it.each<readonly [string, readonly [string, string, number, number]]>([
    ["inputTokens", ["a", "t", Number.NaN, 0]],
    ["inputTokens", ["a", "t", -1, 0]],
    ["inputTokens", ["a", "t", 0.5, 0]],
    ["outputTokens", ["a", "t", 0, 2 ** 53]],
    ["outputTokens", ["a", "t", 0, Number.POSITIVE_INFINITY]],
    ["agentId", ["", "t", 0, 0]],
    ["taskId", ["a", "", 0, 0]],
  ])("refuses a wrong %s and counts nothing of it", async (field, call) => {
    const { budget } = await office()
    const record = () => budget.recordUsage(...call)
    expect(record).toThrow(InvalidRequest)
    expect(record).toThrow(expect.objectContaining({ field }))
    expect(budget.getUsageSummary()).toMatchObject({ dailyTokensUsed: 0, agentUsage: [] })
  })

  it("counts an agent it never saw even when the day is full", async () => {
    const { budget } = await office({ dailyTokenLimit: 100 })
    budget.recordUsage("a", "t", 100, 0)
    budget.recordUsage("late", "t", 7, 0)
    expect(budget.getUsageSummary().dailyTokensUsed).toBe(107)
    expect(budget.isAgentOverBudget("late")).toEqual({ overBudget: false, totalTokens: 7 })
  })

  it("adds up to the same totals as a plain sum, whatever the calls", async () => {
    const counts = fc.oneof(fc.nat({ max: 3 }), fc.nat({ max: 2_000_000 }))
    const call = fc.tuple(fc.constantFrom("a", "b", "c"), counts, counts)
    await fc.assert(
      fc.asyncProperty(fc.array(call, { maxLength: 40 }), fc.boolean(), async (calls, hard) => {
        const { budget, application } = await office({ enforceHardLimits: hard })
        const sums = new Map<string, number>()
        for (const [agentId, input, output] of calls) {
          budget.recordUsage(agentId, "t", input, output)
          sums.set(agentId, (sums.get(agentId) ?? 0) + input + output)
          const totalTokens = sums.get(agentId)
          expect(budget.isAgentOverBudget(agentId)).toMatchObject({ totalTokens })
        }
        const { dailyTokensUsed, agentUsage } = budget.getUsageSummary()
        expect(dailyTokensUsed).toBe([...sums.values()].reduce((a, b) => a + b, 0))
        expect(new Map(agentUsage.map((one) => [one.agentId, one.totalTokens]))).toEqual(sums)
        await application.close()
      }),
      { numRuns: 40 },
    )
  })
})
