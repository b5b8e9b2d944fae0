import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import { describe, expect, it } from "vitest"
import { BudgetSupervisor, Ledger, layerMemory } from "../../src/effect.ts"

const run = <A, E>(program: Effect.Effect<A, E, BudgetSupervisor>, options = {}) =>
  Effect.runPromise(program.pipe(Effect.provide(BudgetSupervisor.layer(options))))

describe("the Effect door", () => {
  it("runs an agent and closes the supervisor with its scope", async () => {
    const ended = await run(
      Effect.gen(function* () {
        const budget = yield* BudgetSupervisor
        const agent = yield* budget.spawn({
          taskId: "t",
          run: async ({ hold }) => (await hold(10)).settle({ outputTokens: 4 }),
        })
        return yield* budget.ended(agent)
      }),
    )
    expect(ended).toMatchObject({ reason: "completed", totalTokens: 4 })
  })

  it("fails with the same refusals, typed", async () => {
    const refused = await run(
      Effect.gen(function* () {
        const budget = yield* BudgetSupervisor
        return yield* budget
          .spawn({ taskId: "t", run: () => {} })
          .pipe(Effect.catchTag("AdmissionRefused", ({ refusal }) => Effect.succeed(refusal)))
      }),
      { budget: { maxConcurrentAgents: 0 } },
    )
    expect(refused).toMatchObject({ reason: "concurrency_limit", never: true })
  })

  it("fails to start on a wrong budget with a configuration error", async () => {
    const exit = await Effect.runPromiseExit(
      Effect.provide(
        BudgetSupervisor.use(({ summary }) => summary),
        BudgetSupervisor.layer({ budget: { dailyTokenLimit: -1 } }),
      ),
    )
    expect(Exit.isFailure(exit)).toBe(true)
    expect(String(exit)).toContain("ConfigurationError")
  })

  it("runs on the ledger of the environment", async () => {
    const path = await Effect.runPromise(
      Effect.gen(function* () {
        const budget = yield* BudgetSupervisor
        const ledger = yield* Ledger
        const agent = yield* budget.spawn({ agentId: "a", taskId: "t", run: () => {} })
        yield* budget.ended(agent)
        const rows = yield* Effect.promise(() => ledger.find(agent.key))
        return rows.length === 0 ? "nothing" : rows[0]?.kind
      }).pipe(
        Effect.provide(BudgetSupervisor.layerOnLedger().pipe(Layer.provideMerge(layerMemory()))),
      ),
    )
    expect(path).toBe("admitted")
  })
})
