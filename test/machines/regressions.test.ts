/** Mistakes that were found once, each by the row or answer that showed it. */
import { expect, test } from "vitest"
import { DEFAULT_SETTINGS } from "../../machines/budget/settings.ts"
import { DeadlineQueue } from "../../machines/deadline-queue.ts"
import type { AgentKey } from "../../machines/vocabulary.ts"
import { DrivenSupervisor } from "../simulation/driven-supervisor.ts"
import { SETTINGS } from "./budget/script.ts"
import { real } from "./machines.ts"
import { exited, hold, request, settle } from "./walks/steps.ts"
import { World } from "./world.ts"

const NOON = Date.UTC(2026, 2, 14, 12)
const MIDNIGHT = Date.UTC(2026, 2, 15)
const MINUTE_MS = 60_000

const started = (change: Partial<typeof DEFAULT_SETTINGS>): DrivenSupervisor =>
  new DrivenSupervisor({ ...DEFAULT_SETTINGS, ...change }, NOON)

const usage = (inputTokens: number) => ({
  inputTokens,
  outputTokens: 0,
  cacheWriteTokens: 0,
  cacheReadTokens: 0,
})

const agentOf = (supervisor: DrivenSupervisor, name: string) => {
  const found = [...supervisor.budget.agents].find(([key]) => key === (name as AgentKey))
  return found?.[1]
}

test("a refusal by the duration says how much was asked", () => {
  const supervisor = started({ maxTaskDurationMinutes: 0 })
  expect(supervisor.spawn("a").refusal).toMatchObject({ reason: "duration_limit", asked: 1 })
})

test("an agent stopped by the day's limit is refused with the day's numbers", () => {
  const supervisor = started({ dailyTokenLimit: 100, perAgentTokenLimit: 1_000 })
  supervisor.spawn("a")
  supervisor.report("a", null, usage(100))
  const { refusal } = supervisor.hold("a", "h", 1)
  expect(refusal).toMatchObject({ reason: "daily_token_limit", limit: 100, used: 100, asked: 1 })
})

test("an agent stopped by its deadline is refused without an account's numbers", () => {
  const supervisor = started({ maxTaskDurationMinutes: 1 })
  supervisor.spawn("a")
  supervisor.clock.pass(MINUTE_MS)
  const { refusal } = supervisor.hold("a", "h", 7)
  expect(refusal).toMatchObject({ reason: "duration_limit", limit: null, used: 0, asked: 7 })
})

test("who lacks a slot on a spent day may retry when the day is over, not before", () => {
  const supervisor = started({ dailyTokenLimit: 100, maxConcurrentAgents: 1 })
  supervisor.spawn("a")
  supervisor.hold("a", "h", 100)
  supervisor.settle("h", usage(100))
  const { refusal } = supervisor.spawn("b")
  expect(refusal).toMatchObject({ reason: "concurrency_limit", never: false, retryAt: MIDNIGHT })
})

test("a call that grows after a change of weights keeps the weights it was counted with", () => {
  const supervisor = started({})
  supervisor.spawn("a")
  supervisor.report("a", "call", usage(100))
  supervisor.setBudget({ tokenWeights: { ...DEFAULT_SETTINGS.tokenWeights, input: 3 } })
  supervisor.report("a", "call", usage(101))
  supervisor.report("a", "call", usage(102))
  expect(supervisor.budget.day.confirmed).toBe(102)
})

test("a metered agent is stopped by the settle that reaches its limit", () => {
  const supervisor = started({ perAgentTokenLimit: 100 })
  supervisor.spawn("a")
  supervisor.report("a", null, usage(40))
  supervisor.hold("a", "h", 60)
  supervisor.settle("h", usage(60))
  expect(agentOf(supervisor, "a")?.reason).toBe("agent_token_limit")
})

test("a metered agent is stopped by the expiry that reaches its limit", () => {
  const supervisor = started({ perAgentTokenLimit: 100, holdTimeoutMinutes: 1 })
  supervisor.spawn("a")
  supervisor.report("a", null, usage(40))
  supervisor.hold("a", "h", 60)
  supervisor.clock.pass(MINUTE_MS)
  expect(agentOf(supervisor, "a")?.reason).toBe("agent_token_limit")
})

test("a metered agent is stopped by the late settle that reaches its limit", () => {
  const supervisor = started({ perAgentTokenLimit: 100, holdTimeoutMinutes: 1 })
  supervisor.spawn("a")
  supervisor.report("a", null, usage(40))
  supervisor.hold("a", "h", 50)
  supervisor.clock.pass(MINUTE_MS)
  supervisor.settle("h", usage(60))
  expect(agentOf(supervisor, "a")?.reason).toBe("agent_token_limit")
})

test("after the clock was set back, what begins lives its whole time", () => {
  const supervisor = started({ holdTimeoutMinutes: 15, maxTaskDurationMinutes: 30 })
  supervisor.spawn("a")
  supervisor.clock.setBack(60 * MINUTE_MS)
  supervisor.spawn("b")
  supervisor.hold("b", "h", 10)
  supervisor.clock.pass(15 * MINUTE_MS - 1)
  expect(supervisor.budget.day).toMatchObject({ held: 10, uncertain: 0 })
  supervisor.clock.pass(1)
  expect(supervisor.budget.day).toMatchObject({ held: 0, uncertain: 10 })
  expect(agentOf(supervisor, "b")?.reason).toBe(null)
  supervisor.clock.pass(15 * MINUTE_MS)
  expect(agentOf(supervisor, "b")?.reason).toBe("duration_limit")
})

test("a clock set back lengthens no life that had begun", () => {
  const supervisor = started({ maxTaskDurationMinutes: 30 })
  supervisor.spawn("a")
  supervisor.clock.setBack(60 * MINUTE_MS)
  supervisor.spawn("b")
  supervisor.clock.pass(30 * MINUTE_MS)
  expect(agentOf(supervisor, "a")?.reason).toBe("duration_limit")
})

test("a clock set back does not end the day early", () => {
  const supervisor = started({})
  supervisor.clock.pass(MINUTE_MS)
  supervisor.clock.setBack(60 * MINUTE_MS)
  supervisor.spawn("a")
  supervisor.clock.pass(MIDNIGHT - supervisor.clock.now() - 1)
  expect(supervisor.budget.window.id).toBe("2026-03-14")
  supervisor.clock.pass(1)
  expect(supervisor.budget.window.id).toBe("2026-03-15")
})

test("who may queue waits for a slot on a spent day too, in hard mode as in soft", () => {
  for (const enforceHardLimits of [true, false]) {
    const change = { dailyTokenLimit: 100, maxConcurrentAgents: 1, enforceHardLimits }
    const supervisor = started(change)
    supervisor.spawn("a")
    supervisor.hold("a", "h", 100)
    supervisor.settle("h", usage(100))
    const rows = supervisor.rows.length
    expect(supervisor.enqueue("b")).toBe(undefined)
    expect(supervisor.rows.length).toBe(rows)
    supervisor.exited("a", "completed")
    const answer = supervisor.answerTo("b")
    expect(answer).toMatchObject({ granted: !enforceHardLimits })
    expect(answer?.refusal).toMatchObject({ reason: "daily_token_limit", retryAt: MIDNIGHT })
  }
})

test("of deadlines that fall due together, the first set is reached first", () => {
  const queue = new DeadlineQueue<number>()
  const names = Array.from({ length: 100 }, (_, n) => `deadline ${n}`)
  for (const [value, name] of names.entries()) queue.set({ name, dueAt: 5, value })
  expect(names.map(() => queue.take(5)?.name)).toEqual(names)
})

test("a limit of 0 refuses for good even who asks for nothing", () => {
  const supervisor = started({})
  supervisor.spawn("a")
  supervisor.setBudget({ dailyTokenLimit: 0 })
  const { refusal } = supervisor.hold("a", "h", 0)
  expect(refusal).toMatchObject({ reason: "daily_token_limit", limit: 0, asked: 0, never: true })
})

test("whom a hold in line has just left no room waits on, and is not refused without a row", () => {
  const settings = { ...SETTINGS, dailyTokenLimit: 20, perAgentTokenLimit: null }
  const world = new World(real, { ...settings, maxConcurrentAgents: 2 })
  world.send(request("a", { enforcement: "reserved" }))
  world.send(request("c"))
  world.send(hold("h", "a", 20))
  world.send(hold("i", "a", 20, { queue: true }))
  world.send(request("b", { queue: true }))
  world.send(exited("c"))
  world.send(settle("h", 0))
  expect(world.answers.filter(({ granted }) => !granted)).toEqual([])
  world.stop()
})
