/** The status a run ends with, as `timeout(1)` has it. */
import { constants } from "node:os"
import type { AgentSummary } from "../../../machines/budget/summary.ts"
import type { StopReason } from "../../../machines/vocabulary.ts"

export const EXIT = {
  completed: 0,
  agentFailed: 1,
  limit: 124,
  stintFailed: 125,
} as const

const SIGNAL_BASE = 128

export const statusOfSignal = (signal: string): number =>
  SIGNAL_BASE + (constants.signals[signal as NodeJS.Signals] ?? 0)

/** How one agent of a run came to its end, or why it never began. */
export type Outcome = { readonly ended: AgentSummary } | { readonly refused: string }

const LIMITS: readonly StopReason[] = [
  "agent_token_limit",
  "daily_token_limit",
  "cost_limit",
  "duration_limit",
  "stalled",
]

/** Of one command: its own status, unless a limit or Stint ended it. */
export const statusOfCommand = (outcome: Outcome): number => {
  if ("refused" in outcome) return refusalStatus(outcome.refused)
  const { reason, exitCode, signal } = outcome.ended
  if (reason !== null && LIMITS.includes(reason)) return EXIT.limit
  if (reason === "shutdown" || reason === "lost") return EXIT.stintFailed
  if (exitCode !== null) return exitCode
  if (signal !== null) return statusOfSignal(signal)
  return reason === "completed" ? EXIT.completed : EXIT.agentFailed
}

/** Of a plan: the first that applies of 125, a limit, a failure, success. */
export const statusOfPlan = (outcomes: readonly Outcome[]): number => {
  const each = outcomes.map(statusOfCommand)
  if (each.includes(EXIT.stintFailed)) return EXIT.stintFailed
  if (each.includes(EXIT.limit)) return EXIT.limit
  return each.every((status) => status === EXIT.completed) ? EXIT.completed : EXIT.agentFailed
}

const refusalStatus = (reason: string): number =>
  reason === "ledger_unavailable" || reason === "draining" ? EXIT.stintFailed : EXIT.limit
