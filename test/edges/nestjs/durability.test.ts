/** What a `kill -9` takes and what it leaves: a real application, a real file, a real kill. */
import { spawn } from "node:child_process"
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { Test } from "@nestjs/testing"
import { expect, it, onTestFinished } from "vitest"
import { BudgetModule, BudgetService, Supervisor } from "../../../src/edges/nestjs/index.ts"
import { quiet, started } from "./application.ts"

const REPORTER = fileURLToPath(new URL("fixtures/reporter.ts", import.meta.url))
const CONFIRMATIONS = 5

/** Runs the reporter, kills it in the middle of its work, and returns what it said. */
const killed = (ledger: string): Promise<string> =>
  new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [REPORTER, ledger], {
      stdio: ["ignore", "pipe", "inherit"],
    })
    onTestFinished(() => {
      child.kill("SIGKILL")
    })
    let said = ""
    child.stdout.setEncoding("utf8")
    child.stdout.on("data", (text: string) => {
      said += text
      if (said.split("durable").length > CONFIRMATIONS) child.kill("SIGKILL")
    })
    child.on("close", (_code, signal) =>
      signal === "SIGKILL" ? resolve(said) : reject(new Error(`ended by itself: ${said}`)),
    )
  })

const last = (said: string, word: string): number =>
  Number([...said.matchAll(new RegExp(`^${word} (\\d+)\n`, "gm"))].at(-1)?.[1])

it("a kill -9 loses nothing that was flushed, and nothing is counted twice", async () => {
  const folder = await mkdtemp(join(tmpdir(), "stint-nestjs-"))
  onTestFinished(() => rm(folder, { recursive: true }))
  const ledger = join(folder, "budget.db")
  const said = await killed(ledger)

  const application = await started(
    Test.createTestingModule({ imports: [BudgetModule.forRoot({ ledger, logger: quiet })] }),
  )
  const { dailyTokensUsed, agentUsage, activeAgents } = application
    .get(BudgetService)
    .getUsageSummary()
  expect(dailyTokensUsed).toBeGreaterThanOrEqual(last(said, "durable"))
  expect(dailyTokensUsed).toBeLessThanOrEqual(last(said, "recorded") + 1)
  expect(agentUsage.reduce((sum, agent) => sum + agent.totalTokens, 0)).toBe(dailyTokensUsed)
  expect(agentUsage).toHaveLength(50)

  // Whoever held a slot is gone with the process, and its slot is free.
  expect(activeAgents).toBe(0)
  expect(application.get(Supervisor).summary().agentUsage).toContainEqual(
    expect.objectContaining({ agentId: "anonymous-1", reason: "lost" }),
  )
})
