/** Accounts without a slot: they count what was spent, refuse nobody, and leave when idle. */
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { createActor } from "xstate"
import { agentOf, type Budget } from "../../machines/budget/budget.ts"
import { decodeCheckpoint, encodeCheckpoint } from "../../machines/budget/checkpoint.ts"
import { turnDay } from "../../machines/budget/decision.ts"
import { foldAll } from "../../machines/budget/fold.ts"
import { decideHold } from "../../machines/budget/holds.ts"
import { decideUsage } from "../../machines/budget/metering.ts"
import { decideStart, emptyBudget } from "../../machines/budget/recovery.ts"
import type { Row } from "../../machines/budget/row.ts"
import { type BudgetSettings, DEFAULT_SETTINGS } from "../../machines/budget/settings.ts"
import { decideSpawn, type SpawnRequest } from "../../machines/budget/spawning.ts"
import { summarise } from "../../machines/budget/summary.ts"
import { supervisorMachine } from "../../machines/supervisor.ts"
import type { AgentKey, HoldId, RequestId } from "../../machines/vocabulary.ts"

const NOON = Date.UTC(2026, 2, 10, 12)
const DAY_MS = 86_400_000

const opened = (change: Partial<BudgetSettings> = {}): Budget =>
  decideStart(emptyBudget(), { ...DEFAULT_SETTINGS, ...change }, NOON).after

const request = (name: string, slot: boolean): SpawnRequest => ({
  requestId: name as RequestId,
  key: name as AgentKey,
  agentId: name,
  taskId: "t",
  enforcement: "metered",
  slot,
  ownTokenLimit: null,
  ownDurationMinutes: null,
  ownGraceSeconds: null,
  queue: false,
  waitForReset: false,
})

const report = (name: string, tokens: number) => ({
  key: name as AgentKey,
  usageId: null,
  usage: { inputTokens: tokens, outputTokens: 0, cacheWriteTokens: 0, cacheReadTokens: 0 },
  provenance: "reported" as const,
  model: null,
})

const withAccount = (budget: Budget, name: string, slot = false): Budget =>
  decideSpawn(budget, request(name, slot), NOON).after

const spent = (budget: Budget, name: string, tokens: number, at = NOON): Budget =>
  decideUsage(budget, report(name, tokens), at).after

const namesOf = (budget: Budget): readonly string[] =>
  summarise(budget)
    .agentUsage.map(({ agentId }) => agentId)
    .sort()

describe("an account without a slot", () => {
  it("leaves with the window in which it counted nothing, and is unknown from then on", () => {
    const used = spent(withAccount(opened(), "a"), "a", 10)
    const dayAfter = turnDay(used, NOON + DAY_MS).budget
    expect(agentOf(dayAfter, "a" as AgentKey)).toMatchObject({ windowTokens: 0 })
    const gone = turnDay(dayAfter, NOON + 2 * DAY_MS).budget
    expect(namesOf(gone)).toEqual([])
    expect(gone.liveByEnforcement.metered).toBe(0)
    expect(summarise(gone).overshootBound).toBe(0)
    // The name is free again, and whoever has it next starts at nothing.
    const back = spent(withAccount(gone, "a"), "a", 3, NOON + 2 * DAY_MS)
    expect(summarise(back).agentUsage).toMatchObject([{ agentId: "a", totalTokens: 3 }])
  })

  it("stays, with all it ever used, while every window has something of it", () => {
    let budget = spent(withAccount(opened(), "a"), "a", 10)
    for (const day of [1, 2, 3]) budget = spent(budget, "a", 10, NOON + day * DAY_MS)
    expect(summarise(budget).agentUsage).toMatchObject([{ totalTokens: 40, windowTokens: 10 }])
  })

  it("stays while it holds tokens", () => {
    const hold = { holdId: "h" as HoldId, key: "a" as AgentKey, tokens: 5 }
    const holding = decideHold(withAccount(opened(), "a"), hold, NOON).after
    expect(namesOf(turnDay(holding, NOON + DAY_MS).budget)).toEqual(["a"])
  })

  it("is not what an idle agent with a slot is: that one stays", () => {
    const budget = withAccount(withAccount(opened(), "account"), "agent", true)
    expect(namesOf(turnDay(budget, NOON + 2 * DAY_MS).budget)).toEqual(["agent"])
  })

  it("leaves at a start after a long sleep too", () => {
    const slept = spent(withAccount(opened(), "a"), "a", 10)
    const woken = decideStart(slept, DEFAULT_SETTINGS, NOON + 5 * DAY_MS)
    expect(namesOf(woken.after)).toEqual(["a"])
    expect(namesOf(turnDay(woken.after, NOON + 6 * DAY_MS).budget)).toEqual([])
  })

  it("is the same after recovery from rows, and from a checkpoint at any row", () => {
    const name = fc.constantFrom("a", "b", "c", "d")
    const step = fc.record({ name, tokens: fc.nat({ max: 3 }), days: fc.nat({ max: 2 }) })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 25 }), fc.nat(), (steps, pick) => {
        const start = decideStart(emptyBudget(), DEFAULT_SETTINGS, NOON)
        const rows: Row[] = [...start.rows]
        let budget = start.after
        let at = NOON
        const take = (decision: { readonly rows: readonly Row[]; readonly after: Budget }) => {
          rows.push(...decision.rows)
          budget = decision.after
        }
        for (const { name, tokens, days } of steps) {
          at += days * DAY_MS
          take(decideSpawn(budget, request(name, false), at))
          take(decideUsage(budget, report(name, tokens), at))
        }
        const cut = pick % (rows.length + 1)
        const half = foldAll(emptyBudget(), rows.slice(0, cut))
        const saved = decodeCheckpoint(JSON.parse(JSON.stringify(encodeCheckpoint(half))))
        expect(summarise(foldAll(emptyBudget(), rows))).toEqual(summarise(budget))
        expect(summarise(foldAll(saved ?? emptyBudget(), rows.slice(cut)))).toEqual(
          summarise(budget),
        )
        expect(budget.liveByEnforcement.metered).toBe(namesOf(budget).length)
      }),
    )
  })
})

describe("opening an account", () => {
  it("is not refused by a full day, a limit of 0, or a lack of slots: it only counts", () => {
    const full = { dailyTokenLimit: 0, perAgentTokenLimit: 0, maxConcurrentAgents: 0 }
    for (const enforceHardLimits of [true, false]) {
      const budget = opened({ ...full, enforceHardLimits })
      expect(decideSpawn(budget, request("a", false), NOON).verdict).toBe("admits")
      expect(decideSpawn(budget, request("b", true), NOON).verdict).toBe("never")
    }
  })

  it.each([
    ["a shutdown", "drain.requested", "closed"],
    ["an unwritable ledger", "ledger.failed", "unwritable"],
  ] as const)("works during %s, when no agent is admitted any more", (_when, type, admission) => {
    const actor = createActor(supervisorMachine, { input: { budget: opened(), at: NOON } }).start()
    actor.send({ type, at: NOON })
    expect(actor.getSnapshot().value).toMatchObject({ admission })
    actor.send({ type: "agent.requested", at: NOON, request: request("account", false) })
    actor.send({ type: "agent.requested", at: NOON, request: request("agent", true) })
    actor.send({ type: "usage.reported", at: NOON, report: report("account", 7) })
    const { budget } = actor.getSnapshot().context
    expect(namesOf(budget)).toEqual(["account"])
    expect(summarise(budget).dailyTokensUsed).toBe(7)
    actor.stop()
  })
})
