/** `startSupervisor`: from options to a running supervisor. */
import * as Result from "effect/Result"
import type { Logger } from "pino"
import type { InspectionEvent } from "xstate"
import { type BudgetOptions, decodeBudgetOptions } from "../config/decode.ts"
import type { LedgerService } from "../ledger/ledger.ts"
import { makeMemoryLedger } from "../ledger/memory.ts"
import { type Log, quietLog } from "../log/log.ts"
import { type Clock, systemClock } from "./clock.ts"
import { Host, type HostOptions } from "./host.ts"
import { Supervisor } from "./supervisor.ts"
import type { Sweep, TakeOver } from "./take-over.ts"

export interface SupervisorOptions {
  /** What differs from the defaults; `null` is unlimited where that is allowed. */
  readonly budget?: BudgetOptions
  /** A file that survives crashes, or a ledger of your own; memory when absent. */
  readonly ledger?: string | LedgerService
  /** Where an inspector listens, as `ws://host:port`, or your own observer. */
  readonly inspect?: string | ((event: InspectionEvent) => void)
  /** Rows of closed days older than this are rolled up into sums. */
  readonly retentionDays?: number
  readonly logger?: Logger
  readonly clock?: Clock
  /** For runners whose work can outlive this process: stops what a crash left behind. */
  readonly sweep?: Sweep
  /** For runners whose work is looked after elsewhere: who of the living goes on. */
  readonly takeOver?: TakeOver
}

const RETENTION_DAYS = 30

/** Starts a supervisor; nothing is half-started when it rejects. */
export const startSupervisor = async (options: SupervisorOptions = {}): Promise<Supervisor> =>
  new Supervisor(await startHost(options))

/** The host alone, for an edge that speaks to it in its own words. */
export const startHost = async (options: SupervisorOptions = {}): Promise<Host> => {
  const settings = Result.getOrThrow(decodeBudgetOptions(options.budget))
  const logger = options.logger ?? quietLog()
  // A wrong address is told before a ledger is made.
  const inspector = await inspectorFrom(options.inspect, logger)
  try {
    const ledger = await ledgerFrom(options.ledger)
    return await startOn(ledger, {
      ledger,
      settings,
      logger,
      clock: options.clock ?? systemClock(),
      retentionDays: options.retentionDays ?? RETENTION_DAYS,
      ...(options.sweep === undefined ? {} : { sweep: options.sweep }),
      ...(options.takeOver === undefined ? {} : { takeOver: options.takeOver }),
      ...(inspector === undefined ? {} : { inspect: inspector.observe, onClosed: inspector.close }),
    })
  } catch (error) {
    inspector?.close()
    throw error
  }
}

const startOn = async (ledger: LedgerService, options: HostOptions): Promise<Host> => {
  try {
    return await Host.start(options)
  } catch (error) {
    await ledger.close().catch(() => {})
    throw error
  }
}

/** The file's own code is loaded only when a file is asked for. */
const ledgerFrom = async (ledger: SupervisorOptions["ledger"]): Promise<LedgerService> => {
  if (ledger === undefined) return makeMemoryLedger()
  if (typeof ledger !== "string") return ledger
  const { openSqliteLedger } = await import("../ledger/sqlite.ts")
  return openSqliteLedger(ledger)
}

const inspectorFrom = async (inspect: SupervisorOptions["inspect"], logger: Log) => {
  if (inspect === undefined) return undefined
  if (typeof inspect === "function") return { observe: inspect, close: () => {} }
  const { openInspector } = await import("../inspector/inspector.ts")
  return openInspector(inspect, logger)
}
