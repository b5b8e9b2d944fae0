/** Somebody accepts a clock that was set back: the present day opens with its earlier use. */
import type { Budget } from "../../machines/budget/budget.ts"
import {
  decideClockStep,
  type EarlierUse,
  earlierMoney,
  earlierUse,
  presentDay,
  uncertainAfter,
  uncertainMoneyAfter,
} from "../../machines/budget/clock-step.ts"
import type { Decision } from "../../machines/budget/decision.ts"
import type { Window } from "../../machines/budget/row.ts"
import type { Instant } from "../../machines/vocabulary.ts"
import type { LedgerReader, LedgerService } from "../ledger/ledger.ts"
import { recoverBudget } from "./recover.ts"

/** Resolves with what was decided once its row is durable; `stays` when nothing is wrong. */
export const acceptClock = async (
  ledger: LedgerService,
  now: Instant,
): Promise<Decision<"steps" | "stays">> => {
  const budget = await recoverBudget(ledger)
  const decision = await decideAcceptance(ledger, budget, now)
  ledger.append(decision.rows)
  await ledger.durable(decision.after.seq)
  return decision
}

/** The decision alone; nothing is written. */
export const decideAcceptance = async (
  ledger: LedgerReader,
  budget: Budget,
  now: Instant,
): Promise<Decision<"steps" | "stays">> =>
  decideClockStep(budget, now, await usedIn(ledger, presentDay(budget, now)))

const usedIn = async (ledger: LedgerReader, { id }: Window): Promise<EarlierUse> => {
  let [all, allMicroUsd] = [0, 0]
  for await (const { tokens, costMicroUsd } of ledger.history({ fromWindow: id, toWindow: id })) {
    all += tokens
    allMicroUsd += costMicroUsd
  }
  let [uncertain, uncertainMicroUsd] = [0, 0]
  const kinds = ["hold_expired", "hold_settled", "usage_recorded", "corrected"] as const
  for await (const row of ledger.rows({ windowId: id, kinds })) {
    uncertain = uncertainAfter(uncertain, row)
    uncertainMicroUsd = uncertainMoneyAfter(uncertainMicroUsd, row)
  }
  return { ...earlierUse(all, uncertain), ...earlierMoney(allMicroUsd, uncertainMicroUsd) }
}
