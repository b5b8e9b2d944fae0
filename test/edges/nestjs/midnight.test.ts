import { describe, expect, it } from "vitest"
import { office } from "./application.ts"

const DAY_MS = 24 * 60 * 60_000

describe("the first report after midnight", () => {
  it("is counted, though its account was idle all day and no timer has fired yet", async () => {
    const { budget, clock } = await office()
    budget.recordUsage("reviewer", "t", 100, 0)
    clock.advanceTo(clock.now() + DAY_MS)
    // Two days on, by the wall clock alone: the alarm for the day's end has not rung.
    clock.step(clock.now() + DAY_MS)
    budget.recordUsage("reviewer", "t", 7, 0)
    expect(budget.getUsageSummary()).toMatchObject({ dailyTokensUsed: 7 })
    expect(budget.isAgentOverBudget("reviewer").totalTokens).toBe(7)
  })
})
