/** From a ledger to a budget that may start: fold what is there, then say what became of it. */
import { canary } from "../../machines/budget/admission.ts"
import type { Budget } from "../../machines/budget/budget.ts"
import { decodeCheckpoint } from "../../machines/budget/checkpoint.ts"
import type { Decision } from "../../machines/budget/decision.ts"
import { fold } from "../../machines/budget/fold.ts"
import { decideStart, emptyBudget } from "../../machines/budget/recovery.ts"
import type { BudgetSettings } from "../../machines/budget/settings.ts"
import { isoOf } from "../../machines/budget/summary.ts"
import { clockSteppedBack } from "../../machines/budget/window.ts"
import type { Instant } from "../../machines/vocabulary.ts"
import type { LedgerService } from "../ledger/ledger.ts"
import { CanaryAdmitted, ClockStepped } from "./errors.ts"

/** The newest checkpoint and the rows after it; a checkpoint of another version is folded anew. */
export const recoverBudget = async (ledger: LedgerService): Promise<Budget> => {
  const { checkpoint, rows } = await ledger.recover()
  const saved = checkpoint === null ? null : decodeCheckpoint(checkpoint.state)
  let budget = saved ?? emptyBudget()
  const from = checkpoint !== null && saved === null ? ledger.rows({ fromSeq: 1 }) : rows
  for await (const row of from) budget = fold(budget, row)
  return budget
}

export const startBudget = (
  recovered: Budget,
  settings: BudgetSettings,
  now: Instant,
): Decision<"starts"> => {
  if (settings.enforceHardLimits && recovered.seq > 0 && clockSteppedBack(recovered.window, now))
    throw clockStepped(recovered, now)
  const decision = decideStart(recovered, settings, now)
  const admitted = canary(decision.after)
  if (admitted.length > 0) throw canaryAdmitted(admitted)
  return decision
}

const clockStepped = (budget: Budget, at: Instant): ClockStepped => {
  const now = isoOf(at)
  const windowStartsAt = isoOf(budget.window.startsAt)
  const message =
    `the clock reads ${now}, more than 26 hours before the open day began (${windowStartsAt}); ` +
    "set the clock right, or accept it with `stint doctor --accept-clock`"
  return new ClockStepped({ now, windowStartsAt, message })
}

const canaryAdmitted = (limits: readonly string[]): CanaryAdmitted =>
  new CanaryAdmitted({
    limits: [...limits],
    message: `the limiter is not switched on: a request over ${limits.join(", ")} was admitted; nothing was started`,
  })
