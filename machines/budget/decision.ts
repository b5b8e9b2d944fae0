/**
 * A decision: what was judged, the rows that say so, and the budget after them.
 *
 * Every decision first lets the day turn, so whatever happens at or after the window's end
 * belongs to the next window even when no timer has fired yet.
 */
import type { Instant } from "../vocabulary.ts"
import type { Budget } from "./budget.ts"
import { foldAll } from "./fold.ts"
import type { Refusal, Row, Unnumbered } from "./row.ts"
import { nextWindow } from "./window.ts"

export interface Decision<Verdict extends string = string> {
  readonly verdict: Verdict
  readonly rows: readonly Row[]
  readonly before: Budget
  readonly after: Budget
  /** The refusal given, or in soft mode the one hard mode would have given. */
  readonly refusal: Refusal | null
}

/** A budget whose open window contains `at`, and the rows that opened it. */
export interface Turned {
  readonly before: Budget
  readonly budget: Budget
  readonly rows: readonly Row[]
  readonly at: Instant
}

export const turnDay = (budget: Budget, at: Instant): Turned => {
  if (at < budget.window.endsAt) return { before: budget, budget, rows: [], at }
  const window = nextWindow(budget.window, at, budget.settings.timeZone)
  const rows = number(budget, at, [{ kind: "window_opened", window }])
  return { before: budget, budget: foldAll(budget, rows), rows, at }
}

/** Gives rows their place after everything folded so far. */
const number = (budget: Budget, at: Instant, rows: readonly Unnumbered[]): readonly Row[] =>
  rows.map((row, index) => ({ ...row, seq: budget.seq + index + 1, at }))

export const conclude = <Verdict extends string>(
  turned: Turned,
  verdict: Verdict,
  added: readonly Unnumbered[],
  refusal: Refusal | null = null,
): Decision<Verdict> => {
  const rows = number(turned.budget, turned.at, added)
  return {
    verdict,
    rows: turned.rows.length === 0 ? rows : [...turned.rows, ...rows],
    before: turned.before,
    after: foldAll(turned.budget, rows),
    refusal,
  }
}

/** The same decision with more rows behind it. */
export const extend = <Verdict extends string, Other extends string>(
  decision: Decision<Verdict>,
  verdict: Other,
  at: Instant,
  added: readonly Unnumbered[],
): Decision<Other> => {
  const rows = number(decision.after, at, added)
  return {
    ...decision,
    verdict,
    rows: [...decision.rows, ...rows],
    after: foldAll(decision.after, rows),
  }
}
