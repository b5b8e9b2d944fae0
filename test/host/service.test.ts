import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { describe, expect, it } from "vitest"
import { BudgetSupervisor } from "../../src/host/service.ts"

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
})
