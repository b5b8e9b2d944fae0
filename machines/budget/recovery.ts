/**
 * Starting: from nothing, or from what a ledger remembers.
 *
 * Whoever was live when the ledger was last written has nobody left to answer for it: its open
 * holds are charged and it ends `lost`, before anything new is admitted.
 */
import * as HashMap from "effect/HashMap"
import type { Instant } from "../vocabulary.ts"
import { type Budget, type LiveAgent, openBudget } from "./budget.ts"
import { conclude, type Decision, extend, turnDay } from "./decision.ts"
import { expiryRows } from "./holds.ts"
import type { Unnumbered, Window } from "./row.ts"
import { type BudgetSettings, DEFAULT_SETTINGS } from "./settings.ts"

/** A window nothing happened in, so that the first row of every ledger opens a day. */
const BEFORE_ALL: Window = {
  id: "0000-01-01",
  startsAt: Number.MIN_SAFE_INTEGER,
  endsAt: Number.MIN_SAFE_INTEGER,
  timeZone: "UTC",
}

/** What `fold` starts from when there is no checkpoint. */
export const emptyBudget = (): Budget => openBudget(DEFAULT_SETTINGS, BEFORE_ALL)

export const decideStart = (
  recovered: Budget,
  settings: BudgetSettings,
  at: Instant,
): Decision<"starts"> => {
  // Settings first: the day that opens is opened under them, in their time zone.
  const untouched = { before: recovered, budget: recovered, rows: [], at }
  const set = conclude(untouched, "starts", settingsRows(recovered, settings))
  const turned = turnDay(set.after, at)
  const open = { ...set, rows: [...set.rows, ...turned.rows], after: turned.budget }
  return extend(open, "starts", at, lostRows(open.after))
}

const settingsRows = (budget: Budget, settings: BudgetSettings): readonly Unnumbered[] =>
  budget.seq > 0 && sameSettings(budget.settings, settings)
    ? []
    : [{ kind: "budget_set", settings }]

const sameSettings = (a: BudgetSettings, b: BudgetSettings): boolean =>
  JSON.stringify(a, Object.keys(DEFAULT_SETTINGS).concat(Object.keys(a.tokenWeights))) ===
  JSON.stringify(b, Object.keys(DEFAULT_SETTINGS).concat(Object.keys(b.tokenWeights)))

const lostRows = (budget: Budget): readonly Unnumbered[] =>
  livesOf(budget).flatMap((agent): readonly Unnumbered[] => [
    ...expiryRows(budget, agent),
    {
      kind: "ended",
      key: agent.key,
      reason: "lost",
      mechanism: "vanished",
      exitCode: null,
      signal: null,
      error: null,
    },
  ])

/** Accounts without a slot are not lives: they go on counting. */
export const livesOf = (budget: Budget): readonly LiveAgent[] =>
  [...HashMap.values(budget.agents)].filter((agent) => agent.slot)
