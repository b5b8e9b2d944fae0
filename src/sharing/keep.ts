/** `stint budget`: what applies on a ledger, and keeping values there, through whoever holds it. */
import { setTimeout as delay } from "node:timers/promises"
import * as Result from "effect/Result"
import { decideKept } from "../../machines/budget/recovery.ts"
import type { KeptValues } from "../../machines/budget/settings.ts"
import type { Instant } from "../../machines/vocabulary.ts"
import {
  changes,
  decodeKept,
  type InForce,
  inForceOver,
  type KeptChange,
  keeping,
  type RunSources,
} from "../config/kept.ts"
import { recoverBudget } from "../host/recover.ts"
import { type LedgerService, LedgerUnavailable } from "../ledger/ledger.ts"
import { openLedger } from "./open-ledger.ts"
import { visitHolder } from "./visitor.ts"

/** A change as it was written; `text` null takes the value back. */
export interface KeepRequest {
  readonly key: string
  readonly text: string | null
}

export interface BudgetStanding {
  /** At the holder's; without one as a run from here would begin. */
  readonly inForce: InForce
  /** The process that holds the ledger; null when none does. */
  readonly holder: number | null
}

export interface Kept extends BudgetStanding {
  /** False when there was nothing to take back, and nothing was written. */
  readonly changed: boolean
}

/** Makes nothing and changes nothing. */
export const budgetOn = async (ledger: string, sources: RunSources): Promise<BudgetStanding> => {
  const visitor = await visitHolder(ledger)
  const standing = await visitor?.standing()
  visitor?.leave()
  if (standing !== null && standing !== undefined)
    return { inForce: standing.budget, holder: standing.pid }
  return { inForce: Result.getOrThrow(inForceOver(sources, await keptIn(ledger))), holder: null }
}

const keptIn = async (path: string): Promise<KeptValues> => {
  const { openSqliteReader } = await import("../ledger/sqlite/reader.ts")
  const reader = await openSqliteReader(path)
  if (reader === null) return {}
  try {
    return (await recoverBudget(reader)).kept
  } finally {
    reader.close()
  }
}

/** A run that ends or begins meanwhile is waited for this long. */
const REACHED_WITHIN_MS = 1_500
const FIRST_PAUSE_MS = 25

/**
 * Keeps a value, durably, or takes it back. Throws `ConfigurationError` or `LedgerUnavailable`;
 * nothing is changed then. Asked twice it comes to the same, so a holder that leaves without an
 * answer is no trouble.
 */
export const keepOn = async (
  ledger: string,
  request: KeepRequest,
  sources: RunSources,
  now: () => Instant,
): Promise<Kept> => {
  const change = Result.getOrThrow(decodeKept(request.key, request.text))
  const giveUpAt = performance.now() + REACHED_WITHIN_MS
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs *= 2) {
    const asked = await askHolder(ledger, request)
    if (asked !== null) return asked
    // Looked at before it is opened for writing: taking back makes no ledger.
    const found = await keptIn(ledger)
    if (!changes(found, change))
      return {
        inForce: Result.getOrThrow(inForceOver(sources, found)),
        holder: null,
        changed: false,
      }
    const opened = await openLedger(ledger)
    if (!(opened instanceof LedgerUnavailable)) return keepAlone(opened, change, sources, now())
    if (performance.now() > giveUpAt) throw opened
    await delay(pauseMs)
  }
}

const askHolder = async (ledger: string, request: KeepRequest): Promise<Kept | null> => {
  const visitor = await visitHolder(ledger)
  const answer = await visitor?.keep(request)
  visitor?.leave()
  if (answer === null || answer === undefined) return null
  const { refused, budget: inForce, pid: holder, changed } = answer
  if (refused === null) return { inForce, holder, changed }
  throw new LedgerUnavailable({ reason: "io", path: ledger, message: refused })
}

/** Nobody holds it: the row is written and the ledger let go, for the next run to find. */
const keepAlone = async (
  ledger: LedgerService,
  change: KeptChange,
  sources: RunSources,
  now: Instant,
): Promise<Kept> => {
  try {
    const found = await recoverBudget(ledger)
    const kept = keeping(found.kept, change)
    const inForce = Result.getOrThrow(inForceOver(sources, kept))
    const { file } = sources
    const later = Result.getOrThrow(inForceOver(file === undefined ? {} : { file }, kept)).settings
    // What the last run left is shown until the next one begins, but for what was changed since.
    const shown = found.seq === 0 ? later : withSetting(found.settings, later, change.key)
    const { rows, after } = decideKept(found, shown, kept, now)
    ledger.append(rows)
    await ledger.durable(after.seq)
    return { inForce, holder: null, changed: true }
  } finally {
    await ledger.close()
  }
}

const withSetting = <Settings extends object>(
  settings: Settings,
  from: Settings,
  key: string,
): Settings =>
  Object.hasOwn(settings, key) ? { ...settings, [key]: from[key as keyof Settings] } : settings
