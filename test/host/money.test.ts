/** Cost limits as function agents meet them: money beside the tokens of each hold and report. */
import * as Effect from "effect/Effect"
import { describe, expect, it } from "vitest"
import { BudgetSupervisor } from "../../src/effect.ts"
import { type AgentContext, type BudgetOptions, HoldRefused } from "../../src/index.ts"
import { settled, startFleet, untilStopped } from "./fleet.ts"

const DOLLAR = 1_000_000

/** One agent that does `work`; resolves with its end and the summary then. */
const run = async (budget: BudgetOptions, work: (context: AgentContext) => Promise<unknown>) => {
  const { supervisor } = await startFleet(budget)
  const agent = await supervisor.spawn({ agentId: "a", taskId: "t", run: work })
  const ended = await agent.ended
  const summary = supervisor.summary()
  await supervisor.close()
  return { ended, summary }
}

const refusalOf = async (held: Promise<unknown>) => {
  const error = await held.then(
    () => null,
    (reason: unknown) => reason,
  )
  if (error instanceof HoldRefused) return error.refusal
  throw new Error(`not refused: ${error}`)
}

describe("money of a function agent", () => {
  it("is held with the tokens, and settled to what the call cost", async () => {
    const { supervisor } = await startFleet({ dailyCostLimitMicroUsd: 5 * DOLLAR })
    const agent = await supervisor.spawn({ agentId: "a", taskId: "t", run: untilStopped })
    const held = await agent.hold(1_000, { costMicroUsd: 3 * DOLLAR })
    expect(supervisor.summary()).toMatchObject({
      dailyCostMicroUsd: 0,
      heldCostMicroUsd: 3 * DOLLAR,
    })
    await held.settle({ inputTokens: 400, costMicroUsd: DOLLAR + 1 })
    agent.recordUsage({ inputTokens: 10, costMicroUsd: 9 })
    expect(supervisor.summary()).toMatchObject({
      dailyCostMicroUsd: DOLLAR + 10,
      heldCostMicroUsd: 0,
      unpricedCalls: 0,
      agentUsage: [{ costMicroUsd: DOLLAR + 10, heldCostMicroUsd: 0 }],
    })
    await supervisor.close()
  })

  it("fits up to its limit and not a millionth beyond", async () => {
    const limit = { perAgentCostLimitMicroUsd: DOLLAR }
    const full = await run(limit, async ({ hold }) => {
      const held = await hold(1, { costMicroUsd: DOLLAR })
      await held.settle({ outputTokens: 1, costMicroUsd: DOLLAR - 1 })
      await (await hold(1, { costMicroUsd: 1 })).settle({ outputTokens: 1, costMicroUsd: 0 })
    })
    expect(full.ended).toMatchObject({ reason: "completed", costMicroUsd: DOLLAR - 1 })
    let refusal: unknown = null
    const over = await run(limit, async ({ hold }) => {
      refusal = await refusalOf(hold(1, { costMicroUsd: DOLLAR + 1 }))
    })
    expect(refusal).toMatchObject({
      reason: "cost_limit",
      limit: DOLLAR,
      asked: DOLLAR + 1,
      never: true,
    })
    expect(over.ended).toMatchObject({ reason: "cost_limit", costMicroUsd: 0 })
    expect(over.summary.overrunCostMicroUsd).toBe(0)
  })

  it("of the day is waited for until the day turns, and the agent goes on", async () => {
    let refusal: unknown = null
    const { ended } = await run({ dailyCostLimitMicroUsd: DOLLAR }, async ({ hold }) => {
      const held = await hold(1, { costMicroUsd: DOLLAR })
      await held.settle({ outputTokens: 1, costMicroUsd: DOLLAR })
      refusal = await refusalOf(hold(1, { costMicroUsd: 1 }))
    })
    expect(refusal).toMatchObject({ reason: "cost_limit", never: false, used: DOLLAR })
    expect(refusal).toMatchObject({ retryAt: "2026-03-11T00:00:00.000Z" })
    expect(ended.reason).toBe("completed")
  })

  it("stops a metered agent at the report that reaches its limit, and is recorded in full", async () => {
    const { ended } = await run({ perAgentCostLimitMicroUsd: DOLLAR }, async (context) => {
      context.recordUsage({ inputTokens: 1, costMicroUsd: DOLLAR - 1 })
      expect(context.signal.aborted).toBe(false)
      const { verdict } = context.recordUsage({ inputTokens: 1, costMicroUsd: 2 * DOLLAR })
      expect(verdict).toBe("stop")
      await untilStopped(context)
    })
    expect(ended).toMatchObject({ reason: "cost_limit", costMicroUsd: 3 * DOLLAR - 1 })
  })

  it("is flagged in soft mode, and nobody is stopped", async () => {
    const soft = { perAgentCostLimitMicroUsd: DOLLAR, enforceHardLimits: false }
    const { ended } = await run(soft, async ({ hold }) => {
      const held = await hold(1, { costMicroUsd: 2 * DOLLAR })
      await held.settle({ outputTokens: 1, costMicroUsd: 2 * DOLLAR })
    })
    expect(ended).toMatchObject({
      reason: "completed",
      wouldRefuse: "cost_limit",
      costMicroUsd: 2 * DOLLAR,
    })
  })

  it("of an agent may be limited lower than everybody's", async () => {
    const { supervisor } = await startFleet({ perAgentCostLimitMicroUsd: DOLLAR })
    const agent = await supervisor.spawn({
      taskId: "t",
      limits: { perAgentCostLimitMicroUsd: 10 },
      run: async ({ hold }) => hold(1, { costMicroUsd: 11 }),
    })
    expect(await agent.ended).toMatchObject({ reason: "cost_limit", costLimitMicroUsd: 10 })
    await supervisor.close()
  })

  it("of an amount that is none is refused before anything happens", async () => {
    const { supervisor } = await startFleet()
    const agent = await supervisor.spawn({ taskId: "t", run: untilStopped })
    for (const costMicroUsd of [-1, 0.5, Number.NaN])
      await expect(agent.hold(1, { costMicroUsd })).rejects.toMatchObject({
        _tag: "InvalidRequest",
        field: "costMicroUsd",
      })
    expect(() => agent.recordUsage({ inputTokens: 1, costMicroUsd: 0.5 })).toThrow(/costMicroUsd/)
    expect(supervisor.summary()).toMatchObject({ heldTokens: 0, dailyTokensUsed: 0 })
    await supervisor.close()
  })
})

describe("a call without a price", () => {
  it("is unboundable under a cost limit, and its agent may ask again with one", async () => {
    let refusal: unknown = null
    const { ended } = await run({ dailyCostLimitMicroUsd: DOLLAR }, async ({ hold }) => {
      refusal = await refusalOf(hold(1))
      await (await hold(1, { costMicroUsd: 5 })).settle({ outputTokens: 1, costMicroUsd: 5 })
    })
    expect(refusal).toMatchObject({ reason: "unboundable", never: true })
    expect(ended).toMatchObject({ reason: "completed", costMicroUsd: 5 })
  })

  it("passes with allowUnpriced, and is counted as one whose cost nobody knows", async () => {
    const budget = { dailyCostLimitMicroUsd: DOLLAR, allowUnpriced: true }
    const { ended, summary } = await run(budget, async ({ hold }) => {
      await (await hold(100)).settle({ outputTokens: 50 })
    })
    expect(ended).toMatchObject({ reason: "completed", costMicroUsd: 0, unpricedCalls: 1 })
    expect(summary).toMatchObject({ dailyCostMicroUsd: 0, unpricedCalls: 1, dailyTokensUsed: 50 })
  })

  it("is nobody's concern where no cost limit is set", async () => {
    const { ended } = await run({}, async ({ hold }) => {
      await (await hold(100)).settle({ outputTokens: 50 })
    })
    expect(ended).toMatchObject({ reason: "completed", unpricedCalls: 1 })
  })
})

it("the Effect door holds money too, and fails as typed when it does not fit", async () => {
  const program = Effect.gen(function* () {
    const door = yield* BudgetSupervisor
    const agent = yield* door.spawn({ agentId: "a", taskId: "t", run: untilStopped })
    yield* door.hold(agent, 10, { costMicroUsd: DOLLAR })
    const refused = yield* Effect.flip(door.hold(agent, 10, { costMicroUsd: 1 }))
    return { refused, held: (yield* door.summary).heldCostMicroUsd }
  })
  const layer = BudgetSupervisor.layer({ budget: { dailyCostLimitMicroUsd: DOLLAR } })
  const { refused, held } = await Effect.runPromise(Effect.provide(program, layer))
  expect(held).toBe(DOLLAR)
  expect(refused).toMatchObject({ _tag: "HoldRefused", refusal: { reason: "cost_limit", held } })
  await settled()
})
