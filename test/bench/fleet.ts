/** A supervisor machine with a number of running agents, as the benches need it. */
import { createActor, SimulatedClock } from "xstate"
import {
  type AgentKey,
  type BudgetSettings,
  DEFAULT_SETTINGS,
  openBudget,
  type RequestId,
  type SpawnRequest,
  supervisorMachine,
  windowAt,
} from "../../machines/index.ts"

export const STARTED_AT = Date.UTC(2026, 0, 15, 12)

export const UNLIMITED: BudgetSettings = {
  ...DEFAULT_SETTINGS,
  dailyTokenLimit: null,
  perAgentTokenLimit: null,
  maxConcurrentAgents: null,
}

export const makeSupervisor = (settings: BudgetSettings = UNLIMITED) => {
  const budget = openBudget(settings, windowAt(STARTED_AT, settings.timeZone))
  const actor = createActor(supervisorMachine, {
    input: { budget, at: STARTED_AT },
    clock: new SimulatedClock(),
  })
  actor.start()
  return actor
}

export type BenchSupervisor = ReturnType<typeof makeSupervisor>

export const keyOf = (name: string): AgentKey => name as AgentKey

export const requestFor = (name: string): SpawnRequest => ({
  requestId: name as RequestId,
  key: keyOf(name),
  agentId: name,
  taskId: "bench",
  enforcement: "unmetered",
  slot: true,
  ownTokenLimit: null,
  ownDurationMinutes: null,
  ownGraceSeconds: null,
  queue: false,
  waitForReset: false,
})

export const spawnAgent = (supervisor: BenchSupervisor, name: string): void => {
  supervisor.send({ type: "agent.requested", at: STARTED_AT, request: requestFor(name) })
  supervisor.send({ type: "work.started", at: STARTED_AT, key: keyOf(name), process: null })
}

export const finishAgent = (supervisor: BenchSupervisor, name: string): void => {
  supervisor.send({
    type: "work.exited",
    at: STARTED_AT,
    key: keyOf(name),
    exit: {
      outcome: "completed",
      mechanism: "exited",
      exitCode: 0,
      signal: null,
      error: null,
      treeGone: true,
    },
  })
}

export const reportUsage = (supervisor: BenchSupervisor, name: string, tokens: number): void => {
  supervisor.send({
    type: "usage.reported",
    at: STARTED_AT,
    report: {
      key: keyOf(name),
      usageId: null,
      usage: { inputTokens: tokens, outputTokens: 0, cacheWriteTokens: 0, cacheReadTokens: 0 },
      provenance: "reported",
      model: null,
    },
  })
}
