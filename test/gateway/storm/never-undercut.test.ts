/** What the storm found: ways in which a bill could be larger than what was held or charged for it. */
import { afterEach, describe, expect, it } from "vitest"
import { startSupervisor } from "../../../src/host/start.ts"
import { functionRunner } from "../../../src/runners/function.ts"
import { anthropicBody, chatBody, openWorld, type World } from "../gateway-world.ts"
import type { Fault } from "../model-server.ts"
import { send } from "../wire.ts"

let world: World | null = null

afterEach(async () => {
  await world?.close()
  world = null
})

const open = async (...options: Parameters<typeof openWorld>): Promise<World> => {
  world = await openWorld(...options)
  return world
}

const billOf = ({ models }: World): number =>
  models.calls.reduce((sum, { inputTokens, outputTokens }) => sum + inputTokens + outputTokens, 0)

const BREAKS: readonly (readonly [string, Fault])[] = [
  ["reset before its head", { kind: "resetBeforeHeaders" }],
  ["reset after its head", { kind: "resetAfterHeaders" }],
  ["cut half way", { kind: "halfStream" }],
  ["silent half way", { kind: "silence", after: "half" }],
]

describe("an answer that breaks while its provider goes on", () => {
  it.each(BREAKS)("%s, is charged no less than it was billed", async (_, fault) => {
    const w = await open({ settings: { idleMs: 60 } })
    w.models.behave = () => ({ fault, answerTokens: 900, finishes: true })
    const body = anthropicBody({ stream: true, max_tokens: 1_000 })
    await send(`${w.base()}/v1/messages`, { headers: w.keyed(), body }).catch(() => null)
    await w.agent.until(({ holds, open: left }) => holds.length === 1 && left.length === 0)
    expect(billOf(w)).toBeGreaterThan(900)
    expect(w.agent.used).toBeGreaterThanOrEqual(billOf(w))
  })
})

it("an answer without usage is charged no less than a token a byte, and never beyond its hold", async () => {
  const w = await open()
  w.models.behave = () => ({ fault: { kind: "saysNoUsage" }, answerTokens: 100 })
  const body = chatBody({ stream: true, max_tokens: 4_000 })
  await send(`${w.base("openai")}/v1/chat/completions`, { headers: w.keyed(), body })
  const [hold] = w.agent.holds
  expect(hold?.end).toMatchObject({ kind: "settled", report: { provenance: "estimated" } })
  expect(w.agent.used).toBeGreaterThanOrEqual("tok ".length * 100)
  expect(w.agent.used).toBeLessThanOrEqual(hold?.tokens ?? 0)
})

it("a note to wind down is held for before it is put into a request", async () => {
  const ask = async (wrapUpNote: boolean) => {
    const w = await open({ settings: { wrapUpNote }, agent: { wrapUp: 500 } })
    await send(`${w.base()}/v1/messages`, { headers: w.keyed(), body: anthropicBody() })
    const [call] = w.models.calls
    const sent = { bytes: call?.body.length ?? 0, held: w.agent.asks[0]?.bound.inputTokens ?? 0 }
    await w.close()
    return sent
  }
  const plain = await ask(false)
  const noted = await ask(true)
  world = null
  expect(noted.bytes).toBeGreaterThan(plain.bytes)
  expect(noted.held - plain.held).toBeGreaterThanOrEqual(noted.bytes - plain.bytes)
})

it("an estimate that comes after the agent's end leaves the charge as it is", async () => {
  const supervisor = await startSupervisor()
  const over = Promise.withResolvers<void>()
  const runner = () => functionRunner(() => over.promise)
  const agent = await supervisor.run({ taskId: "late", enforcement: "reserved", runner })
  const bound = {
    inputTokens: 100,
    outputTokens: { least: 1, most: 900 },
    answers: 1,
    price: null,
  }
  const ask = {
    bound,
    isBounded: true,
    queue: false,
    isTentative: false,
    claims: "reserved",
  } as const
  const answers = await Promise.all(
    ["one", "another"].map(() => agent.calls.hold(ask, new AbortController().signal)),
  )
  over.resolve()
  await agent.ended
  const usage = { inputTokens: 1, outputTokens: 1, cacheReadTokens: 0, cacheWriteTokens: 0 }
  for (const [at, answer] of answers.entries()) {
    if (!answer.granted) throw new Error("it fits")
    const provenance = at === 0 ? "estimated" : "reported"
    await answer.held.settle({ usage, model: null, costMicroUsd: 0, provenance })
  }
  expect(supervisor.summary()).toMatchObject({ dailyTokensUsed: 1_002, uncertainTokens: 1_000 })
  await supervisor.close()
})

it("a provider that breaks its cap shows as overrun", async () => {
  const supervisor = await startSupervisor({ budget: { perAgentTokenLimit: 4_000 } })
  const over = Promise.withResolvers<void>()
  const runner = () => functionRunner(() => over.promise)
  const agent = await supervisor.run({ taskId: "greedy", enforcement: "reserved", runner })
  const { agentId, calls } = agent
  const w = await open({ agentOf: () => ({ agentId, claims: "reserved", calls }) })
  w.models.fault = { kind: "ignoresCap", outputTokens: 9_000 }
  await send(`${w.base()}/v1/messages`, { headers: w.keyed(), body: anthropicBody() })
  const summary = supervisor.summary()
  expect(summary.dailyTokensUsed).toBe(billOf(w))
  expect(summary.overrunTokens).toBeGreaterThan(0)
  expect(billOf(w) - summary.overrunTokens).toBeLessThanOrEqual(4_000)
  const again = await send(`${w.base()}/v1/messages`, { headers: w.keyed(), body: anthropicBody() })
  expect(again.status).toBe(402)
  over.resolve()
  expect((await agent.ended).reason).toBe("agent_token_limit")
  await supervisor.close()
})
