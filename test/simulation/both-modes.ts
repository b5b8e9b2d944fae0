/**
 * S13: soft mode says what hard mode does. The same world is lived in each mode; up to where the
 * histories part they are the same, and there both must say the same of the same request.
 */
import { expect } from "vitest"
import type { Budget } from "../../machines/budget/budget.ts"
import type { CallBound } from "../../machines/budget/call-bound.ts"
import { fold, foldAll } from "../../machines/budget/fold.ts"
import { decideHold } from "../../machines/budget/holds.ts"
import { emptyBudget } from "../../machines/budget/recovery.ts"
import type { Admitted, HoldPlaced, Refusal, Row } from "../../machines/budget/row.ts"
import { decideSpawn } from "../../machines/budget/spawning.ts"

type Amount =
  | { readonly tokens: number; readonly costMicroUsd: number | null }
  | { readonly call: CallBound }

/** Somebody asked to start, or for a hold; perhaps to wait in line if need be. */
export interface Asked {
  readonly queue: boolean
  /** Null: to start. */
  readonly amount: Amount | null
}

export interface Lived {
  readonly rows: readonly Row[]
  /** What was asked for, by the request's id. */
  readonly asked: ReadonlyMap<string, Asked>
}

/** How the histories part. */
export type Parting =
  | "of one request both say the same"
  | "hard mode lets wait whom soft mode flags"
  | "hard mode refuses for good who in soft mode lacks a slot"
  | "hard mode stops somebody at a limit"
  | "never"

/** Hard mode's own: for want of tokens or of money, or of a bound. */
const isHards = (reason: string): boolean => /token|cost|unboundable/.test(reason)

const isGrant = (row: Row | undefined): row is Admitted | HoldPlaced =>
  row?.kind === "admitted" || row?.kind === "hold_placed"

/** What hard mode refuses; soft mode grants it and says so. */
const verdictOn = (row: Row | undefined): Refusal | null => {
  if (isGrant(row)) return row.wouldRefuse
  return row?.kind === "refused" && isHards(row.refusal.reason) ? row.refusal : null
}

const requestOf = (row: Row | undefined): string | null => {
  if (row?.kind === "admitted" || row?.kind === "refused") return row.requestId
  return row?.kind === "hold_placed" ? row.holdId : null
}

/** Of a cut answer the whole: soft mode grants what hard mode was asked for. */
const tokensAskedOf = (row: Row | undefined): number | null =>
  row?.kind === "hold_placed" ? (row.askedTokens ?? row.tokens) : null

/** Hard mode acts: from here on the two histories are different ones. */
const stopsAtLimit = (row: Row): boolean => row.kind === "stop_requested" && isHards(row.reason)

/** An answer that hard mode cuts is no refusal, but the histories part there. */
const isCut = (row: Row): boolean => row.kind === "hold_placed" && row.askedTokens !== undefined

const firstOfModes = (rows: readonly Row[]): number => {
  const first = rows.findIndex((row) => verdictOn(row) !== null || stopsAtLimit(row) || isCut(row))
  return first < 0 ? rows.length : first
}

/** A row but for the mode, and for how long a full day keeps a free slot out of reach. */
const withoutMode = (row: Row): Row => {
  if (row.kind === "budget_set")
    return { ...row, settings: { ...row.settings, enforceHardLimits: true } }
  if (row.kind === "refused" && row.refusal.reason === "concurrency_limit")
    return { ...row, refusal: { ...row.refusal, retryAt: null } }
  return row
}

const inHardMode = (budget: Budget): Budget => ({
  ...budget,
  settings: { ...budget.settings, enforceHardLimits: true },
})

/** What hard mode decides where soft mode has granted. */
const hardsDecision = (before: Budget, row: Admitted | HoldPlaced, { queue, amount }: Asked) => {
  const budget = inHardMode(before)
  if (row.kind === "hold_placed" && amount !== null) {
    const { holdId, key } = row
    return decideHold(budget, { holdId, key, queue, ...amount }, row.at)
  }
  if (row.kind === "hold_placed") throw new Error(`nobody asked for ${row.holdId}`)
  const { requestId, key, agentId, taskId, enforcement, slot, ownLimit } = row
  const own = { ownTokenLimit: ownLimit, ownCostLimitMicroUsd: row.ownCostLimitMicroUsd ?? null }
  const general = { ownDurationMinutes: null, ownGraceSeconds: null, waitForReset: false }
  const names = { requestId, key, agentId, taskId, enforcement, slot }
  return decideSpawn(budget, { ...names, ...own, ...general, queue }, row.at)
}

const askedBy = ({ asked }: Lived, id: string | null): Asked => {
  const found = id === null ? undefined : asked.get(id)
  if (found === undefined) throw new Error(`nobody asked for ${id}`)
  return found
}

const mayWait = (lived: Lived, row: Row | undefined): row is Admitted | HoldPlaced => {
  if (!isGrant(row) || row.wouldRefuse === null) return false
  const { never, retryAt } = row.wouldRefuse
  return !never && retryAt === null && askedBy(lived, requestOf(row)).queue
}

/** Who is refused for good by tokens, and lacks a slot too, is told only that in soft mode. */
const lacksSlot = (before: Budget, row: Row | undefined): boolean =>
  row?.kind === "refused" &&
  row.subject === "spawn" &&
  verdictOn(row)?.never === true &&
  before.slotsTaken >= (before.settings.maxConcurrentAgents ?? Number.POSITIVE_INFINITY)

/** Compares the histories as far as they can be, and tells how they part. */
export const compareUpToParting = (hard: Lived, soft: Lived): Parting => {
  const shared = Math.min(firstOfModes(hard.rows), firstOfModes(soft.rows))
  const before = hard.rows.slice(0, shared)
  expect(soft.rows.slice(0, shared).map(withoutMode)).toEqual(before.map(withoutMode))
  const [hards, softs] = [hard.rows[shared], soft.rows[shared]]
  if (hards === undefined && softs === undefined) return "never"
  if (hards !== undefined && stopsAtLimit(hards)) return "hard mode stops somebody at a limit"
  const budget = foldAll(emptyBudget(), before)
  if (mayWait(soft, softs)) {
    const { verdict, refusal } = hardsDecision(budget, softs, askedBy(soft, requestOf(softs)))
    expect({ verdict, refusal }).toEqual({ verdict: "queues", refusal: softs.wouldRefuse })
    expect(requestOf(hards)).not.toBe(requestOf(softs))
    return "hard mode lets wait whom soft mode flags"
  }
  if (lacksSlot(budget, hards)) {
    const isWaiting = askedBy(hard, requestOf(hards)).queue
    const told = softs?.kind === "refused" ? [softs.requestId, softs.refusal.reason] : []
    if (isWaiting) expect(requestOf(softs)).not.toBe(requestOf(hards))
    else expect(told).toEqual([requestOf(hards), "concurrency_limit"])
    return "hard mode refuses for good who in soft mode lacks a slot"
  }
  expect(saidOf(softs)).toEqual(saidOf(hards))
  return "of one request both say the same"
}

const saidOf = (row: Row | undefined) => ({
  request: requestOf(row),
  verdict: verdictOn(row),
  tokens: verdictOn(row) === null ? tokensAskedOf(row) : null,
})

/** Whatever soft mode grants, hard mode decides on the same budget; how often each was said. */
export const compareEveryGrant = (soft: Lived): ReadonlyMap<string, number> => {
  const said = new Map<string, number>()
  let budget = emptyBudget()
  for (const row of soft.rows) {
    if (isGrant(row)) {
      const { verdict, refusal } = hardsDecision(budget, row, askedBy(soft, requestOf(row)))
      expect({ row, refusal }).toEqual({ row, refusal: row.wouldRefuse })
      said.set(verdict, (said.get(verdict) ?? 0) + 1)
    }
    budget = fold(budget, row)
  }
  return said
}
