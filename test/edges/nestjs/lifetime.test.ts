/** The budget in an application: agents beside the surface, health, and the end of it all. */
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Inject, Injectable } from "@nestjs/common"
import { HealthCheckService, TerminusModule } from "@nestjs/terminus"
import { Test } from "@nestjs/testing"
import { describe, expect, it, onTestFinished } from "vitest"
import type { Row } from "../../../machines/budget/row.ts"
import {
  BudgetHealthIndicator,
  BudgetModule,
  BudgetService,
  Supervisor,
} from "../../../src/edges/nestjs/index.ts"
import { type LedgerService, LedgerUnavailable } from "../../../src/index.ts"
import { makeMemoryLedger } from "../../../src/ledger/memory.ts"
import { listening, office, quiet, settled, started } from "./application.ts"

const untilStopped = ({ signal }: { readonly signal: AbortSignal }) =>
  new Promise((resolve) => signal.addEventListener("abort", resolve))

const ledgerFile = async (): Promise<string> => {
  const folder = await mkdtemp(join(tmpdir(), "stint-nestjs-"))
  onTestFinished(() => rm(folder, { recursive: true }))
  return join(folder, "budget.db")
}

/** A ledger whose disk can fill up. */
const fragileLedger = () => {
  const ledger = makeMemoryLedger()
  let tell: (error: LedgerUnavailable | null) => void = () => {}
  const fragile: LedgerService = {
    ...ledger,
    onHealth: (listener) => {
      tell = listener
      return () => {}
    },
  }
  const full = new LedgerUnavailable({ reason: "full", path: "memory", message: "full" })
  return { ledger: fragile, fill: () => tell(full), empty: () => tell(null) }
}

/** A ledger whose rows a test reads. */
const watchedLedger = () => {
  const ledger = makeMemoryLedger()
  const rows: Row[] = []
  const append = (added: readonly Row[]): void => {
    rows.push(...added)
    ledger.append(added)
  }
  return { ledger: { ...ledger, append }, rows }
}

describe("the supervisor", () => {
  it("is injected, and its agents share the budget with the original surface", async () => {
    class Orchestrator {
      readonly supervisor: Supervisor
      readonly budget: BudgetService
      constructor(supervisor: Supervisor, budget: BudgetService) {
        this.supervisor = supervisor
        this.budget = budget
      }
    }
    Injectable()(Orchestrator)
    Inject(Supervisor)(Orchestrator, undefined, 0)
    Inject(BudgetService)(Orchestrator, undefined, 1)
    const application = await started(
      Test.createTestingModule({
        imports: [BudgetModule.forRoot({ dailyTokenLimit: 100 })],
        providers: [Orchestrator],
      }),
    )
    const { supervisor, budget } = application.get(Orchestrator)
    const agent = await supervisor.spawn({
      agentId: "worker",
      taskId: "t",
      run: async ({ recordUsage, signal }) => {
        recordUsage({ inputTokens: 30 })
        await untilStopped({ signal })
      },
    })
    await settled()
    budget.recordUsage("worker", "ignored", 20, 0)
    budget.recordUsage("somebody", "t", 49, 0)
    expect(budget.getUsageSummary()).toMatchObject({
      dailyTokensUsed: 99,
      activeAgents: 1,
      agentUsage: expect.arrayContaining([
        expect.objectContaining({ agentId: "worker", taskId: "t", totalTokens: 50 }),
      ]),
    })
    budget.recordUsage("somebody", "t", 1, 0)
    // The day is full: who can only be seen after each call is stopped.
    expect(await agent.ended).toMatchObject({ reason: "daily_token_limit", totalTokens: 50 })
  })

  it("stops a named agent whose usage reaches its limit, however it was reported", async () => {
    const { budget, supervisor } = await office({ perAgentTokenLimit: 10 })
    const agent = await supervisor.spawn({ agentId: "w", taskId: "t", run: untilStopped })
    await settled()
    budget.recordUsage("w", "t", 10, 0)
    expect(budget.isAgentOverBudget("w")).toEqual({ overBudget: true, totalTokens: 10 })
    expect(await agent.ended).toMatchObject({ reason: "agent_token_limit" })
  })
})

describe("the shutdown", () => {
  it("stops agents, frees anonymous slots, and writes all of it before it lets go", async () => {
    const ledger = await ledgerFile()
    const application = await started(
      Test.createTestingModule({
        imports: [BudgetModule.forRoot({ ledger, maxConcurrentAgents: 2 })],
      }),
    )
    const budget = application.get(BudgetService)
    const agent = await application.get(Supervisor).spawn({ taskId: "t", run: untilStopped })
    budget.agentStarted()
    budget.agentStarted()
    budget.recordUsage("a", "t", 40, 2)
    await application.close()
    expect(await agent.ended).toMatchObject({ reason: "shutdown" })
    expect(budget.canSpawnAgent()).toEqual({
      allowed: false,
      reason: "The application is shutting down",
    })

    const again = await started(
      Test.createTestingModule({ imports: [BudgetModule.forRoot({ ledger })] }),
    )
    expect(again.get(BudgetService).getUsageSummary()).toMatchObject({
      dailyTokensUsed: 42,
      activeAgents: 0,
      agentUsage: [{ agentId: "a", taskId: "t", inputTokens: 40, outputTokens: 2 }],
    })
    const reasons = again
      .get(Supervisor)
      .summary()
      .agentUsage.map((one) => one.reason)
    expect(reasons.filter((reason) => reason !== null)).toEqual(["shutdown", "shutdown"])
  })

  it("counts what is reported while it is under way, and warns of what comes after", async () => {
    const { logger, lines } = listening()
    const ledger = await ledgerFile()
    class Straggler {
      readonly budget: BudgetService
      constructor(budget: BudgetService) {
        this.budget = budget
      }
      beforeApplicationShutdown(): void {
        this.budget.recordUsage("straggler", "t", 5, 0)
      }
    }
    Injectable()(Straggler)
    Inject(BudgetService)(Straggler, undefined, 0)
    const application = await started(
      Test.createTestingModule({
        imports: [BudgetModule.forRoot({ ledger, logger })],
        providers: [Straggler],
      }),
    )
    const budget = application.get(BudgetService)
    await application.close()
    budget.recordUsage("too-late", "t", 5, 0)
    budget.agentStarted()
    budget.agentStopped()
    expect(lines).toContainEqual(
      expect.objectContaining({
        agentId: "too-late",
        msg: "usage reported after the shutdown is not counted",
      }),
    )
    const again = await started(
      Test.createTestingModule({ imports: [BudgetModule.forRoot({ ledger })] }),
    )
    expect(again.get(BudgetService).getUsageSummary().agentUsage).toMatchObject([
      { agentId: "straggler", totalTokens: 5 },
    ])
  })

  it("ends anonymous agents and dissolves their line, whether their work began or not", async () => {
    const { ledger, rows } = watchedLedger()
    const { logger, lines } = listening()
    const { application, budget } = await office({ ledger, logger, maxConcurrentAgents: 2 })
    budget.agentStarted()
    await settled()
    budget.agentStarted()
    budget.agentStarted()
    await application.close()
    const ended = { reason: "shutdown", mechanism: "vanished" }
    expect(rows.filter((row) => row.kind === "ended")).toMatchObject([ended, ended])
    expect(rows.filter((row) => row.kind === "admitted")).toHaveLength(2)
    expect(lines).toEqual([])
  })

  it("admits nobody from its first moment on", async () => {
    const { application, budget } = await office()
    const health = application.get(BudgetHealthIndicator)
    const closing = application.close()
    await settled()
    expect(budget.canSpawnAgent().allowed).toBe(false)
    expect(health.isHealthy()).toMatchObject({ budget: { status: "down", ledger: "writable" } })
    await closing
  })
})

describe("the ledger", () => {
  it("is opened before anything is injected, and refused in words when another holds it", async () => {
    const ledger = await ledgerFile()
    await started(Test.createTestingModule({ imports: [BudgetModule.forRoot({ ledger })] }))
    const second = Test.createTestingModule({ imports: [BudgetModule.forRoot({ ledger })] })
    await expect(second.compile()).rejects.toMatchObject({ reason: "locked" })
  })

  it("still counts when it cannot be written, and hard mode lets nobody start", async () => {
    const { ledger, fill, empty } = fragileLedger()
    const { budget } = await office({ ledger })
    fill()
    expect(budget.canSpawnAgent()).toEqual({
      allowed: false,
      reason: "The ledger cannot be written",
    })
    budget.recordUsage("new", "t", 3, 0)
    budget.agentStarted()
    expect(budget.getUsageSummary()).toMatchObject({ dailyTokensUsed: 3, activeAgents: 0 })
    empty()
    expect(budget.canSpawnAgent()).toEqual({ allowed: true })
  })
})

describe("the health indicator", () => {
  it("is up while the ledger can be written, and tells how full the day is", async () => {
    const { budget, application } = await office({ dailyTokenLimit: 100 })
    budget.agentStarted()
    budget.recordUsage("a", "t", 96, 0)
    expect(application.get(BudgetHealthIndicator).isHealthy("tokens")).toEqual({
      tokens: {
        status: "up",
        ledger: "writable",
        acceptsAgents: true,
        budgetStatus: "at_limit",
        activeAgents: 1,
      },
    })
  })

  it.each([true, false])("is down while it cannot (hard: %s)", async (enforceHardLimits) => {
    const { ledger, fill, empty } = fragileLedger()
    const { application } = await office({ ledger, enforceHardLimits })
    const health = application.get(BudgetHealthIndicator)
    fill()
    expect(health.isHealthy()).toMatchObject({
      budget: { status: "down", ledger: "unwritable", acceptsAgents: !enforceHardLimits },
    })
    empty()
    expect(health.isHealthy()).toMatchObject({ budget: { status: "up", ledger: "writable" } })
  })

  it("serves @nestjs/terminus as it is", async () => {
    const { ledger, fill } = fragileLedger()
    const application = await started(
      Test.createTestingModule({
        imports: [
          TerminusModule.forRoot({ logger: false }),
          BudgetModule.forRoot({ ledger, logger: quiet }),
        ],
      }),
    )
    const health = application.get(HealthCheckService)
    const check = () =>
      health.check([() => application.get(BudgetHealthIndicator).isHealthy("budget")])
    expect(await check()).toMatchObject({ status: "ok", info: { budget: { status: "up" } } })
    fill()
    await expect(check()).rejects.toMatchObject({
      response: { status: "error", error: { budget: { ledger: "unwritable" } } },
    })
  })
})
