/** A change of limits: applies from its row on, voids no hold, and in hard mode is felt at once. */
import type { Instant } from "../vocabulary.ts"
import type { Budget } from "./budget.ts"
import { conclude, type Decision, extend, turnDay } from "./decision.ts"
import type { BudgetSettings } from "./settings.ts"
import { fullAgents } from "./stopping.ts"

/** Agents that are full under the new limits are stopped; the day's own region sees to the day. */
export const decideBudget = (
  before: Budget,
  settings: BudgetSettings,
  at: Instant,
): Decision<"sets" | "setsAndStops"> => {
  const set = conclude(turnDay(before, at), "sets", [{ kind: "budget_set", settings }])
  const stops = settings.enforceHardLimits ? fullAgents(set.after) : []
  return stops.length === 0 ? set : extend(set, "setsAndStops", at, stops)
}
