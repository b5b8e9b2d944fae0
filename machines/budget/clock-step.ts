/**
 * A clock that was set back by more than a day, accepted by somebody: the present day opens.
 *
 * It opens with what the ledger remembers of its earlier use, so that no day is given twice.
 */
import type { Instant, MicroUsd, Tokens } from "../vocabulary.ts"
import { add, subtract } from "./amounts.ts"
import type { Budget } from "./budget.ts"
import { conclude, type Decision } from "./decision.ts"
import type { Row, Window } from "./row.ts"
import { clockSteppedBack, windowAt } from "./window.ts"

/** What a day had used before it is opened again. */
export interface EarlierUse {
  readonly confirmedTokens: Tokens
  readonly uncertainTokens: Tokens
  readonly confirmedMicroUsd?: MicroUsd
  readonly uncertainMicroUsd?: MicroUsd
}

/** The day that would be opened: the one whose earlier use is asked for. */
export const presentDay = (budget: Budget, at: Instant): Window =>
  windowAt(at, budget.settings.timeZone)

/** `stays`, without a row, when nothing is wrong with the clock. */
export const decideClockStep = (
  before: Budget,
  at: Instant,
  earlier: EarlierUse,
): Decision<"steps" | "stays"> => {
  const untouched = { before, budget: before, rows: [], at }
  if (before.seq === 0 || !clockSteppedBack(before.window, at))
    return conclude(untouched, "stays", [])
  // When the clock was last right is not known; it had reached the open day.
  const { startsAt: from } = before.window
  return conclude(untouched, "steps", [
    { kind: "clock_stepped", from, window: presentDay(before, at), ...earlier },
  ])
}

/**
 * A day's earlier use, from all it used and the rows of it that are still kept; of what was
 * rolled up already nothing says how certain it was, and it counts as confirmed.
 */
export const earlierUse = (allTokens: Tokens, uncertainTokens: Tokens): EarlierUse => {
  const confirmedTokens = subtract(allTokens, uncertainTokens)
  return { confirmedTokens, uncertainTokens: subtract(allTokens, confirmedTokens) }
}

/** The same of its money; nothing where there was none. */
export const earlierMoney = (
  allMicroUsd: MicroUsd,
  uncertainMicroUsd: MicroUsd,
): Pick<EarlierUse, "confirmedMicroUsd" | "uncertainMicroUsd"> => {
  if (allMicroUsd === 0) return {}
  const { confirmedTokens, uncertainTokens } = earlierUse(allMicroUsd, uncertainMicroUsd)
  return { confirmedMicroUsd: confirmedTokens, uncertainMicroUsd: uncertainTokens }
}

/** The day's uncertain tokens after one more of its rows. */
export const uncertainAfter = (uncertain: Tokens, row: Row): Tokens => {
  switch (row.kind) {
    case "hold_expired":
      return add(uncertain, row.heldTokens)
    case "hold_settled":
    case "usage_recorded":
      return row.provenance === "reported" ? uncertain : add(uncertain, row.tokens)
    case "corrected":
      return subtract(uncertain, row.uncertainBefore)
    default:
      return uncertain
  }
}

/** The same of its money. */
export const uncertainMoneyAfter = (uncertain: MicroUsd, row: Row): MicroUsd => {
  switch (row.kind) {
    case "hold_expired":
      return add(uncertain, row.heldCostMicroUsd ?? 0)
    case "hold_settled":
    case "usage_recorded":
      return row.provenance === "reported" ? uncertain : add(uncertain, row.costMicroUsd ?? 0)
    case "corrected":
      return subtract(uncertain, row.cost?.uncertainMicroUsd ?? 0)
    default:
      return uncertain
  }
}
