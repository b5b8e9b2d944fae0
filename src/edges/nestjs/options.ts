/** What the module is told, by its options or by `orchestrator.budget.*`, as the supervisor wants it. */
import * as Result from "effect/Result"
import { DEFAULT_SETTINGS } from "../../../machines/budget/settings.ts"
import { type BudgetOptions, budgetWith, decodeValues, resultOf } from "../../config/decode.ts"
import { settingNamed, settingsOf } from "../../config/settings-table.ts"
import type { NamedValues } from "../../config/source.ts"
import type { SupervisorOptions } from "../../host/start.ts"
import type { LedgerService } from "../../ledger/ledger.ts"

/** Any of the settings beside what the supervisor itself is told. */
export interface BudgetModuleOptions
  extends BudgetOptions,
    Pick<SupervisorOptions, "retentionDays" | "inspect" | "logger" | "clock"> {
  /** A file that survives crashes, or a ledger of your own; memory when absent or null. */
  readonly ledger?: string | LedgerService | null | undefined
}

/** How messages call the place where the options were given. */
export type Origin = Pick<NamedValues, "name" | "under">

export const SETTINGS = settingsOf("budget", "run")

/** Throws `ConfigurationError` with a problem a line. */
export const supervisorOptions = (
  options: BudgetModuleOptions,
  origin: Origin,
): SupervisorOptions => {
  const { ledger, inspect, logger, clock, ...settings } = options
  const named = typeof ledger === "string" ? { ...settings, ledger } : settings
  const decoded = decodeValues({ ...origin, value: readTexts(named) }, SETTINGS)
  const patch = Result.getOrThrow(resultOf(decoded))
  const place = typeof ledger === "string" ? patch.ledger : (ledger ?? undefined)
  return {
    budget: budgetWith(DEFAULT_SETTINGS, patch),
    ...(place === undefined ? {} : { ledger: place }),
    ...(patch.retentionDays === undefined ? {} : { retentionDays: patch.retentionDays }),
    ...(inspect === undefined ? {} : { inspect }),
    ...(logger === undefined ? {} : { logger }),
    ...(clock === undefined ? {} : { clock }),
  }
}

/** Configuration often comes from the environment, where numbers are texts. */
const readTexts = (values: object): Readonly<Record<string, unknown>> =>
  Object.fromEntries(
    Object.entries(values).map(([key, value]) => {
      const setting = settingNamed(key)
      const read = typeof value === "string" && setting !== undefined
      return [key, read ? setting.kind.read(value) : value]
    }),
  )
