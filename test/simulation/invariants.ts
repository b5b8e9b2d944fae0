/**
 * What must hold after every row, whatever happened. The sums are made from the rows alone, in
 * the plainest way, and then compared with what the machines fold.
 */
import { type Account, usedOf } from "../../machines/budget/account.ts"
import { agentOf, type Budget } from "../../machines/budget/budget.ts"
import { fold } from "../../machines/budget/fold.ts"
import { emptyBudget } from "../../machines/budget/recovery.ts"
import type * as Rows from "../../machines/budget/row.ts"

const TOKENS = ["used", "uncertain", "held", "overrun"] as const
const MONEY = ["cost", "uncertainCost", "heldCost", "overrunCost"] as const
const KINDS = [...TOKENS, ...MONEY]

type Sums = Record<(typeof KINDS)[number], number>

interface Life {
  readonly admitted: Rows.Admitted
  readonly sums: Sums
  reason: string | null
  ended: boolean
}

interface Call {
  readonly windowId: string
  readonly key: string
  /** Tokens held while open, charged or reported afterwards; and the same of money. */
  tokens: number
  cost: number
  state: "open" | "settled" | "voided" | "expired" | "corrected"
}

/** They come before the day is opened for them, or open it. */
const OUTSIDE_A_DAY: readonly Rows.Row["kind"][] = ["window_opened", "budget_set", "defaults_kept"]

const nothing = (): Sums => ({
  ...{ used: 0, uncertain: 0, held: 0, overrun: 0 },
  ...{ cost: 0, uncertainCost: 0, heldCost: 0, overrunCost: 0 },
})

export class Invariants {
  budget: Budget = emptyBudget()
  private readonly lives = new Map<string, Life>()
  private readonly holds = new Map<string, Call>()
  private readonly calls = new Map<string, Call>()
  private readonly days = new Map<string, Sums>()
  private readonly windows: Rows.Window[] = []

  /** Folds one more row and throws when it broke something, naming the invariant and the row. */
  check(row: Rows.Row): void {
    const before = this.budget
    this.budget = fold(before, row)
    try {
      must(row.seq === before.seq + 1, "S2", `row ${row.seq} follows row ${before.seq}`)
      this.note(row)
      this.checkSums()
      this.checkLimits()
      this.checkLives()
    } catch (error) {
      throw new Error(`${String(error)}\n  at row ${JSON.stringify(row)}`)
    }
  }

  /** Agents whose life is not over; accounts without a slot have none. */
  living(): readonly string[] {
    return [...this.lives].filter(([, l]) => !l.ended && l.admitted.slot).map(([key]) => key)
  }

  /** L1 and L3, once everything has come to rest. */
  checkAtRest(): void {
    must(this.living().length === 0, "L1", `still alive: ${this.living().join(", ")}`)
    for (const [id, hold] of this.holds)
      must(hold.state !== "open", "L3", `idle, and hold ${id} is still open`)
    const { day, dayCost } = this.budget
    must(day.held === 0, "L3", `idle, and ${day.held} tokens are held`)
    must(dayCost.held === 0, "L3", `idle, and ${dayCost.held} micro-dollars are held`)
  }

  private note(row: Rows.Row): void {
    if (!OUTSIDE_A_DAY.includes(row.kind))
      must(row.at < this.budget.window.endsAt, "S9", "the row is later than the open window's end")
    switch (row.kind) {
      case "window_opened":
        this.noteWindow(row.window)
        return
      case "budget_set":
        this.cover()
        return
      case "defaults_kept":
        return
      case "admitted":
        this.noteAdmitted(row)
        return
      case "refused":
        this.noteRefused(row)
        return
      case "hold_placed":
        this.notePlaced(row)
        return
      case "hold_settled":
        this.noteSettled(row)
        return
      case "hold_voided":
      case "hold_expired":
        this.noteUnreported(row)
        return
      case "usage_recorded":
        this.noteUsage(row)
        return
      case "corrected":
        this.noteCorrected(row)
        return
      case "stop_requested": {
        const life = this.life(row.key)
        must(life.reason === null, "S6", "its reason was latched before")
        life.reason = row.reason
        return
      }
      case "ended":
        this.noteEnded(row)
        return
      case "started":
      case "unkillable":
      case "own_account_read":
        this.life(row.key)
        return
      case "clock_stepped":
        this.windows.push(row.window)
        this.days.set(row.window.id, {
          ...nothing(),
          used: row.confirmedTokens + row.uncertainTokens,
          uncertain: row.uncertainTokens,
          cost: (row.confirmedMicroUsd ?? 0) + (row.uncertainMicroUsd ?? 0),
          uncertainCost: row.uncertainMicroUsd ?? 0,
        })
    }
  }

  private noteWindow(window: Rows.Window): void {
    const last = this.windows.at(-1)
    if (last !== undefined) {
      must(window.id > last.id, "S9", `window ${window.id} opened after ${last.id}`)
      must(window.startsAt >= last.endsAt, "S9", "two windows share an instant")
    }
    must(!this.days.has(window.id), "S9", `window ${window.id} opened twice`)
    this.windows.push(window)
    this.days.set(window.id, nothing())
  }

  private noteAdmitted(row: Rows.Admitted): void {
    must(!this.lives.has(row.key), "S4", "one key was admitted twice")
    const max = this.budget.settings.maxConcurrentAgents
    this.lives.set(row.key, { admitted: row, sums: nothing(), reason: null, ended: false })
    if (row.slot && max !== null)
      must(this.living().length <= max, "S5", `${this.living().length} agents in ${max} slots`)
    must(row.wouldRefuse === null || !this.isHard(), "S13", "hard mode let pass what it refuses")
    const names = [...this.lives.values()].filter(
      (life) => !life.ended && life.admitted.agentId === row.agentId,
    )
    must(names.length === 1, "S4", `two live agents are called ${row.agentId}`)
  }

  private noteRefused(row: Rows.Refused): void {
    const { reason } = row.refusal
    const byTokens = [
      "agent_token_limit",
      "daily_token_limit",
      "cost_limit",
      "unboundable",
    ].includes(reason)
    const leaving = row.key !== null && this.life(row.key).reason !== null
    must(this.isHard() || !byTokens || leaving, "S13", "soft mode refused tokens or money")
    must(
      !row.refusal.never || row.refusal.retryAt === null,
      "S10",
      "never, and yet a time to retry",
    )
  }

  private notePlaced(row: Rows.HoldPlaced): void {
    must(!this.holds.has(row.holdId), "S4", `hold ${row.holdId} was placed twice`)
    must(row.windowId === this.windowId(), "S9", "a hold belongs to the window that granted it")
    must(row.wouldRefuse === null || !this.isHard(), "S13", "hard mode let pass what it refuses")
    const { key, windowId, tokens, costMicroUsd: cost = 0 } = row
    must(this.life(key).reason === null, "S6", "granted to an agent that was asked to stop")
    must((row.askedTokens ?? tokens) >= tokens, "S1", "granted more than was asked for")
    this.holds.set(row.holdId, { key, windowId, tokens, cost, state: "open" })
    this.move(key, windowId, { held: tokens, heldCost: cost })
  }

  private noteSettled(row: Rows.HoldSettled): void {
    const hold = this.resolve(row, "settled")
    const overrun = Math.max(0, row.tokens - hold.tokens)
    const uncertain = row.provenance === "reported" ? 0 : row.tokens
    const cost = row.costMicroUsd ?? 0
    this.move(row.key, hold.windowId, {
      ...{ held: -hold.tokens, used: row.tokens, overrun, uncertain },
      ...{ heldCost: -hold.cost, cost, overrunCost: Math.max(0, cost - hold.cost) },
      uncertainCost: row.provenance === "reported" ? 0 : cost,
    })
    hold.tokens = row.tokens
    hold.cost = cost
  }

  private noteUnreported(row: Rows.HoldVoided | Rows.HoldExpired): void {
    const hold = this.resolve(row, row.kind === "hold_voided" ? "voided" : "expired")
    const charged = row.kind === "hold_voided" ? 0 : hold.tokens
    const cost = row.kind === "hold_voided" ? 0 : hold.cost
    const change = { held: -hold.tokens, used: charged, uncertain: charged }
    const money = { heldCost: -hold.cost, cost, uncertainCost: cost }
    this.move(row.key, hold.windowId, { ...change, ...money })
    hold.tokens = charged
    hold.cost = cost
  }

  private resolve(
    row: Rows.HoldSettled | Rows.HoldVoided | Rows.HoldExpired,
    state: "settled" | "voided" | "expired",
  ): Call {
    const hold = this.holds.get(row.holdId)
    if (hold === undefined) throw new Error(`S3: hold ${row.holdId} was never placed`)
    must(hold.state === "open", "S3", `hold ${row.holdId} was already ${hold.state}`)
    must(hold.windowId === row.windowId, "S9", "a hold moved to another window")
    must(hold.key === row.key && hold.tokens === row.heldTokens, "S2", "not what was placed")
    hold.state = state
    return hold
  }

  private noteUsage(row: Rows.UsageRecorded): void {
    const { key, windowId, tokens, usageId, costMicroUsd } = row
    const cost = costMicroUsd ?? 0
    must(windowId === this.windowId(), "S9", "usage belongs to the window in which it was read")
    const id = `${key} ${usageId ?? `row ${row.seq}`}`
    must(!this.calls.has(id), "S4", `call ${id} was recorded twice`)
    this.calls.set(id, { key, windowId, tokens, cost, state: "settled" })
    const uncertain = row.provenance === "reported" ? 0 : tokens
    const uncertainCost = row.provenance === "reported" ? 0 : cost
    const money = { cost, overrunCost: cost, uncertainCost }
    this.move(key, windowId, { used: tokens, overrun: tokens, uncertain, ...money })
  }

  private noteCorrected(row: Rows.Corrected): void {
    const byHold = "holdId" in row.ref
    const call =
      "holdId" in row.ref
        ? this.holds.get(row.ref.holdId)
        : this.calls.get(`${row.key} ${row.ref.usageId}`)
    if (call === undefined) throw new Error("S3: a correction of nothing")
    must(!byHold || call.state === "expired", "S3", `a late settle of a hold ${call.state}`)
    must(call.windowId === row.windowId, "S9", "a correction in another window than its call")
    must(call.tokens === row.tokensBefore, "S2", `it stood at ${call.tokens}`)
    if (byHold) call.state = "corrected"
    const overrun = Math.max(0, row.tokens - row.tokensBefore)
    const used = row.tokens - row.tokensBefore
    this.move(row.key, row.windowId, { used, overrun, uncertain: -row.uncertainBefore })
    call.tokens = row.tokens
    if (row.cost === undefined) return
    const { nowMicroUsd, uncertainMicroUsd } = row.cost
    must(call.cost === (row.cost.beforeMicroUsd ?? 0), "S2", `its money stood at ${call.cost}`)
    const overrunCost = Math.max(0, nowMicroUsd - call.cost)
    const money = { cost: nowMicroUsd - call.cost, uncertainCost: -uncertainMicroUsd }
    this.move(row.key, row.windowId, { ...money, overrunCost })
    call.cost = nowMicroUsd
  }

  private noteEnded(row: Rows.Ended): void {
    const life = this.life(row.key)
    must(!life.ended, "S6", "it ended twice")
    const latched = life.reason ?? row.reason
    must(row.reason === latched || row.reason === "lost", "S6", `it was stopped by ${latched}`)
    for (const [id, hold] of this.holds)
      must(hold.key !== row.key || hold.state !== "open", "L3", `it ended with hold ${id} open`)
    life.ended = true
  }

  private move(key: string, windowId: string, change: Partial<Sums>): void {
    const day = this.days.get(windowId)
    if (day !== undefined) apply(day, change)
    const life = this.lives.get(key)
    if (life !== undefined) apply(life.sums, change)
  }

  /** A change of limits raises `overrun` so that what is there fits again. */
  private cover(): void {
    const day = this.days.get(this.windowId())
    if (day !== undefined) raise(day, this.dayLimits())
    for (const [key, life] of this.lives)
      if (!life.ended) raise(life.sums, this.limitsOf(key, life.admitted))
  }

  private checkSums(): void {
    const { day, dayCost } = this.budget
    const sums = this.days.get(this.windowId())
    if (sums === undefined) return
    same(sumsOf(day, dayCost), sums, "H1", "the day")
    for (const [key, life] of this.lives) {
      const agent = agentOf(this.budget, life.admitted.key)
      if (agent !== undefined) same(sumsOf(agent.account, agent.cost), life.sums, "H1", key)
    }
  }

  private checkLimits(): void {
    if (!this.isHard()) return
    const day = this.days.get(this.windowId())
    if (day !== undefined) within(day, this.dayLimits(), "the day")
    for (const [key, life] of this.lives)
      if (!life.ended) within(life.sums, this.limitsOf(key, life.admitted), key)
  }

  private checkLives(): void {
    const taken = this.living().length
    must(this.budget.slotsTaken === taken, "S5", `${this.budget.slotsTaken} slots of ${taken}`)
    for (const [key, life] of this.lives) {
      const folded = agentOf(this.budget, life.admitted.key)
      must((folded === undefined) === life.ended, "S6", `${key} is gone, or has come back`)
      const due = life.admitted.deadlineAt
      must(folded === undefined || folded.deadlineAt === due, "S14", `${key}'s deadline moved`)
    }
  }

  private life(key: string): Life {
    const life = this.lives.get(key)
    if (life === undefined) throw new Error(`S6: ${key} was never admitted`)
    must(!life.ended, "S6", `${key} has ended`)
    return life
  }

  private dayLimits(): Limits {
    const { dailyTokenLimit, dailyCostLimitMicroUsd } = this.budget.settings
    return { tokens: dailyTokenLimit, money: dailyCostLimitMicroUsd }
  }

  private limitsOf(key: string, admitted: Rows.Admitted): Limits {
    const { perAgentTokenLimit, perAgentCostLimitMicroUsd } = this.budget.settings
    const tokens = narrower(perAgentTokenLimit, admitted.ownLimit)
    const money = narrower(perAgentCostLimitMicroUsd, admitted.ownCostLimitMicroUsd ?? null)
    const folded = agentOf(this.budget, admitted.key)
    const isSame = folded?.account.limit === tokens && folded.cost.limit === money
    must(folded === undefined || isSame, "H1", `${key}'s limits are not the narrower ones`)
    return { tokens, money }
  }

  private windowId(): string {
    return this.windows.at(-1)?.id ?? ""
  }

  private isHard(): boolean {
    return this.budget.settings.enforceHardLimits
  }
}

const must = (holds: boolean, name: string, what: string): void => {
  if (!holds) throw new Error(`${name}: ${what}`)
}

interface Limits {
  readonly tokens: number | null
  readonly money: number | null
}

const narrower = (a: number | null, b: number | null): number | null =>
  a === null || b === null ? (a ?? b) : Math.min(a, b)

const sumsOf = (account: Account, cost: Account): Sums => ({
  used: usedOf(account),
  uncertain: account.uncertain,
  held: account.held,
  overrun: account.overrun,
  cost: usedOf(cost),
  uncertainCost: cost.uncertain,
  heldCost: cost.held,
  overrunCost: cost.overrun,
})

const apply = (sums: Sums, change: Partial<Sums>): void => {
  for (const kind of KINDS) sums[kind] += change[kind] ?? 0
}

const raise = (sums: Sums, { tokens, money }: Limits): void => {
  if (tokens !== null) sums.overrun = Math.max(sums.overrun, sums.used + sums.held - tokens)
  const spent = sums.cost + sums.heldCost
  if (money !== null) sums.overrunCost = Math.max(sums.overrunCost, spent - money)
}

const within = (sums: Sums, { tokens, money }: Limits, whose: string): void => {
  const used = sums.used + sums.held - sums.overrun
  must(tokens === null || used <= tokens, "S1", `${whose}: ${used} tokens > ${tokens}`)
  const spent = sums.cost + sums.heldCost - sums.overrunCost
  must(money === null || spent <= money, "S1", `${whose}: ${spent} micro-dollars > ${money}`)
}

const same = (folded: Sums, summed: Sums, name: string, whose: string): void => {
  for (const kind of KINDS) {
    must(folded[kind] === summed[kind], name, `${whose}: ${kind} ${folded[kind]} ≠ ${summed[kind]}`)
    must(summed[kind] >= 0, "S2", `${whose}: ${kind} is ${summed[kind]}`)
  }
}
