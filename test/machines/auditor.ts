/**
 * The invariants, held to after every row.
 *
 * Every figure is added up here a second time, from the rows alone, and compared with what
 * folding them made of it. S-numbers are the invariants' names.
 */
import assert from "node:assert/strict"
import * as HashMap from "effect/HashMap"
import type { Account } from "../../machines/budget/account.ts"
import type { Budget, LiveAgent } from "../../machines/budget/budget.ts"
import type * as Rows from "../../machines/budget/row.ts"
import type { Machines } from "./machines.ts"

interface Sum {
  used: number
  uncertain: number
  held: number
}

/** Tokens and money are counted alike. */
interface Sums {
  readonly tokens: Sum
  readonly money: Sum
  /** Calls whose money nobody knows. */
  unpriced: number
}

interface Life {
  readonly admitted: Rows.Admitted
  readonly sums: Sums
  readonly usageIds: Set<string>
  /** Used within the open day. */
  today: number
  firstReason: string | null
  over: boolean
}

interface Counted {
  readonly key: string
  readonly windowId: string
}

interface Charge extends Counted {
  readonly tokens: number
  readonly costMicroUsd?: number | null
  readonly certain: boolean
}

/** What was expired, for the settle that may still come. */
interface Expired {
  readonly tokens: number
  readonly money: number | null
}

const nothing = (): Sums => ({
  tokens: { used: 0, uncertain: 0, held: 0 },
  money: { used: 0, uncertain: 0, held: 0 },
  unpriced: 0,
})

export class Auditor {
  budget: Budget
  private readonly machines: Machines
  private readonly lives = new Map<string, Life>()
  private readonly windows = new Map<string, Sums>()
  private readonly holds = new Map<string, Rows.HoldPlaced>()
  private readonly expired = new Map<string, Expired>()
  /** Nothing happened yet that may put usage beyond a limit. */
  private clean: boolean

  constructor(machines: Machines, opened: Budget) {
    this.machines = machines
    this.budget = opened
    this.clean = opened.settings.enforceHardLimits
    this.windows.set(opened.window.id, nothing())
  }

  observe(row: Rows.Row): void {
    const before = this.budget
    assert.equal(row.seq, before.seq + 1, "rows are numbered without holes")
    this.budget = this.machines.fold.fold(before, row)
    this.add(row, before)
    this.expectSums()
    this.expectLimits()
    this.expectSlots()
  }

  private add(row: Rows.Row, before: Budget): void {
    switch (row.kind) {
      case "window_opened":
        assert.ok(!this.windows.has(row.window.id), "S9: a day opens once")
        assert.ok(row.window.startsAt >= before.window.endsAt, "S9: days do not overlap")
        this.windows.set(row.window.id, nothing())
        this.turn()
        return
      case "admitted":
        this.admit(row, before)
        return
      case "refused":
        this.refuse(row, before)
        return
      case "hold_placed":
        this.place(row)
        return
      case "hold_settled":
        this.resolve(row)
        if (row.tokens > row.heldTokens) this.clean = false
        if ((row.costMicroUsd ?? 0) > (row.heldCostMicroUsd ?? 0)) this.clean = false
        this.charge({ ...row, certain: row.provenance === "reported" })
        return
      case "hold_voided":
        this.resolve(row)
        return
      case "hold_expired":
        this.expire(row)
        return
      case "usage_recorded":
        this.record(row, before)
        return
      case "corrected":
        this.correct(row)
        return
      case "stop_requested": {
        const life = this.life(row.key)
        assert.equal(life.firstReason, null, "S6: the first cause is latched")
        life.firstReason = row.reason
        return
      }
      case "ended":
        this.end(row)
        return
      case "budget_set":
        this.clean = false
        return
      case "defaults_kept":
        assert.equal(this.budget.settings, before.settings, "what is kept changes no limit")
        assert.equal(this.budget.day, before.day, "what is kept changes no account")
        return
      case "started":
      case "unkillable":
      case "own_account_read":
        assert.ok(!this.life(row.key).over)
        return
      case "clock_stepped":
        assert.fail("no walk accepts a stepped clock")
    }
  }

  /** An account that only counts leaves with a day in which it counted nothing. */
  private turn(): void {
    const holding = new Set([...this.holds.values()].map(({ key }) => String(key)))
    for (const [key, life] of this.lives) {
      if (!life.admitted.slot && life.today === 0 && !holding.has(key)) life.over = true
      life.today = 0
    }
  }

  private admit(row: Rows.Admitted, before: Budget): void {
    const max = before.settings.maxConcurrentAgents
    if (row.slot && max !== null) assert.ok(before.slotsTaken < max, "S5: slots ≤ max")
    assert.ok(!this.lives.has(row.key), "one admission a key")
    this.expectOpenWindow(row, before)
    this.lives.set(row.key, {
      admitted: row,
      sums: nothing(),
      usageIds: new Set(),
      today: 0,
      firstReason: null,
      over: false,
    })
  }

  private refuse(row: Rows.Refused, before: Budget): void {
    this.expectOpenWindow(row, before)
    assert.equal(this.budget.day, before.day, "S10: a refusal changes no account")
    assert.equal(this.budget.dayCost, before.dayCost, "S10: a refusal changes no account")
    assert.equal(this.budget.holds, before.holds, "S10: a refusal places no hold")
    assert.equal(this.budget.slotsTaken, before.slotsTaken, "S10: a refusal takes no slot")
    for (const agent of HashMap.values(this.budget.agents)) {
      const was = this.machines.budget.agentOf(before, agent.key)
      assert.equal(agent.account, was?.account, "S10: a refusal changes no account")
      assert.equal(agent.cost, was?.cost, "S10: a refusal changes no account")
      assert.equal(agent.wrappingUp, was?.wrappingUp, "S10: a refusal tells nobody to wind down")
    }
  }

  private place(row: Rows.HoldPlaced): void {
    assert.ok(!this.holds.has(row.holdId), "S3: an open hold is not placed again")
    this.expectOpenWindow(row, this.budget)
    this.holds.set(row.holdId, row)
    this.hold(row, row.tokens, row.costMicroUsd ?? 0)
    if (row.askedTokens !== undefined)
      assert.ok(row.tokens < row.askedTokens, "what is cut is less than what was asked for")
  }

  private hold(counted: Counted, tokens: number, microUsd: number): void {
    for (const sums of [this.life(counted.key).sums, this.window(counted.windowId)]) {
      sums.tokens.held += tokens
      sums.money.held += microUsd
    }
  }

  private resolve(row: Rows.HoldSettled | Rows.HoldVoided | Rows.HoldExpired): void {
    const placed = this.holds.get(row.holdId)
    assert.ok(placed !== undefined, "S3: a hold resolves at most once")
    assert.equal(placed.tokens, row.heldTokens)
    assert.equal(placed.costMicroUsd, row.heldCostMicroUsd)
    this.holds.delete(row.holdId)
    this.hold(placed, -placed.tokens, -(placed.costMicroUsd ?? 0))
  }

  private expire(row: Rows.HoldExpired): void {
    this.resolve(row)
    const { heldTokens: tokens, heldCostMicroUsd: costMicroUsd = null } = row
    this.expired.set(row.holdId, { tokens, money: costMicroUsd })
    this.charge({ ...row, tokens, costMicroUsd, certain: false })
  }

  private record(row: Rows.UsageRecorded, before: Budget): void {
    this.clean = false
    this.expectOpenWindow(row, before)
    const { usageIds } = this.life(row.key)
    if (row.usageId !== null) {
      assert.ok(!usageIds.has(row.usageId), "S4: a call is recorded once")
      usageIds.add(row.usageId)
    }
    this.charge({ ...row, certain: row.provenance === "reported" })
  }

  private correct(row: Rows.Corrected): void {
    const { cost } = row
    if (row.tokens > row.tokensBefore) this.clean = false
    if (cost !== undefined && cost.nowMicroUsd > (cost.beforeMicroUsd ?? 0)) this.clean = false
    if ("holdId" in row.ref) {
      const expired = this.expired.get(row.ref.holdId)
      assert.equal(expired?.tokens, row.tokensBefore, "S3: corrected once")
      if (cost !== undefined) assert.equal(expired?.money, cost.beforeMicroUsd)
      this.expired.delete(row.ref.holdId)
    }
    this.count("tokens", row, row.tokens - row.tokensBefore, -row.uncertainBefore)
    if (cost === undefined) return
    const { nowMicroUsd, beforeMicroUsd, uncertainMicroUsd } = cost
    this.count("money", row, nowMicroUsd - (beforeMicroUsd ?? 0), -uncertainMicroUsd)
    if (beforeMicroUsd !== null) return
    this.life(row.key).sums.unpriced -= 1
    this.window(row.windowId).unpriced -= 1
  }

  private charge(charge: Charge): void {
    const { tokens, costMicroUsd = null, certain } = charge
    this.count("tokens", charge, tokens, certain ? 0 : tokens)
    if (costMicroUsd === null) {
      this.life(charge.key).sums.unpriced += 1
      this.window(charge.windowId).unpriced += 1
    } else this.count("money", charge, costMicroUsd, certain ? 0 : costMicroUsd)
  }

  private count(
    what: "tokens" | "money",
    { key, windowId }: Counted,
    used: number,
    uncertain: number,
  ): void {
    const life = this.life(key)
    for (const sums of [life.sums, this.window(windowId)]) {
      sums[what].used += used
      sums[what].uncertain += uncertain
    }
    if (what === "tokens" && windowId === this.budget.window.id) life.today += used
  }

  private end(row: Rows.Ended): void {
    const life = this.life(row.key)
    assert.ok(!life.over, "S6: a life ends once")
    const why = "S6: the first cause is the reason"
    if (life.firstReason !== null && row.reason !== "lost")
      assert.equal(row.reason, life.firstReason, why)
    assert.equal(life.sums.tokens.held, 0, "S3: no hold outlives its agent")
    assert.equal(life.sums.money.held, 0, "S3: no hold outlives its agent")
    life.over = true
  }

  /** S2: held is the sum of the open holds, used the sum of what was charged; S9: by day. */
  private expectSums(): void {
    const { day, dayCost, unpricedCalls, window, agents } = this.budget
    const today = this.window(window.id)
    expectAccount(day, today.tokens, "day")
    expectAccount(dayCost, today.money, "day's money")
    assert.equal(unpricedCalls, today.unpriced, "S2: calls without a price are counted")
    let inWindow = this.budget.endedOmitted.windowTokens
    for (const agent of HashMap.values(agents)) {
      const { tokens, money, unpriced } = this.life(agent.key).sums
      expectAccount(agent.account, tokens, agent.agentId)
      expectAccount(agent.cost, money, `${agent.agentId}'s money`)
      assert.equal(agent.unpricedCalls, unpriced, "S2: calls without a price are counted")
      inWindow += agent.windowTokens
    }
    for (const ended of HashMap.values(this.budget.ended.items))
      inWindow += ended.agent.windowTokens
    assert.equal(inWindow, day.confirmed + day.uncertain, "S9: the agents' parts add up to the day")
    assert.equal(HashMap.size(this.budget.holds), this.holds.size)
  }

  /** S1, in hard mode: `used + held − overrun ≤ limit` on every account, of tokens and of money. */
  private expectLimits(): void {
    const { settings, day, dayCost, agents } = this.budget
    if (!settings.enforceHardLimits) return
    const own = [...HashMap.values(agents)].flatMap(({ account, cost }) => [account, cost])
    for (const account of [day, dayCost, ...own]) {
      const { confirmed, uncertain, held, overrun, limit } = account
      if (limit !== null)
        assert.ok(confirmed + uncertain + held - overrun <= limit, "S1: nothing beyond the limit")
      if (this.clean) assert.equal(overrun, 0, "S1: no overrun while every call is held first")
    }
  }

  /** S5: as many slots as lives from admission to the end. S14: deadlines do not move. */
  private expectSlots(): void {
    const live = [...this.lives.values()].filter(({ over }) => !over)
    const slots = live.filter(({ admitted }) => admitted.slot).length
    assert.equal(this.budget.slotsTaken, slots, "S5: a slot for each life, freed once")
    assert.equal(HashMap.size(this.budget.agents), live.length)
    for (const { admitted } of live) {
      const agent: LiveAgent | undefined = this.machines.budget.agentOf(this.budget, admitted.key)
      assert.equal(agent?.deadlineAt, admitted.deadlineAt, "S14: a deadline never moves")
    }
  }

  private expectOpenWindow(row: { windowId: string; at: number }, budget: Budget): void {
    assert.equal(row.windowId, budget.window.id, "S9: it belongs to the open day")
    assert.ok(row.at < budget.window.endsAt, "S9: a day that is over takes nothing in")
  }

  private life(key: string): Life {
    const life = this.lives.get(key)
    assert.ok(life !== undefined, `S6: nothing about ${key} before its admission`)
    return life
  }

  private window(id: string): Sums {
    const window = this.windows.get(id)
    assert.ok(window !== undefined, `S9: the day ${id} was opened`)
    return window
  }
}

const expectAccount = (account: Account, sum: Sum, name: string): void => {
  const { confirmed, uncertain, held } = account
  const folded = { used: confirmed + uncertain, uncertain, held }
  assert.deepEqual(folded, sum, `S2: the account of ${name} is the sum of its rows`)
}
