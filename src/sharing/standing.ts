/** How things stand on a ledger: its holder's word, or what was last written. */
import { turnDay } from "../../machines/budget/decision.ts"
import { decideStart, emptyBudget } from "../../machines/budget/recovery.ts"
import type { BudgetSettings } from "../../machines/budget/settings.ts"
import { type Summary, summarise } from "../../machines/budget/summary.ts"
import type { Instant } from "../../machines/vocabulary.ts"
import { recoverBudget } from "../host/recover.ts"
import { visitHolder } from "./visitor.ts"

export interface LedgerStanding {
  readonly summary: Summary
  readonly waiting: number
  /** The process that holds the ledger; null when none could be asked. */
  readonly holder: number | null
}

/** Makes nothing and changes nothing; before any ledger exists nothing was used. */
export const standingOf = async (
  ledger: string,
  settings: BudgetSettings,
  now: Instant,
): Promise<LedgerStanding> => {
  const visitor = await visitHolder(ledger)
  const standing = await visitor?.standing()
  visitor?.leave()
  if (standing !== null && standing !== undefined)
    return { summary: standing.summary, waiting: standing.waiting, holder: standing.pid }
  return { summary: await writtenSummary(ledger, settings, now), waiting: 0, holder: null }
}

const writtenSummary = async (
  path: string,
  settings: BudgetSettings,
  now: Instant,
): Promise<Summary> => {
  const { openSqliteReader } = await import("../ledger/sqlite/reader.ts")
  const reader = await openSqliteReader(path)
  if (reader === null) return summarise(decideStart(emptyBudget(), settings, now).after)
  try {
    return summarise(turnDay(await recoverBudget(reader), now).budget)
  } finally {
    reader.close()
  }
}
