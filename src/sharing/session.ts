/**
 * A run's part in a shared day: it holds the ledger, or is attached to whoever does. Both look
 * the same to their user; which one it is can change while agents run, and none is stopped by it.
 */
import type { Worker } from "node:worker_threads"
import type { UsageReport } from "../../machines/budget/metering.ts"
import type { BudgetSettings } from "../../machines/budget/settings.ts"
import type { AgentSummary, Summary } from "../../machines/budget/summary.ts"
import type { Fact } from "../../machines/facts.ts"
import type {
  AgentId,
  Credential,
  Enforcement,
  StopReason,
  TaskId,
} from "../../machines/vocabulary.ts"
import type { AgentCalls } from "../host/calls.ts"
import type { OwnLimits } from "../host/door.ts"
import { LedgerUnavailable } from "../ledger/ledger.ts"
import type { Runner } from "../runners/runner.ts"
import { AttachedSession } from "./attached.ts"
import { HolderSession } from "./holder.ts"
import { type HoldingOptions, listenAndHold } from "./holding.ts"
import { openLedger } from "./open-ledger.ts"
import type { Room } from "./room.ts"

/** A handle on one admission, wherever it is decided. */
export interface SessionAgent {
  readonly agentId: AgentId
  readonly taskId: TaskId
  /** Resolves when its work is over and its slot is free; never rejects. */
  readonly ended: Promise<AgentSummary>
  readonly recordReading: (reading: Omit<UsageReport, "key">) => unknown
  /** Its calls, as a gateway holds them. */
  readonly calls: AgentCalls
  readonly stop: (reason?: StopReason) => Promise<AgentSummary>
  readonly kill: (reason?: StopReason) => Promise<AgentSummary>
}

export interface SessionRun {
  readonly agentId: string
  readonly taskId: string
  readonly queue?: boolean
  readonly waitForReset?: boolean
  readonly limits?: OwnLimits
  /** How its usage will be seen, where that is known before it starts. */
  readonly enforcement?: Enforcement
  readonly credential?: Credential
  readonly runner: (agent: SessionAgent) => Runner
}

export interface Session {
  /** What it was when it began. */
  readonly role: "holder" | "attached"
  /** Resolves once admitted; rejects with `AdmissionRefused` or `InvalidRequest`. */
  readonly run: (options: SessionRun) => Promise<SessionAgent>
  /** The day as it is known here: at an attached one up to a second old. */
  readonly summary: () => Summary
  /** The same, asked for anew. */
  readonly refresh: () => Promise<Summary>
  readonly waiting: () => number
  /** What its own sources and the values kept in the ledger come to, whether that applies or not. */
  readonly ownSettings: () => BudgetSettings
  readonly now: () => number
  /** Asked before more usage is taken. */
  readonly room: Room
  readonly on: (type: "*", listener: (fact: Fact) => void) => () => void
  /** Asks this session's own agents to stop, and withdraws those that wait. */
  readonly stopAll: (reason: StopReason) => void
  /** The same, without a grace. */
  readonly killAll: (reason: StopReason) => void
  /** Stops this session's own agents that still live; nobody else's. */
  readonly close: () => Promise<void>
}

export interface SessionOptions extends Omit<HoldingOptions, "keepSettings"> {
  /** A file. */
  readonly ledger: string
  /** A thread from `beginThread`, for the ledger should it be ours to hold. */
  readonly thread?: Worker
}

/** A holder between its lock and its socket is given this long to be found. */
const FOUND_WITHIN_MS = 1_500
const FIRST_PAUSE_MS = 25

/**
 * Holds the ledger when nobody does, else attaches to whoever does. Rejects with
 * `LedgerUnavailable`, `ClockStepped` or `CanaryAdmitted`; nothing is half-started then.
 */
export const openSession = async (options: SessionOptions): Promise<Session> => {
  const giveUpAt = performance.now() + FOUND_WITHIN_MS
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs *= 2) {
    const reached = await AttachedSession.open(options)
    if ("session" in reached) {
      await options.thread?.terminate()
      return reached.session
    }
    const held = await tryToHold(options)
    if (!(held instanceof LedgerUnavailable)) return held
    if (performance.now() > giveUpAt) throw refused(held, reached.message)
    await new Promise((resolve) => setTimeout(resolve, pauseMs))
  }
}

/** What a holder said itself explains more than its lock does. */
const refused = (locked: LedgerUnavailable, message: string | null): LedgerUnavailable =>
  message === null
    ? locked
    : new LedgerUnavailable({ reason: "locked", path: locked.path, message })

const tryToHold = async (options: SessionOptions): Promise<Session | LedgerUnavailable> => {
  const ledger = await openLedger(options.ledger, options.thread)
  if (ledger instanceof LedgerUnavailable) return ledger
  const { holding } = await listenAndHold(ledger, { ...options, keepSettings: false })
  return new HolderSession(await holding)
}
