/** From a ledger to a budget that may start: fold what is there, then say what became of it. */
import { canary } from "../../machines/budget/admission.ts"
import type { Budget } from "../../machines/budget/budget.ts"
import { decodeCheckpoint, keptInCheckpoint } from "../../machines/budget/checkpoint.ts"
import type { Decision } from "../../machines/budget/decision.ts"
import { fold } from "../../machines/budget/fold.ts"
import {
  decideStart,
  emptyBudget,
  livesOf,
  lostOf,
  recallCalls,
} from "../../machines/budget/recovery.ts"
import type { Row } from "../../machines/budget/row.ts"
import type { BudgetSettings } from "../../machines/budget/settings.ts"
import { isoOf } from "../../machines/budget/summary.ts"
import { clockSteppedBack } from "../../machines/budget/window.ts"
import type { AgentKey, Instant } from "../../machines/vocabulary.ts"
import type { LedgerService } from "../ledger/ledger.ts"
import type { Clock } from "./clock.ts"
import { CanaryAdmitted, ClockStepped } from "./errors.ts"
import type { Sweep, TakeOver } from "./take-over.ts"

/** The newest checkpoint and the rows after it; a checkpoint of another version is folded anew. */
export const recoverBudget = async (
  ledger: Pick<LedgerService, "recover" | "rows">,
): Promise<Budget> => {
  const { checkpoint, rows } = await ledger.recover()
  const saved = checkpoint === null ? null : decodeCheckpoint(checkpoint.state)
  let budget = saved ?? { ...emptyBudget(), kept: keptInCheckpoint(checkpoint?.state) }
  const from = checkpoint !== null && saved === null ? ledger.rows({ fromSeq: 1 }) : rows
  for await (const row of from) budget = fold(budget, row)
  return budget
}

export interface StartOptions {
  readonly ledger: LedgerService
  readonly settings: BudgetSettings
  readonly clock: Pick<Clock, "now">
  /** Stops what is left of agents that outlived their supervisor, before anything is admitted. */
  readonly sweep?: Sweep
  readonly takeOver?: TakeOver
}

const NOBODY: ReadonlySet<AgentKey> = new Set()

/** In this order: the limits, who is claimed, who is stopped, and only then the first new row. */
export const recoverAndStart = async (options: StartOptions): Promise<Decision<"starts">> => {
  const { ledger, takeOver, sweep, clock } = options
  const found = await recoverBudget(ledger)
  const settings = takeOver === undefined ? options.settings : takeOver.settings(found)
  const claimed = (await takeOver?.claimed(livesOf(found))) ?? NOBODY
  await sweep?.(lostOf(found, claimed))
  const recovered = await recallClaimed(ledger, found, claimed)
  return startBudget(recovered, settings, clock.now(), claimed)
}

/** What they repeat must be recognised, so their own rows are read again. */
const recallClaimed = async (
  ledger: LedgerService,
  recovered: Budget,
  claimed: ReadonlySet<AgentKey>,
): Promise<Budget> => {
  let budget = recovered
  for (const { key, startedAt } of livesOf(recovered)) {
    if (!claimed.has(key)) continue
    const rows: Row[] = []
    const kinds = ["usage_recorded", "corrected"] as const
    for await (const row of ledger.rows({ key, fromAt: startedAt, kinds })) rows.push(row)
    budget = recallCalls(budget, key, rows)
  }
  return budget
}

const startBudget = (
  recovered: Budget,
  settings: BudgetSettings,
  now: Instant,
  claimed?: ReadonlySet<AgentKey>,
): Decision<"starts"> => {
  if (settings.enforceHardLimits && recovered.seq > 0 && clockSteppedBack(recovered.window, now))
    throw clockStepped(recovered, now)
  const decision = decideStart(recovered, settings, now, claimed)
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
