/**
 * One account: a limit, what was used against it, and what is held.
 *
 * `used = confirmed + uncertain`. Status and percent are of `used` alone; admission counts
 * `held` too. `overrun` is usage above its hold or without one, plus what a lowered limit left
 * over, so that `used + held − overrun ≤ limit` holds at every row in hard mode (S1).
 */
import type { BudgetStatus, Tokens } from "../vocabulary.ts"
import { add, subtract } from "./amounts.ts"

/** The used amounts at which each status begins; empty when there is no limit. */
export type Marks = readonly number[]

export interface Account {
  readonly limit: Tokens | null
  readonly confirmed: Tokens
  readonly uncertain: Tokens
  readonly held: Tokens
  readonly overrun: Tokens
  readonly marks: Marks
  /** The highest status told so far for this limit: a crossing is told once. */
  readonly told: number
}

export const STATUSES: readonly BudgetStatus[] = [
  "within_budget",
  "approaching_limit",
  "at_limit",
  "exceeded",
]

/** `used × 100 ≥ limit × threshold`, exactly, solved for `used`. Thresholds have two decimals at most. */
export const marksOf = (limit: Tokens | null, thresholds: readonly number[]): Marks =>
  limit === null
    ? []
    : thresholds.map((threshold) => {
        const scaled = BigInt(limit) * BigInt(Math.round(threshold * 100))
        return Number((scaled + 9_999n) / 10_000n)
      })

export const openAccount = (limit: Tokens | null, thresholds: readonly number[]): Account =>
  tell({
    limit,
    confirmed: 0,
    uncertain: 0,
    held: 0,
    overrun: 0,
    marks: marksOf(limit, thresholds),
    told: 0,
  })

export const usedOf = (account: Account): Tokens => add(account.confirmed, account.uncertain)

export const remainingOf = (account: Account): Tokens | null =>
  account.limit === null ? null : subtract(account.limit, add(usedOf(account), account.held))

/** 0 within budget … 3 exceeded. */
export const levelOf = (account: Account): number => {
  if (account.limit === 0) return 3
  const used = usedOf(account)
  let level = 0
  for (const mark of account.marks) if (used >= mark) level += 1
  return level
}

export const statusOf = (account: Account): BudgetStatus =>
  STATUSES[levelOf(account)] ?? "within_budget"

/** The limit itself is reached, whatever the thresholds say: this is what enforcement asks. */
export const isFull = (account: Account): boolean =>
  account.limit !== null && usedOf(account) >= account.limit

const tell = (account: Account): Account => {
  const level = levelOf(account)
  return level > account.told ? { ...account, told: level } : account
}

export const hold = (account: Account, tokens: Tokens): Account => ({
  ...account,
  held: add(account.held, tokens),
})

export const release = (account: Account, tokens: Tokens): Account => ({
  ...account,
  held: subtract(account.held, tokens),
})

export interface Charge {
  readonly tokens: Tokens
  readonly certain: boolean
  /** How much of it no hold had promised. */
  readonly overrun: Tokens
}

export const charge = (account: Account, { tokens, certain, overrun }: Charge): Account =>
  tell({
    ...account,
    confirmed: certain ? add(account.confirmed, tokens) : account.confirmed,
    uncertain: certain ? account.uncertain : add(account.uncertain, tokens),
    overrun: add(account.overrun, overrun),
  })

export interface Correction {
  readonly before: Tokens
  readonly uncertainBefore: Tokens
  readonly now: Tokens
}

/** A better number for something already charged: all of it is confirmed from here on. */
export const correct = (account: Account, { before, uncertainBefore, now }: Correction): Account =>
  tell({
    ...account,
    confirmed: add(subtract(account.confirmed, subtract(before, uncertainBefore)), now),
    uncertain: subtract(account.uncertain, uncertainBefore),
    overrun: add(account.overrun, subtract(now, before)),
  })

/** A new limit voids nothing; what no longer fits under it is overrun. Warnings start anew. */
export const limitTo = (
  account: Account,
  limit: Tokens | null,
  thresholds: readonly number[],
): Account => {
  const marks = marksOf(limit, thresholds)
  const changed = limit !== account.limit || marks.some((mark, at) => mark !== account.marks[at])
  if (!changed) return coverOverrun(account)
  return coverOverrun(tell({ ...account, limit, marks, told: 0 }))
}

const coverOverrun = (account: Account): Account => {
  if (account.limit === null) return account
  const left = subtract(add(usedOf(account), account.held), account.limit)
  return left > account.overrun ? { ...account, overrun: left } : account
}
