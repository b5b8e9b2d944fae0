/** Where the budget's settings come from, and what is said when they are wrong. */
import { Module } from "@nestjs/common"
import { ConfigModule, ConfigService, registerAs } from "@nestjs/config"
import { Test } from "@nestjs/testing"
import { describe, expect, it } from "vitest"
import {
  BUDGET_OPTIONS,
  BudgetModule,
  BudgetService,
  ConfigurationError,
  DEFAULT_BUDGET,
  Supervisor,
} from "../../../src/edges/nestjs/index.ts"
import { settled, started } from "./application.ts"

const configured = (budget: unknown, isGlobal = true) =>
  Test.createTestingModule({
    imports: [
      ConfigModule.forRoot({
        isGlobal,
        ignoreEnvFile: true,
        load: [() => ({ orchestrator: { budget } })],
      }),
      BudgetModule,
    ],
  })

describe("the plain import", () => {
  it.each([true, false])(
    "reads orchestrator.budget.* from the ConfigService (global: %s)",
    async (isGlobal) => {
      const application = await started(
        configured(
          {
            dailyTokenLimit: 500,
            perAgentTokenLimit: 50,
            maxConcurrentAgents: 3,
            maxTaskDurationMinutes: 1.5,
            enforceHardLimits: false,
            timeZone: "Europe/Berlin",
            tokenWeights: { output: 5 },
          },
          isGlobal,
        ),
      )
      const budget = application.get(BudgetService)
      expect(budget.getBudget()).toEqual({
        dailyTokenLimit: 500,
        perAgentTokenLimit: 50,
        maxConcurrentAgents: 3,
        maxTaskDurationMinutes: 1.5,
        enforceHardLimits: false,
      })
      budget.recordUsage("a", "t", 1, 2)
      expect(budget.isAgentOverBudget("a")).toEqual({ overBudget: false, totalTokens: 11 })
      expect(application.get(Supervisor).summary().timeZone).toBe("Europe/Berlin")
    },
  )

  it("takes the defaults for what is not configured, or undefined", async () => {
    const nothing = await started(configured(undefined))
    expect(nothing.get(BudgetService).getBudget()).toEqual(DEFAULT_BUDGET)
    const partly = await started(configured({ maxConcurrentAgents: 4, dailyTokenLimit: undefined }))
    expect(partly.get(BudgetService).getBudget()).toEqual({
      ...DEFAULT_BUDGET,
      maxConcurrentAgents: 4,
    })
  })

  it("reads texts, as the environment has them, and null for unlimited", async () => {
    const application = await started(
      configured({
        dailyTokenLimit: "5000000",
        perAgentTokenLimit: "unlimited",
        maxConcurrentAgents: null,
        enforceHardLimits: "false",
      }),
    )
    expect(application.get(BudgetService).getBudget()).toEqual({
      ...DEFAULT_BUDGET,
      dailyTokenLimit: 5_000_000,
      perAgentTokenLimit: null,
      maxConcurrentAgents: null,
      enforceHardLimits: false,
    })
  })

  it("reads a ConfigService that knows its keys one by one only", async () => {
    const values = new Map<string, unknown>([["orchestrator.budget.maxConcurrentAgents", 7]])
    const application = await started(
      configured({})
        .overrideProvider(ConfigService)
        .useValue({ get: (key: string) => values.get(key) }),
    )
    expect(application.get(BudgetService).getBudget().maxConcurrentAgents).toBe(7)
  })

  it.each([
    ["dailyTokenLimit", Number.NaN, "found NaN, expected a whole number from 0 to"],
    ["dailyTokenLimit", "lots", "found lots, expected a whole number from 0 to"],
    ["perAgentTokenLimit", -1, "found -1, expected a whole number from 0 to"],
    ["maxConcurrentAgents", 2.5, "found 2.5, expected a whole number from 0 to"],
    ["enforceHardLimits", "yes", 'found "yes", expected true or false'],
    ["timeZone", "Mars/Olympus", "expected the IANA name of a time zone"],
    [
      "dailyTokenLimt",
      5,
      "found an unknown key, expected a known one: did you mean dailyTokenLimit?",
    ],
  ])("refuses a wrong %s of %s, and names it", async (key, value, said) => {
    const starting = configured({ [key]: value }).compile()
    await expect(starting).rejects.toThrow(ConfigurationError)
    await expect(starting).rejects.toThrow(`orchestrator.budget.${key}: `)
    await expect(starting).rejects.toThrow(said)
  })

  it("refuses a branch that is no map", async () => {
    await expect(configured(5).compile()).rejects.toThrow(
      "ConfigService: orchestrator.budget: found number, expected a map of settings",
    )
  })

  it("refuses configuration that is still being loaded, instead of taking the defaults", async () => {
    const load = async () => {
      await settled()
      return { orchestrator: { budget: { dailyTokenLimit: 5 } } }
    }
    const application = await Test.createTestingModule({
      imports: [ConfigModule.forRoot({ ignoreEnvFile: true, load: [load] }), BudgetModule],
    }).compile()
    const initialised = application.init().then(() => "initialised")
    await expect(initialised).rejects.toThrow(
      "orchestrator.budget: found values that were still being loaded when the budget opened",
    )
    await application.close()
  })
})

describe("forRoot", () => {
  it("takes its options and leaves the ConfigService alone", async () => {
    const application = await started(
      Test.createTestingModule({
        imports: [
          ConfigModule.forRoot({
            isGlobal: true,
            ignoreEnvFile: true,
            load: [() => ({ orchestrator: { budget: { dailyTokenLimit: 1 } } })],
          }),
          BudgetModule.forRoot({ maxConcurrentAgents: 2 }),
        ],
      }),
    )
    expect(application.get(BudgetService).getBudget()).toEqual({
      ...DEFAULT_BUDGET,
      maxConcurrentAgents: 2,
    })
  })

  it("names a wrong option", async () => {
    const starting = Test.createTestingModule({
      imports: [BudgetModule.forRoot({ maxTaskDurationMinutes: -1 })],
    }).compile()
    await expect(starting).rejects.toThrow(
      "BudgetModule.forRoot: maxTaskDurationMinutes: found -1, expected a number of minutes",
    )
  })

  it("is seen by every module when it is global", async () => {
    class Consumer {}
    Module({
      providers: [
        { provide: "used", inject: [BudgetService], useFactory: (budget: BudgetService) => budget },
      ],
    })(Consumer)
    const application = await started(
      Test.createTestingModule({ imports: [BudgetModule.forRoot({ isGlobal: true }), Consumer] }),
    )
    expect(application.get("used", { strict: false })).toBe(application.get(BudgetService))
  })
})

describe("forRootAsync", () => {
  it("takes what its factory makes of what is injected, once that has come", async () => {
    const orchestrator = registerAs("orchestrator", async () => {
      await settled()
      return { budget: { perAgentTokenLimit: 9 } }
    })
    const application = await started(
      Test.createTestingModule({
        imports: [
          BudgetModule.forRootAsync({
            imports: [ConfigModule.forRoot({ ignoreEnvFile: true, load: [orchestrator] })],
            inject: [orchestrator.KEY],
            useFactory: (loaded: { budget: object }) => ({ ...loaded.budget, dailyTokenLimit: 99 }),
          }),
        ],
      }),
    )
    expect(application.get(BudgetService).getBudget()).toEqual({
      ...DEFAULT_BUDGET,
      perAgentTokenLimit: 9,
      dailyTokenLimit: 99,
    })
  })

  it("names a wrong option", async () => {
    const starting = Test.createTestingModule({
      imports: [
        BudgetModule.forRootAsync({ useFactory: async () => ({ graceSeconds: Number.NaN }) }),
      ],
    }).compile()
    await expect(starting).rejects.toThrow("BudgetModule.forRootAsync: graceSeconds: found NaN")
  })
})

describe("a test of the application", () => {
  it("may override the options", async () => {
    const application = await started(
      configured({ dailyTokenLimit: 1 })
        .overrideProvider(BUDGET_OPTIONS)
        .useValue({ dailyTokenLimit: 2 }),
    )
    expect(application.get(BudgetService).getBudget().dailyTokenLimit).toBe(2)
  })

  it("may override the service", async () => {
    const refusing = { canSpawnAgent: () => ({ allowed: false, reason: "not today" }) }
    const application = await started(
      configured({}).overrideProvider(BudgetService).useValue(refusing),
    )
    expect(application.get(BudgetService).canSpawnAgent().reason).toBe("not today")
  })
})
