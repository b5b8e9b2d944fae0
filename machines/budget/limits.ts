/** A change of limits: applies from its row on, voids no hold, and in hard mode is felt at once. */
import type { Instant } from "../vocabulary.ts"
import type { Budget } from "./budget.ts"
import { conclude, type Decision, extend, turnDay } from "./decision.ts"
import type { Unnumbered } from "./row.ts"
import { type BudgetSettings, type KeptValues, sameSettings } from "./settings.ts"
import { fullAgents } from "./stopping.ts"

/**
 * Agents that are full under the new limits are stopped; the day's own region sees to the day.
 * `kept`: what later runs find from now on, whatever of it is in force already.
 */
export const decideBudget = (
  before: Budget,
  settings: BudgetSettings,
  at: Instant,
  kept?: KeptValues,
): Decision<"sets" | "setsAndStops"> => {
  const rows: readonly Unnumbered[] =
    kept === undefined
      ? [{ kind: "budget_set", settings }]
      : keepingRows(before.settings, settings, kept)
  const set = conclude(turnDay(before, at), "sets", rows)
  const stops = settings.enforceHardLimits ? fullAgents(set.after) : []
  return stops.length === 0 ? set : extend(set, "setsAndStops", at, stops)
}

/** What is kept, and the limits where that changes them. */
export const keepingRows = (
  inForce: BudgetSettings,
  settings: BudgetSettings,
  kept: KeptValues,
): readonly Unnumbered[] => [
  { kind: "defaults_kept", values: kept },
  ...(sameSettings(inForce, settings) ? [] : [{ kind: "budget_set", settings } as const]),
]
