/** What the guides promise, tried by somebody who wants to break it. */
import { randomUUID } from "node:crypto"
import { describe, expect, it } from "vitest"
import { type AgentContext, type Clock, type Held, startSupervisor } from "../../src/index.ts"
import { gate, NOON, settled, startFleet, untilStopped } from "./fleet.ts"

const DAY_MS = 86_400_000

describe("the same request id", () => {
  it("asked twice at once starts one agent, also when its name is generated", async () => {
    const { supervisor } = await startFleet()
    const ask = () => supervisor.spawn({ taskId: "t", requestId: "r", run: untilStopped })
    const [first, second] = await Promise.all([ask(), ask()])
    expect(second).toBe(first)
    expect(await ask()).toBe(first)
    expect(supervisor.summary().activeAgents).toBe(1)
    await supervisor.close()
  })

  it("asked twice in line is answered twice", async () => {
    const { supervisor } = await startFleet({ maxConcurrentAgents: 1 })
    const first = await supervisor.spawn({ taskId: "t", run: untilStopped })
    const ask = () =>
      supervisor.spawn({ taskId: "q", requestId: "r", queue: true, run: untilStopped })
    const asked = [ask(), ask()]
    await settled()
    expect(supervisor.waiting()).toBe(1)
    await first.stop()
    const [one, other] = await Promise.all(asked)
    expect(other).toBe(one)
    await supervisor.close()
  })

  it("with other content is a conflict while the first is still in line", async () => {
    const { supervisor } = await startFleet({ maxConcurrentAgents: 1 })
    await supervisor.spawn({ taskId: "t", run: untilStopped })
    const waits = supervisor.spawn({ taskId: "q", requestId: "r", queue: true, run: () => {} })
    const other = supervisor.spawn({ taskId: "other", requestId: "r", queue: true, run: () => {} })
    await expect(other).rejects.toMatchObject({ _tag: "InvalidRequest", field: "id" })
    const refused = expect(waits).rejects.toMatchObject({ refusal: { reason: "draining" } })
    await supervisor.close()
    await refused
  })
})

describe("the same hold id asked twice at once", () => {
  const during = async (work: (context: AgentContext) => Promise<void>): Promise<number> => {
    const { supervisor } = await startFleet({ perAgentTokenLimit: 100 })
    const agent = await supervisor.spawn({ taskId: "t", run: work })
    expect(await agent.ended).toMatchObject({ error: null })
    await supervisor.close()
    return supervisor.summary().refused.length
  }

  it("is held once", () =>
    during(async ({ hold, remaining }) => {
      const held = await Promise.all([hold(10, { id: "h" }), hold(10, { id: "h" })])
      expect(held.map(({ id }) => id)).toEqual(["h", "h"])
      expect(remaining()).toBe(90)
    }))

  it("is a conflict when the amounts differ", () =>
    during(async ({ hold }) => {
      const first = hold(10, { id: "h" })
      await expect(hold(11, { id: "h" })).rejects.toMatchObject({ _tag: "InvalidRequest" })
      await first
    }))

  it("is refused once, and costs no patience", async () => {
    const refused = await during(async ({ hold, signal }) => {
      await hold(60)
      const asked = await Promise.allSettled([1, 2, 3, 4].map(() => hold(50, { id: "h" })))
      expect(asked.map(({ status }) => status)).toEqual(Array(4).fill("rejected"))
      expect(signal.aborted).toBe(false)
    })
    expect(refused).toBe(1)
  })
})

describe("a listener", () => {
  it("reads what it is told, and what it does is done at once", async () => {
    const { supervisor } = await startFleet({ maxConcurrentAgents: 1 })
    const seen: unknown[] = []
    supervisor.on("agent.ended", ({ agent: { agentId } }) => {
      const { activeAgents, agentUsage } = supervisor.summary()
      seen.push([activeAgents, agentUsage[0]?.state, supervisor.agent(agentId)])
      seen.push(supervisor.canSpawn().allowed)
    })
    supervisor.on("agent.admitted", ({ agentId }) => {
      const reckoning = supervisor.agent(agentId)?.recordUsage({ inputTokens: 7 })
      seen.push(reckoning?.totalTokens)
    })
    const agent = await supervisor.spawn({ taskId: "t", run: () => {} })
    await agent.ended
    expect(seen).toEqual([7, [0, "ended", undefined], true])
    await supervisor.close()
  })
})

describe("a function", () => {
  it.each([
    ["an object without a text", Object.create(null)],
    ["an error whose message is no text", Object.assign(new Error("x"), { message: Symbol("m") })],
    ["nothing", undefined],
  ])("that throws %s ends failed", async (_what, thrown) => {
    const { supervisor } = await startFleet()
    const throwing = () => {
      throw thrown
    }
    const agent = await supervisor.spawn({ taskId: "t", run: throwing })
    const { reason, error } = await agent.ended
    expect(reason).toBe("failed")
    expect(typeof error).toBe("string")
    await supervisor.close()
  })

  it("may have a task with the longest name there is", async () => {
    const { supervisor } = await startFleet()
    const taskId = "x".repeat(256)
    const agent = await supervisor.spawn({ taskId, run: () => {} })
    expect(agent.taskId).toBe(taskId)
    expect(agent.agentId).toHaveLength(256)
    await supervisor.close()
  })
})

describe("a signal", () => {
  it("aborted after the admission takes nothing back", async () => {
    const { supervisor } = await startFleet()
    const controller = new AbortController()
    supervisor.on("agent.admitted", () => controller.abort())
    const asked = supervisor.spawn({ taskId: "t", signal: controller.signal, run: untilStopped })
    const agent = await asked
    expect(supervisor.summary().activeAgents).toBe(1)
    await agent.stop()
    await supervisor.close()
  })
})

describe("a closed supervisor", () => {
  it("answers everybody, and takes nothing that no row would remember", async () => {
    const { supervisor } = await startFleet()
    const kept = gate<readonly [AgentContext, Held]>()
    const agent = await supervisor.spawn({
      taskId: "t",
      run: async (context) => kept.open([context, await context.hold(50)]),
    })
    await agent.ended
    const [context, held] = await kept.opened
    await supervisor.close()
    const draining = { refusal: { reason: "draining", never: true } }
    for (const options of [{}, { requestId: randomUUID() }, { queue: true }])
      await expect(
        supervisor.spawn({ taskId: "t", run: () => {}, ...options }),
      ).rejects.toMatchObject(draining)
    await expect(context.hold(1)).rejects.toMatchObject(draining)
    await expect(context.hold(1, { id: "h" })).rejects.toMatchObject(draining)
    const closed = { _tag: "LedgerUnavailable", reason: "closed" }
    await expect(supervisor.setBudget({ dailyTokenLimit: 1 })).rejects.toMatchObject(closed)
    await expect(held.settle({ inputTokens: 1 })).rejects.toMatchObject(closed)
    await supervisor.drain()
    await supervisor.close()
    expect(supervisor.summary()).toMatchObject({ dailyTokensUsed: 50, uncertainTokens: 50 })
  })
})

describe("the process", () => {
  it("stays while somebody waits in line, and until then only for the living", async () => {
    const wanted: boolean[] = []
    const { clock: virtual } = await startFleet()
    const clock: Clock = { ...virtual, keepAlive: (want) => wanted.push(want) }
    const supervisor = await startSupervisor({ clock, budget: { dailyTokenLimit: 10 } })
    const spender = await supervisor.spawn({
      taskId: "t",
      run: ({ recordUsage }) => recordUsage({ inputTokens: 10 }),
    })
    await spender.ended
    expect(wanted.at(-1)).toBe(false)
    const waits = { queue: true, waitForReset: true, run: () => {} }
    const controller = new AbortController()
    const givesUp = supervisor.spawn({ ...waits, taskId: "a", signal: controller.signal })
    const rejected = expect(givesUp).rejects.toThrow()
    expect(wanted.at(-1)).toBe(true)
    controller.abort()
    await rejected
    expect(wanted.at(-1)).toBe(false)
    const asked = supervisor.spawn({ ...waits, taskId: "b" })
    expect(wanted.at(-1)).toBe(true)
    virtual.advanceTo(NOON + DAY_MS / 2)
    expect(await (await asked).ended).toMatchObject({ reason: "completed" })
    expect(wanted.at(-1)).toBe(false)
    await supervisor.close()
  })
})
