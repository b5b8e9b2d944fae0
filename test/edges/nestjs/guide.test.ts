/** The guide's examples, run as they are printed: decorators and all. */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { Test, type TestingModule } from "@nestjs/testing"
import { afterAll, beforeAll, expect, it } from "vitest"
import { BudgetService } from "../../../src/edges/nestjs/index.ts"
import { started } from "./application.ts"

const GUIDE = new URL("../../../docs/guides/nestjs.md", import.meta.url)
const DOOR = new URL("../../../src/edges/nestjs/index.ts", import.meta.url)

const COMPILER_OPTIONS = { experimentalDecorators: true, emitDecoratorMetadata: true }

let folder = ""
let examples = new Map<string, string>()

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "stint-guide-"))
  const compilerOptions = JSON.stringify({ compilerOptions: COMPILER_OPTIONS })
  await writeFile(join(folder, "tsconfig.json"), compilerOptions)
  const guide = await readFile(GUIDE, "utf8")
  const blocks = guide.matchAll(/^```ts run=(\w+)\n([\s\S]*?)^```$/gm)
  examples = new Map([...blocks].map(([, name = "", code = ""]) => [name, code]))
})

afterAll(() => rm(folder, { recursive: true }))

/** Compiled as a NestJS project is, with every package found where this repository has it. */
const imported = async (name: string): Promise<Record<string, unknown>> => {
  const located = (examples.get(name) ?? "").replaceAll(/from "([^"]+)"/g, (_, target: string) => {
    const url = target === "stint/nestjs" ? DOOR.href : import.meta.resolve(target)
    return `from ${JSON.stringify(fileURLToPath(url))}`
  })
  const file = join(folder, `${name}.ts`)
  await writeFile(file, located)
  return import(/* @vite-ignore */ file)
}

type Class = new (...args: never[]) => object

/** The example's application, and its class of that name. */
const running = async <Instance>(
  name: string,
  className: string,
): Promise<{ application: TestingModule; instance: Instance }> => {
  const example = await imported(name)
  const application = await started(
    Test.createTestingModule({ imports: [example.AppModule as Class] }),
  )
  return { application, instance: application.get(example[className] as Class) as Instance }
}

it("has examples, and none that is not run below", () => {
  expect([...examples.keys()]).toEqual([
    "plain",
    "async",
    "supervisor",
    "durable",
    "health",
    "testing",
  ])
})

it("the plain import runs a task on the original surface", async () => {
  const { instance } = await running<{ run: (agentId: string, taskId: string) => unknown }>(
    "plain",
    "Orchestrator",
  )
  expect(instance.run("agent-1", "task-1")).toMatchObject({
    dailyTokensUsed: 1_540,
    dailyTokenLimit: 5_000_000,
    activeAgents: 1,
    maxConcurrentAgents: 4,
  })
})

it("forRootAsync takes what was loaded late", async () => {
  const { AppModule } = await imported("async")
  const application = await started(Test.createTestingModule({ imports: [AppModule as Class] }))
  const budget = application.get(BudgetService, { strict: false })
  expect(budget.getBudget().dailyTokenLimit).toBe(200_000)
})

it("the supervisor stops an agent before it passes its limit", async () => {
  const { instance } = await running<{ run: (taskId: string) => Promise<unknown> }>(
    "supervisor",
    "Orchestrator",
  )
  expect(await instance.run("task-1")).toEqual({
    reason: "agent_token_limit",
    totalTokens: 49_000,
    dailyTokensUsed: 49_000,
  })
})

it("what was flushed is found again in the ledger", async () => {
  process.env.BUDGET_LEDGER = join(folder, "budget.db")
  type Meter = { record: (agentId: string, taskId: string, i: number, o: number) => Promise<void> }
  const first = await running<Meter>("durable", "Meter")
  await first.instance.record("agent-1", "task-1", 10, 5)
  await first.application.close()
  const { instance, application } = await running<Meter>("durable", "Meter")
  await instance.record("agent-1", "task-1", 1, 0)
  expect(application.get(BudgetService, { strict: false }).getUsageSummary().dailyTokensUsed).toBe(
    16,
  )
  delete process.env.BUDGET_LEDGER
})

it("terminus takes the health indicator as it is", async () => {
  const { instance } = await running<{ check: () => Promise<unknown> }>(
    "health",
    "HealthController",
  )
  expect(await instance.check()).toMatchObject({
    status: "ok",
    details: { budget: { status: "up", budgetStatus: "within_budget" } },
  })
})

it("a test of the application may bring its own limits", async () => {
  expect((await imported("testing")).answer).toEqual({
    allowed: false,
    reason: "Daily token budget exceeded (100/100)",
  })
})
