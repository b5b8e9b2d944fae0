/** `stint/machines` alone: XState, a clock, and nobody else. */
import { describe, expect, it } from "vitest"
import { createActor, SimulatedClock } from "xstate"
import {
  type AgentKey,
  type Budget,
  type BudgetSettings,
  foldAll,
  openBudget,
  type Row,
  type SupervisorEvent,
  summarise,
  supervisorMachine,
  windowAt,
} from "../../machines/index.ts"
import { HOUR, hold, keyOf, MINUTE, NOON, requestOf, SETTINGS, spawn } from "./budget/script.ts"
import { real } from "./machines.ts"

const DAY = 24 * HOUR
const LONGEST_TIMER_MS = 2 ** 31 - 1

/** A supervisor with nothing provided to it but the clock. */
const alone = (change: Partial<BudgetSettings> = {}, given?: Budget) => {
  const clock = new SimulatedClock()
  const budget = given ?? openBudget({ ...SETTINGS, ...change }, windowAt(NOON, "UTC"))
  const supervisor = createActor(supervisorMachine, { clock, input: { budget, at: NOON } }).start()
  const summary = () => summarise(supervisor.getSnapshot().context.budget)
  return {
    clock,
    summary,
    send: (event: SupervisorEvent) => supervisor.send(event),
    agent: (name = "a") => summary().agentUsage.find(({ agentId }) => agentId === name),
  }
}

type Alone = ReturnType<typeof alone>

const start = ({ send, clock }: Alone, name = "a"): AgentKey => {
  const [at, key] = [NOON + clock.now(), keyOf(name)]
  send({ type: "agent.requested", at, request: requestOf(name) })
  send({ type: "work.started", at, key, process: null })
  return key
}

describe("the bare machines", () => {
  it("stop an agent at its deadline, and not a millisecond before", () => {
    const supervisor = alone()
    start(supervisor)
    supervisor.clock.increment(HOUR - 1)
    expect(supervisor.agent()).toMatchObject({ state: "running", reason: null })
    supervisor.clock.increment(1)
    expect(supervisor.agent()).toMatchObject({ state: "stopping", reason: "duration_limit" })
  })

  it("stop an agent when the clock leaps over its deadline and everything before it", () => {
    const supervisor = alone()
    start(supervisor)
    supervisor.clock.increment(30 * MINUTE)
    start(supervisor, "b")
    supervisor.clock.increment(30 * MINUTE)
    expect(supervisor.agent("a")).toMatchObject({ state: "stopping", reason: "duration_limit" })
    expect(supervisor.agent("b")).toMatchObject({ state: "running", reason: null })
    supervisor.clock.increment(8 * HOUR)
    expect(supervisor.agent("b")).toMatchObject({ reason: "duration_limit" })
  })

  it.each([
    ["in one leap", [60 * DAY - 1, 1]],
    ["in steps", [LONGEST_TIMER_MS, 1, 60 * DAY - LONGEST_TIMER_MS - 2, 1]],
  ])("keep a deadline longer than any timer can run, %s", (_, steps) => {
    const supervisor = alone({ maxTaskDurationMinutes: (60 * DAY) / MINUTE })
    start(supervisor)
    for (const step of steps) {
      expect(supervisor.agent()).toMatchObject({ state: "running", reason: null })
      supervisor.clock.increment(step)
    }
    expect(supervisor.agent()).toMatchObject({ state: "stopping", reason: "duration_limit" })
  })

  it("never stop an agent without a limit of time", () => {
    const supervisor = alone({ maxTaskDurationMinutes: null })
    start(supervisor)
    supervisor.clock.increment(1000 * DAY)
    expect(supervisor.agent()).toMatchObject({ state: "running", deadlineAt: null })
  })

  it("kill after the grace, and call unkillable what survives that", () => {
    const supervisor = alone()
    const key = start(supervisor)
    supervisor.send({ type: "stop.requested", at: NOON, key, reason: "cancelled" })
    supervisor.clock.increment(5_000 - 1)
    expect(supervisor.agent()).toMatchObject({ state: "stopping" })
    supervisor.clock.increment(1)
    supervisor.clock.increment(5_000 - 1)
    expect(supervisor.agent()).toMatchObject({ state: "stopping" })
    supervisor.clock.increment(1)
    expect(supervisor.agent()).toMatchObject({ state: "unkillable", reason: "cancelled" })
    supervisor.send({ type: "tree.reaped", at: NOON + 20_000, key, mechanism: "kill" })
    expect(supervisor.agent()).toMatchObject({ state: "ended", mechanism: "kill" })
    expect(supervisor.summary().activeAgents).toBe(0)
  })

  it("charge a hold that nobody settles", () => {
    const supervisor = alone()
    const key = start(supervisor)
    const request = { holdId: "h", key, tokens: 30 }
    supervisor.send({ type: "hold.requested", at: NOON, request: Object(request) })
    supervisor.clock.increment(15 * MINUTE - 1)
    expect(supervisor.summary()).toMatchObject({ heldTokens: 30, uncertainTokens: 0 })
    supervisor.clock.increment(1)
    expect(supervisor.summary()).toMatchObject({ heldTokens: 0, uncertainTokens: 30 })
  })

  it("turn the day where it ends, though started in the middle of it", () => {
    const rows: Row[] = []
    let budget = openBudget({ ...SETTINGS, perAgentTokenLimit: null }, windowAt(NOON, "UTC"))
    for (const { decide } of [spawn("a"), hold("h", "a", 100)]) {
      const decision = decide(real, budget, NOON)
      rows.push(...decision.rows)
      budget = decision.after
    }
    budget = real.recovery.decideStart(foldAll(budget, []), budget.settings, NOON).after
    const supervisor = alone({}, budget)
    const request = requestOf("b", { queue: true, waitForReset: true })
    supervisor.send({ type: "agent.requested", at: NOON, request })
    supervisor.clock.increment(12 * HOUR - 1)
    expect(supervisor.summary().budgetStatus).toBe("exceeded")
    expect(supervisor.agent("b")).toBeUndefined()
    supervisor.clock.increment(1)
    expect(supervisor.summary().windowStartsAt).toBe("2026-03-03T00:00:00.000Z")
    expect(supervisor.agent("b")).toMatchObject({ startedAt: "2026-03-03T00:00:00.000Z" })
  })
})
