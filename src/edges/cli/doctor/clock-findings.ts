/** The clock, the day it is in the budget's zone, and whether the ledger's day fits to it. */
import type { Budget } from "../../../../machines/budget/budget.ts"
import type { BudgetSettings } from "../../../../machines/budget/settings.ts"
import { isoOf } from "../../../../machines/budget/summary.ts"
import { clockSteppedBack, windowAt } from "../../../../machines/budget/window.ts"
import type { Instant } from "../../../../machines/vocabulary.ts"
import { bad, type Finding, good, note } from "./finding.ts"

export const clockFindings = (
  settings: BudgetSettings,
  budget: Budget | null,
  now: Instant,
): readonly Finding[] => {
  const { id, startsAt, endsAt } = windowAt(now, settings.timeZone)
  const day = `the day ${id} in ${settings.timeZone}, ${isoOf(startsAt)} to ${isoOf(endsAt)}`
  return [steadiness(settings, budget, now), good("day", day)]
}

const steadiness = (settings: BudgetSettings, budget: Budget | null, now: Instant): Finding => {
  const reads = `reads ${isoOf(now)}`
  if (budget === null || budget.seq === 0 || now >= budget.window.startsAt)
    return good("clock", reads)
  const began = `the open day began ${isoOf(budget.window.startsAt)}`
  if (!clockSteppedBack(budget.window, now))
    return note("clock", `${reads}, and ${began}: set back since, the day stays open until it ends`)
  const accept = "set the clock right, or accept it with stint doctor --accept-clock"
  const text = `${reads}, more than 26 hours before ${began}: ${accept}`
  return settings.enforceHardLimits ? bad("clock", text) : note("clock", text)
}
