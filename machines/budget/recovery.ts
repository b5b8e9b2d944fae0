/**
 * Starting: from nothing, or from what a ledger remembers.
 *
 * Whoever was live when the ledger was last written and whom nobody claims has nobody left to
 * answer for it: its open holds are charged and it ends `lost`, before anything new is admitted.
 */
import * as HashMap from "effect/HashMap"
import type { AgentKey, Instant } from "../vocabulary.ts"
import {
  agentOf,
  type Budget,
  type KnownCalls,
  knownCall,
  type LiveAgent,
  NO_CALLS,
  openBudget,
  rememberCall,
} from "./budget.ts"
import { conclude, type Decision, extend, turnDay } from "./decision.ts"
import { expiryRows } from "./holds.ts"
import { keepingRows } from "./limits.ts"
import type { Row, Unnumbered, Window } from "./row.ts"
import { type BudgetSettings, DEFAULT_SETTINGS, type KeptValues, sameSettings } from "./settings.ts"

/** A window nothing happened in, so that the first row of every ledger opens a day. */
const BEFORE_ALL: Window = {
  id: "0000-01-01",
  startsAt: Number.MIN_SAFE_INTEGER,
  endsAt: Number.MIN_SAFE_INTEGER,
  timeZone: "UTC",
}

/** What `fold` starts from when there is no checkpoint. */
export const emptyBudget = (): Budget => openBudget(DEFAULT_SETTINGS, BEFORE_ALL)

/** `claimed`: who is still answered for, and lives on under the new supervisor. */
export const decideStart = (
  recovered: Budget,
  settings: BudgetSettings,
  at: Instant,
  claimed: ReadonlySet<AgentKey> = NOBODY,
): Decision<"starts"> => {
  const open = openUnder(recovered, "starts", settingsRows(recovered, settings), at)
  return extend(open, "starts", at, lostRows(open.after, claimed))
}

/** Between two supervisors: values are kept, and whoever lives is for the next one to judge. */
export const decideKept = (
  recovered: Budget,
  settings: BudgetSettings,
  kept: KeptValues,
  at: Instant,
): Decision<"keeps"> =>
  openUnder(recovered, "keeps", keepingRows(recovered.settings, settings, kept), at)

/** Settings first: the day that opens is opened under them, in their time zone. */
const openUnder = <Verdict extends string>(
  recovered: Budget,
  verdict: Verdict,
  rows: readonly Unnumbered[],
  at: Instant,
): Decision<Verdict> => {
  const untouched = { before: recovered, budget: recovered, rows: [], at }
  const set = conclude(untouched, verdict, rows)
  const turned = turnDay(set.after, at)
  return { ...set, rows: [...set.rows, ...turned.rows], after: turned.budget }
}

const NOBODY: ReadonlySet<AgentKey> = new Set()

const settingsRows = (budget: Budget, settings: BudgetSettings): readonly Unnumbered[] =>
  budget.seq > 0 && sameSettings(budget.settings, settings)
    ? []
    : [{ kind: "budget_set", settings }]

/** Those whom nobody claims. */
export const lostOf = (budget: Budget, claimed: ReadonlySet<AgentKey>): readonly LiveAgent[] =>
  livesOf(budget).filter(({ key }) => !claimed.has(key))

const lostRows = (budget: Budget, claimed: ReadonlySet<AgentKey>): readonly Unnumbered[] =>
  lostOf(budget, claimed).flatMap((agent): readonly Unnumbered[] => [
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

/**
 * Gives an agent that lives on the calls it already reported, which no checkpoint keeps: what
 * it repeats to its new supervisor must not count twice. `rows` are its own, in order.
 */
export const recallCalls = (budget: Budget, key: AgentKey, rows: readonly Row[]): Budget => {
  const agent = agentOf(budget, key)
  if (agent === undefined) return budget
  const weights = budget.settings.tokenWeights
  const calls = rows.reduce((known, row) => recall(known, row, weights), NO_CALLS)
  return { ...budget, agents: HashMap.set(budget.agents, key, { ...agent, calls }) }
}

const recall = (
  calls: KnownCalls,
  row: Row,
  weights: BudgetSettings["tokenWeights"],
): KnownCalls => {
  if (row.kind === "usage_recorded" && row.usageId !== null) {
    const { usageId, usage, tokens, windowId } = row
    const uncertain = row.provenance === "reported" ? 0 : tokens
    const { costMicroUsd = null } = row
    const call = { usage, tokens, uncertain, windowId, weights, costMicroUsd }
    return rememberCall(calls, usageId, call)
  }
  if (row.kind !== "corrected" || !("usageId" in row.ref)) return calls
  const known = knownCall(calls, row.ref.usageId)
  if (known === undefined) return calls
  const { usage, tokens } = row
  const costMicroUsd = row.cost?.nowMicroUsd ?? known.costMicroUsd
  const call = { ...known, usage, tokens, uncertain: 0, costMicroUsd }
  return rememberCall(calls, row.ref.usageId, call)
}
