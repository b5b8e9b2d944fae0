/**
 * What must hold after every row, whatever happened. The sums are made from the rows alone, in
 * the plainest way, and then compared with what the machines fold.
 */
import { usedOf } from "../../machines/budget/account.ts"
import { agentOf, type Budget } from "../../machines/budget/budget.ts"
import { fold } from "../../machines/budget/fold.ts"
import { emptyBudget } from "../../machines/budget/recovery.ts"
import type * as Rows from "../../machines/budget/row.ts"

interface Sums {
  used: number
  uncertain: number
  held: number
  overrun: number
}

interface Life {
  readonly admitted: Rows.Admitted
  readonly sums: Sums
  reason: string | null
  ended: boolean
}

interface Call {
  readonly windowId: string
  readonly key: string
  /** Tokens held while open, charged or reported afterwards. */
  tokens: number
  state: "open" | "settled" | "voided" | "expired" | "corrected"
}

/** They come before the day is opened for them, or open it. */
const OUTSIDE_A_DAY: readonly Rows.Row["kind"][] = ["window_opened", "budget_set", "defaults_kept"]

const nothing = (): Sums => ({ used: 0, uncertain: 0, held: 0, overrun: 0 })

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
    must(this.budget.day.held === 0, "L3", `idle, and ${this.budget.day.held} tokens are held`)
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
        this.life(row.key)
        return
      case "clock_stepped":
        this.windows.push(row.window)
        this.days.set(row.window.id, {
          ...nothing(),
          used: row.confirmedTokens + row.uncertainTokens,
          uncertain: row.uncertainTokens,
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
    const byTokens = reason === "agent_token_limit" || reason === "daily_token_limit"
    const leaving = row.key !== null && this.life(row.key).reason !== null
    must(this.isHard() || !byTokens || leaving, "S13", "soft mode refused tokens")
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
    const { key, windowId, tokens } = row
    must(this.life(key).reason === null, "S6", "granted to an agent that was asked to stop")
    this.holds.set(row.holdId, { key, windowId, tokens, state: "open" })
    this.move(key, windowId, { held: tokens })
  }

  private noteSettled(row: Rows.HoldSettled): void {
    const hold = this.resolve(row, "settled")
    const overrun = Math.max(0, row.tokens - hold.tokens)
    const uncertain = row.provenance === "reported" ? 0 : row.tokens
    this.move(row.key, hold.windowId, { held: -hold.tokens, used: row.tokens, overrun, uncertain })
    hold.tokens = row.tokens
  }

  private noteUnreported(row: Rows.HoldVoided | Rows.HoldExpired): void {
    const hold = this.resolve(row, row.kind === "hold_voided" ? "voided" : "expired")
    const charged = row.kind === "hold_voided" ? 0 : hold.tokens
    const change = { held: -hold.tokens, used: charged, uncertain: charged }
    this.move(row.key, hold.windowId, change)
    hold.tokens = charged
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
    const { key, windowId, tokens, usageId } = row
    must(windowId === this.windowId(), "S9", "usage belongs to the window in which it was read")
    const id = `${key} ${usageId ?? `row ${row.seq}`}`
    must(!this.calls.has(id), "S4", `call ${id} was recorded twice`)
    this.calls.set(id, { key, windowId, tokens, state: "settled" })
    const uncertain = row.provenance === "reported" ? 0 : tokens
    this.move(key, windowId, { used: tokens, overrun: tokens, uncertain })
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
    const { dailyTokenLimit } = this.budget.settings
    const day = this.days.get(this.windowId())
    if (day !== undefined) raise(day, dailyTokenLimit)
    for (const [key, life] of this.lives)
      if (!life.ended) raise(life.sums, this.limitOf(key, life.admitted))
  }

  private checkSums(): void {
    const { day } = this.budget
    const sums = this.days.get(this.windowId())
    if (sums === undefined) return
    const folded = { ...nothing(), used: usedOf(day), held: day.held }
    same({ ...folded, uncertain: day.uncertain, overrun: day.overrun }, sums, "H1", "the day")
    for (const [key, life] of this.lives) {
      const account = agentOf(this.budget, life.admitted.key)?.account
      if (account === undefined) continue
      const { held, uncertain, overrun } = account
      same({ used: usedOf(account), held, uncertain, overrun }, life.sums, "H1", key)
    }
  }

  private checkLimits(): void {
    if (!this.isHard()) return
    const day = this.days.get(this.windowId())
    if (day !== undefined) within(day, this.budget.settings.dailyTokenLimit, "the day")
    for (const [key, life] of this.lives)
      if (!life.ended) within(life.sums, this.limitOf(key, life.admitted), key)
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

  private limitOf(key: string, admitted: Rows.Admitted): number | null {
    const general = this.budget.settings.perAgentTokenLimit
    const own = admitted.ownLimit
    const limit = general === null || own === null ? (general ?? own) : Math.min(general, own)
    const folded = agentOf(this.budget, admitted.key)?.account.limit
    must(folded === undefined || folded === limit, "H1", `${key}'s limit is ${folded}`)
    return limit
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

const apply = (sums: Sums, change: Partial<Sums>): void => {
  for (const kind of ["used", "uncertain", "held", "overrun"] as const)
    sums[kind] += change[kind] ?? 0
}

const raise = (sums: Sums, limit: number | null): void => {
  if (limit !== null) sums.overrun = Math.max(sums.overrun, sums.used + sums.held - limit)
}

const within = ({ used, held, overrun }: Sums, limit: number | null, whose: string): void =>
  must(
    limit === null || used + held - overrun <= limit,
    "S1",
    `${whose}: used ${used} + held ${held} - overrun ${overrun} > ${limit}`,
  )

const same = (folded: Sums, summed: Sums, name: string, whose: string): void => {
  for (const kind of ["used", "uncertain", "held", "overrun"] as const) {
    must(folded[kind] === summed[kind], name, `${whose}: ${kind} ${folded[kind]} ≠ ${summed[kind]}`)
    must(summed[kind] >= 0, "S2", `${whose}: ${kind} is ${summed[kind]}`)
  }
}
