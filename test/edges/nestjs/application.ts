/** Real Nest applications around the budget, closed when their test ends. */
import { Test, type TestingModule, type TestingModuleBuilder } from "@nestjs/testing"
import pino from "pino"
import { onTestFinished } from "vitest"
import {
  BudgetModule,
  type BudgetModuleOptions,
  BudgetService,
  Supervisor,
} from "../../../src/edges/nestjs/index.ts"
import { type VirtualClock, virtualClock } from "../../../src/index.ts"

export const NOON = Date.UTC(2026, 2, 10, 12)
export const MINUTE_MS = 60_000
export const DAY_MS = 24 * 60 * MINUTE_MS

/** What a test provokes need not be read by whoever runs it. */
export const quiet = pino({ level: "silent" })

/** A logger whose lines a test reads. */
export const listening = () => {
  const lines: unknown[] = []
  const logger = pino({}, { write: (line) => lines.push(JSON.parse(line)) })
  return { logger, lines }
}

/** Compiled and initialised. */
export const started = async (builder: TestingModuleBuilder): Promise<TestingModule> => {
  const application = await builder.compile()
  await application.init()
  onTestFinished(() => application.close())
  return application
}

export interface Office {
  readonly application: TestingModule
  readonly budget: BudgetService
  readonly supervisor: Supervisor
  readonly clock: VirtualClock
}

/** A budget given by `forRoot`, on a clock that moves only when told. */
export const office = async (options: BudgetModuleOptions = {}): Promise<Office> => {
  const clock = virtualClock(NOON)
  const application = await started(
    Test.createTestingModule({
      imports: [BudgetModule.forRoot({ clock, logger: quiet, ...options })],
    }),
  )
  return {
    application,
    clock,
    budget: application.get(BudgetService),
    supervisor: application.get(Supervisor),
  }
}

/** Lets everything already resolved run: microtasks and one turn of the loop. */
export const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))
