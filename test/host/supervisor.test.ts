import { describe, expect, it } from "vitest"
import {
  AdmissionRefused,
  type AgentContext,
  type Fact,
  HoldRefused,
  InvalidRequest,
} from "../../src/index.ts"
import { gate, MINUTE_MS, NOON, settled, startFleet, untilStopped } from "./fleet.ts"

describe("an agent's life", () => {
  it("is admitted, works, and ends completed with what it used", async () => {
    const { supervisor } = await startFleet()
    const agent = await supervisor.spawn({
      taskId: "fix-1",
      run: async ({ hold, recordUsage }) => {
        const held = await hold(1_000)
        await held.settle({ inputTokens: 300, outputTokens: 200 })
        recordUsage({ inputTokens: 10, cacheReadTokens: 5_000 })
      },
    })
    const ended = await agent.ended
    expect(ended).toMatchObject({
      taskId: "fix-1",
      state: "ended",
      reason: "completed",
      mechanism: "exited",
      totalTokens: 510,
      rawTokens: 5_510,
      heldTokens: 0,
    })
    expect(supervisor.summary()).toMatchObject({ dailyTokensUsed: 510, activeAgents: 0 })
    await supervisor.close()
  })

  it("ends failed with the error's words when its function throws", async () => {
    const { supervisor } = await startFleet()
    const agent = await supervisor.spawn({
      taskId: "t",
      run: () => Promise.reject(new Error("no such branch")),
    })
    expect(await agent.ended).toMatchObject({ reason: "failed", error: "no such branch" })
    await supervisor.close()
  })

  it("is interrupted and ends cancelled when somebody stops it", async () => {
    const { supervisor } = await startFleet()
    const agent = await supervisor.spawn({ taskId: "t", run: untilStopped })
    await settled()
    expect(await agent.stop()).toMatchObject({ reason: "cancelled", mechanism: "interrupted" })
    await supervisor.close()
  })

  it("keeps its slot and says so while it ignores its signal", async () => {
    const { supervisor, clock } = await startFleet({ maxConcurrentAgents: 1, graceSeconds: 2 })
    const over = gate()
    const agent = await supervisor.spawn({ agentId: "deaf", taskId: "t", run: () => over.opened })
    await settled()
    agent.stop()
    clock.advanceTo(NOON + 60_000)
    expect(agent.summary()).toMatchObject({ state: "unkillable", reason: "cancelled" })
    await expect(supervisor.spawn({ taskId: "next", run: () => {} })).rejects.toThrow(
      "concurrency_limit",
    )
    over.open()
    expect(await agent.ended).toMatchObject({ reason: "cancelled", mechanism: "interrupted" })
    expect(supervisor.summary().activeAgents).toBe(0)
    await supervisor.close()
  })

  it("is stopped at its deadline, and queueing for a slot does not count", async () => {
    const { supervisor, clock } = await startFleet({
      maxTaskDurationMinutes: 10,
      maxConcurrentAgents: 1,
    })
    const first = await supervisor.spawn({ taskId: "a", run: untilStopped })
    const queued = supervisor.spawn({ taskId: "b", queue: true, run: untilStopped })
    await settled()
    clock.advanceTo(NOON + 10 * MINUTE_MS - 1)
    expect(first.summary()?.state).toBe("running")
    clock.advanceTo(NOON + 10 * MINUTE_MS)
    expect(await first.ended).toMatchObject({ reason: "duration_limit" })
    const second = await queued
    expect(second.summary()?.deadlineAt).toBe(new Date(NOON + 20 * MINUTE_MS).toISOString())
    await second.stop()
    await supervisor.close()
  })
})

describe("admission", () => {
  it("refuses at the cap in both modes, with numbers, and changes nothing", async () => {
    for (const enforceHardLimits of [true, false]) {
      const { supervisor } = await startFleet({ maxConcurrentAgents: 1, enforceHardLimits })
      const first = await supervisor.spawn({ taskId: "a", run: untilStopped })
      const refused = await supervisor.spawn({ taskId: "b", run: () => {} }).catch((e) => e)
      expect(refused).toBeInstanceOf(AdmissionRefused)
      expect(refused.refusal).toMatchObject({
        reason: "concurrency_limit",
        limit: 1,
        used: 1,
        never: false,
        retryAt: null,
      })
      expect(supervisor.summary()).toMatchObject({ activeAgents: 1 })
      expect(supervisor.summary().refused).toHaveLength(1)
      await first.stop()
      await supervisor.close()
    }
  })

  it("queues for a slot in order, and nobody overtakes", async () => {
    const { supervisor } = await startFleet({ maxConcurrentAgents: 1 })
    const order: string[] = []
    const gates = new Map(["a", "b", "c", "d"].map((name) => [name, gate()] as const))
    const spawned = [...gates].map(([name, { opened }]) =>
      supervisor.spawn({
        agentId: name,
        taskId: "t",
        queue: true,
        run: () => {
          order.push(name)
          return opened
        },
      }),
    )
    for (const [, { open }] of gates) {
      await settled()
      open()
      await settled()
    }
    await Promise.all(spawned.map(async (agent) => (await agent).ended))
    expect(order).toEqual(["a", "b", "c", "d"])
    await supervisor.close()
  })

  it("takes a request out of the queue when its asker gives up", async () => {
    const { supervisor } = await startFleet({ maxConcurrentAgents: 1 })
    const first = await supervisor.spawn({ taskId: "a", run: untilStopped })
    const giving = new AbortController()
    const waiting = supervisor.spawn({
      agentId: "b",
      taskId: "b",
      queue: true,
      signal: giving.signal,
      run: () => {},
    })
    await settled()
    giving.abort(new Error("never mind"))
    await expect(waiting).rejects.toThrow("never mind")
    await first.stop()
    await settled()
    expect(supervisor.summary().agentUsage.map(({ agentId }) => agentId)).not.toContain("b")
    await supervisor.close()
  })

  it("gives the same request id the same answer, and other content a conflict", async () => {
    const { supervisor } = await startFleet({ maxConcurrentAgents: 1 })
    const ask = (taskId: string) =>
      supervisor.spawn({ requestId: "r1", agentId: "a", taskId, run: untilStopped })
    const first = await ask("t")
    expect(await ask("t")).toBe(first)
    await expect(ask("other")).rejects.toBeInstanceOf(InvalidRequest)
    await first.stop()
    await supervisor.close()
  })

  it("keeps a refusal sticky even after room appeared", async () => {
    const { supervisor } = await startFleet({ maxConcurrentAgents: 1 })
    const first = await supervisor.spawn({ taskId: "a", run: untilStopped })
    const ask = () =>
      supervisor.spawn({ requestId: "r2", agentId: "b", taskId: "t", run: () => {} })
    await expect(ask()).rejects.toThrow("concurrency_limit")
    await first.stop()
    await expect(ask()).rejects.toThrow("concurrency_limit")
    await supervisor.close()
  })

  it("refuses a name that a live agent has, before anything happens", async () => {
    const { supervisor } = await startFleet()
    const agent = await supervisor.spawn({ agentId: "a", taskId: "t", run: untilStopped })
    await expect(
      supervisor.spawn({ agentId: "a", taskId: "t", run: () => {} }),
    ).rejects.toBeInstanceOf(InvalidRequest)
    await agent.stop()
    await supervisor.close()
  })

  it("answers canSpawn without leaving a trace", async () => {
    const { supervisor } = await startFleet({ maxConcurrentAgents: 0 })
    expect(supervisor.canSpawn()).toMatchObject({
      allowed: false,
      refusal: { reason: "concurrency_limit", never: true },
    })
    expect(supervisor.summary().refused).toEqual([])
    await supervisor.close()
  })
})

describe("tokens", () => {
  const spawnWith = async (
    budget: Parameters<typeof startFleet>[0],
    run: (context: AgentContext) => Promise<unknown>,
  ) => {
    const fleet = await startFleet(budget)
    const agent = await fleet.supervisor.spawn({ agentId: "a", taskId: "t", run })
    return { ...fleet, agent }
  }

  it("stops a reserved agent at the hold its own limit refuses, with overshoot 0", async () => {
    const { agent, supervisor } = await spawnWith(
      { perAgentTokenLimit: 100 },
      async ({ hold, signal }) => {
        await (await hold(60)).settle({ outputTokens: 60 })
        await expect(hold(41)).rejects.toBeInstanceOf(HoldRefused)
        await untilStopped({ signal })
      },
    )
    expect(await agent.ended).toMatchObject({ reason: "agent_token_limit", totalTokens: 60 })
    expect(supervisor.summary().overrunTokens).toBe(0)
    await supervisor.close()
  })

  it("stops a metered agent at the report that reaches its limit, and records it in full", async () => {
    const { agent, supervisor } = await spawnWith(
      { perAgentTokenLimit: 100 },
      async ({ recordUsage, signal }) => {
        expect(recordUsage({ outputTokens: 96 })).toEqual({
          totalTokens: 96,
          remaining: 4,
          verdict: "wrap_up",
        })
        expect(recordUsage({ outputTokens: 50 }).verdict).toBe("stop")
        await untilStopped({ signal })
      },
    )
    expect(await agent.ended).toMatchObject({ reason: "agent_token_limit", totalTokens: 146 })
    await supervisor.close()
  })

  it("charges a hold that nobody settled, and lets a late settle correct it", async () => {
    const { agent, supervisor, clock } = await spawnWith(
      { holdTimeoutMinutes: 15 },
      async ({ hold, signal }) => {
        const held = await hold(1_000)
        await untilStopped({ signal })
        await held.settle({ inputTokens: 400 })
      },
    )
    await settled()
    clock.advanceTo(NOON + 15 * MINUTE_MS)
    expect(supervisor.summary()).toMatchObject({
      dailyTokensUsed: 1_000,
      uncertainTokens: 1_000,
      heldTokens: 0,
    })
    await agent.stop()
    expect(supervisor.summary()).toMatchObject({ dailyTokensUsed: 400, uncertainTokens: 0 })
    await supervisor.close()
  })

  it("gives a voided hold back and settles a hold only once", async () => {
    const { agent, supervisor } = await spawnWith({}, async ({ hold, remaining }) => {
      await (await hold(500)).void()
      expect(remaining()).toBe(2_000_000)
      const held = await hold(500)
      await held.settle({ inputTokens: 100 })
      await held.settle({ inputTokens: 400 })
    })
    expect(await agent.ended).toMatchObject({ reason: "completed", totalTokens: 100 })
    await supervisor.close()
  })

  it("names the field of a wrong amount and records nothing", async () => {
    const { agent, supervisor } = await spawnWith({}, async ({ recordUsage, hold }) => {
      for (const wrong of [Number.NaN, -1, 1.5, 2 ** 53, "7", null])
        expect(() => recordUsage({ outputTokens: wrong as number })).toThrow(/^usage.outputTokens:/)
      expect(() => recordUsage({ tokens: 3 } as object)).toThrow(/^usage.tokens:/)
      await expect(hold(Number.NaN)).rejects.toThrow(/^tokens: found NaN/)
    })
    expect(await agent.ended).toMatchObject({ reason: "completed", totalTokens: 0 })
    await supervisor.close()
  })

  it("lets soft mode pass what hard mode refuses, and flags it once per threshold", async () => {
    const { supervisor } = await startFleet({ perAgentTokenLimit: 100, enforceHardLimits: false })
    const warned: string[] = []
    supervisor.on("agent.warned", ({ status }) => warned.push(status))
    const agent = await supervisor.spawn({
      taskId: "t",
      run: async ({ hold, recordUsage }) => {
        await (await hold(150)).settle({ outputTokens: 150 })
        recordUsage({ outputTokens: 10 })
      },
    })
    expect(await agent.ended).toMatchObject({
      reason: "completed",
      totalTokens: 160,
      wouldRefuse: "agent_token_limit",
    })
    expect(warned).toEqual(["approaching_limit", "at_limit", "exceeded"])
    await supervisor.close()
  })

  it("stops metered agents when the day is full and opens again with the next day", async () => {
    const { supervisor, clock } = await startFleet({ dailyTokenLimit: 100 })
    const facts: Fact["type"][] = []
    supervisor.on("status.changed", (fact) => facts.push(fact.type))
    const other = await supervisor.spawn({
      agentId: "other",
      taskId: "t",
      run: async ({ recordUsage, signal }) => {
        recordUsage({ inputTokens: 1 })
        await untilStopped({ signal })
      },
    })
    await settled()
    const spender = await supervisor.spawn({
      agentId: "spender",
      taskId: "t",
      run: async ({ recordUsage }) => {
        recordUsage({ inputTokens: 99 })
      },
    })
    expect(await other.ended).toMatchObject({ reason: "daily_token_limit" })
    expect(await spender.ended).toMatchObject({ reason: "daily_token_limit" })
    expect(supervisor.summary()).toMatchObject({ budgetStatus: "exceeded", dailyUsagePercent: 100 })
    await expect(supervisor.spawn({ taskId: "u", run: () => {} })).rejects.toMatchObject({
      refusal: { reason: "daily_token_limit", retryAt: "2026-03-11T00:00:00.000Z" },
    })
    clock.advanceTo(Date.UTC(2026, 2, 11))
    expect(supervisor.summary()).toMatchObject({
      dailyTokensUsed: 0,
      budgetStatus: "within_budget",
      agentUsage: [],
    })
    const next = await supervisor.spawn({ taskId: "u", run: () => {} })
    expect(await next.ended).toMatchObject({ reason: "completed" })
    expect(facts).toHaveLength(2)
    await supervisor.close()
  })

  it("treats an agent that a lowered limit fills as if it had just become full", async () => {
    const { agent, supervisor } = await spawnWith({}, async ({ recordUsage, signal }) => {
      recordUsage({ inputTokens: 500 })
      await untilStopped({ signal })
    })
    await settled()
    await supervisor.setBudget({ perAgentTokenLimit: 400 })
    expect(await agent.ended).toMatchObject({ reason: "agent_token_limit" })
    await supervisor.close()
  })
})

describe("coming to an end", () => {
  it("drains: admits nobody more, refuses the queue, waits for the last", async () => {
    const { supervisor } = await startFleet({ maxConcurrentAgents: 1 })
    const over = gate()
    const agent = await supervisor.spawn({ taskId: "a", run: () => over.opened })
    const queued = supervisor.spawn({ taskId: "b", queue: true, run: () => {} })
    queued.catch(() => {})
    await settled()
    const drained = supervisor.drain()
    await expect(queued).rejects.toThrow("draining")
    await expect(supervisor.spawn({ taskId: "c", run: () => {} })).rejects.toThrow("draining")
    over.open()
    await drained
    expect(await agent.ended).toMatchObject({ reason: "completed" })
    await supervisor.close()
  })

  it("closes: stops everybody with reason shutdown", async () => {
    const { supervisor } = await startFleet()
    const agent = await supervisor.spawn({ taskId: "a", run: untilStopped })
    await settled()
    await supervisor.close()
    expect(await agent.ended).toMatchObject({ reason: "shutdown", mechanism: "interrupted" })
  })

  it("publishes one summary for many reports", async () => {
    const { supervisor, clock } = await startFleet()
    let summaries = 0
    supervisor.on("summary", () => {
      summaries += 1
    })
    const agent = await supervisor.spawn({
      taskId: "a",
      run: ({ recordUsage }) => {
        for (let call = 0; call < 1_000; call += 1) recordUsage({ inputTokens: 1 })
      },
    })
    await agent.ended
    clock.advanceTo(NOON + 1_000)
    expect(summaries).toBe(1)
    await supervisor.close()
  })
})
