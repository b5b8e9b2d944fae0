/** `agentStarted` and `agentStopped`: slots of the supervisor, tied to nobody's name. */
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import type { Fact } from "../../../src/index.ts"
import { DAY_MS, listening, MINUTE_MS, NOON, office, settled } from "./application.ts"

const untilStopped = ({ signal }: { readonly signal: AbortSignal }) =>
  new Promise((resolve) => signal.addEventListener("abort", resolve))

describe("agentStarted and agentStopped", () => {
  it("hold and free slots that everybody shares", async () => {
    const { budget, supervisor } = await office({ maxConcurrentAgents: 2 })
    budget.agentStarted()
    const agent = await supervisor.spawn({ taskId: "t", run: untilStopped })
    expect(budget.getUsageSummary().activeAgents).toBe(2)
    await expect(supervisor.spawn({ taskId: "t", run: untilStopped })).rejects.toMatchObject({
      refusal: { reason: "concurrency_limit" },
    })
    budget.agentStopped()
    expect(budget.getUsageSummary().activeAgents).toBe(1)
    await agent.stop()
    expect(budget.getUsageSummary().activeAgents).toBe(0)
  })

  it("never go below zero", async () => {
    const { budget } = await office()
    budget.agentStopped()
    budget.agentStarted()
    budget.agentStopped()
    budget.agentStopped()
    expect(budget.getUsageSummary().activeAgents).toBe(0)
    budget.agentStarted()
    expect(budget.getUsageSummary().activeAgents).toBe(1)
  })

  it("are no agents of the breakdown unless usage is recorded for one", async () => {
    const { budget, supervisor } = await office()
    budget.agentStarted()
    budget.agentStarted()
    expect(budget.getUsageSummary().agentUsage).toEqual([])
    expect(supervisor.summary().agentUsage.map((agent) => agent.agentId)).toEqual([
      "anonymous-1",
      "anonymous-2",
    ])
    budget.recordUsage("anonymous-2", "t", 5, 0)
    expect(budget.getUsageSummary().agentUsage).toMatchObject([
      { agentId: "anonymous-2", totalTokens: 5 },
    ])
  })

  it("pass over a name that somebody else has", async () => {
    const { budget, supervisor } = await office()
    budget.recordUsage("anonymous-1", "t", 1, 0)
    budget.agentStarted()
    expect(supervisor.summary().agentUsage.map((agent) => agent.agentId)).toEqual([
      "anonymous-1",
      "anonymous-2",
    ])
  })

  it("end as completed, the oldest first", async () => {
    const { budget, supervisor, clock } = await office()
    const ended: Extract<Fact, { type: "agent.ended" }>[] = []
    supervisor.on("agent.ended", (fact) => ended.push(fact))
    budget.agentStarted()
    clock.advanceTo(NOON + MINUTE_MS)
    budget.agentStarted()
    budget.agentStopped()
    expect(ended.map(({ agent }) => [agent.agentId, agent.reason])).toEqual([
      ["anonymous-1", "completed"],
    ])
  })

  it("free the slot at the deadline when nobody says that it stopped", async () => {
    const { budget, supervisor, clock } = await office({ maxTaskDurationMinutes: 30 })
    budget.agentStarted()
    await settled()
    clock.advanceTo(NOON + 30 * MINUTE_MS - 1)
    expect(budget.getUsageSummary().activeAgents).toBe(1)
    clock.advanceTo(NOON + 30 * MINUTE_MS)
    await settled()
    expect(budget.getUsageSummary().activeAgents).toBe(0)
    expect(supervisor.summary().agentUsage).toMatchObject([
      { agentId: "anonymous-1", reason: "duration_limit", mechanism: "vanished" },
    ])
    budget.agentStopped()
    expect(budget.getUsageSummary().activeAgents).toBe(0)
  })

  it("free the slot at a deadline that comes before their work could begin", async () => {
    const { budget, clock } = await office({ maxTaskDurationMinutes: 30 })
    budget.agentStarted()
    clock.advanceTo(NOON + 30 * MINUTE_MS)
    await settled()
    expect(budget.getUsageSummary().activeAgents).toBe(0)
  })
})

describe("an agent started past the cap", () => {
  it("counts as active, and takes the next slot before anybody else may start", async () => {
    const { budget, supervisor } = await office({ maxConcurrentAgents: 1 })
    budget.agentStarted()
    budget.agentStarted()
    expect(budget.getUsageSummary().activeAgents).toBe(2)
    expect(supervisor.summary().activeAgents).toBe(1)
    budget.agentStopped()
    expect(budget.getUsageSummary().activeAgents).toBe(1)
    expect(budget.canSpawnAgent().allowed).toBe(false)
    budget.agentStopped()
    expect(budget.canSpawnAgent().allowed).toBe(true)
  })

  it("waits behind named agents too, and leaves the line when it stops", async () => {
    const { budget, supervisor } = await office({ maxConcurrentAgents: 1 })
    const agent = await supervisor.spawn({ taskId: "t", run: untilStopped })
    budget.agentStarted()
    expect(budget.getUsageSummary().activeAgents).toBe(2)
    budget.agentStopped()
    expect(budget.getUsageSummary().activeAgents).toBe(1)
    await agent.stop()
    expect(budget.getUsageSummary().activeAgents).toBe(0)
  })

  it("counts as the original's counter did, and the cap holds, whatever the order", async () => {
    const steps = fc.array(fc.boolean(), { maxLength: 30 })
    await fc.assert(
      fc.asyncProperty(steps, fc.integer({ min: 1, max: 4 }), async (starts, cap) => {
        const { budget, supervisor, application } = await office({ maxConcurrentAgents: cap })
        let counter = 0
        for (const starting of starts) {
          if (starting) budget.agentStarted()
          else budget.agentStopped()
          counter = starting ? counter + 1 : Math.max(0, counter - 1)
          expect(budget.getUsageSummary().activeAgents).toBe(counter)
          expect(budget.canSpawnAgent().allowed).toBe(counter < cap)
          expect(supervisor.summary().activeAgents).toBe(Math.min(counter, cap))
        }
        await application.close()
      }),
      { numRuns: 40 },
    )
  })
})

describe("an agent started against a refusal", () => {
  it("holds no slot, and its stop frees nobody else's", async () => {
    const { budget, clock } = await office({ dailyTokenLimit: 100 })
    budget.agentStarted()
    budget.recordUsage("a", "t", 100, 0)
    budget.agentStarted()
    expect(budget.getUsageSummary().activeAgents).toBe(1)
    budget.agentStopped()
    expect(budget.getUsageSummary().activeAgents).toBe(1)
    budget.agentStopped()
    expect(budget.getUsageSummary().activeAgents).toBe(0)
    clock.step(NOON + DAY_MS)
    budget.agentStarted()
    expect(budget.getUsageSummary().activeAgents).toBe(1)
  })

  it("may have been in line when the day became full", async () => {
    const { budget } = await office({ dailyTokenLimit: 100, maxConcurrentAgents: 1 })
    budget.agentStarted()
    budget.agentStarted()
    budget.recordUsage("a", "t", 100, 0)
    // It lacks a slot first; what the day has to say is said when there is one.
    expect(budget.getUsageSummary().activeAgents).toBe(2)
    budget.agentStopped()
    expect(budget.getUsageSummary().activeAgents).toBe(0)
    budget.agentStopped()
    expect(budget.getUsageSummary().activeAgents).toBe(0)
  })

  it("is told to the log", async () => {
    const { logger, lines } = listening()
    const { budget } = await office({ maxConcurrentAgents: 0, logger })
    budget.agentStarted()
    expect(lines).toMatchObject([
      { reason: "concurrency_limit", msg: expect.stringContaining("it holds no slot") },
    ])
    expect(budget.getUsageSummary().activeAgents).toBe(0)
  })
})
