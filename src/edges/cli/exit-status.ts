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

const LIMITS: readonly string[] = [
  "agent_token_limit",
  "daily_token_limit",
  "cost_limit",
  "duration_limit",
  "stalled",
] satisfies readonly StopReason[]

/** Of one command: its own status, unless a limit, Stint or a signal to Stint ended it. */
export const statusOfCommand = (outcome: Outcome, interrupted: number | null): number => {
  const judged = judgementOf(outcome, interrupted)
  if (judged === EXIT.stintFailed) return judged
  if (interrupted !== null) return interrupted
  if (judged === EXIT.limit || "refused" in outcome) return judged
  const { exitCode, signal } = outcome.ended
  if (exitCode !== null) return exitCode
  return signal === null ? judged : statusOfSignal(signal)
}

/** Of a plan: the first that applies of 125, a signal to Stint, a limit, a failure, success. */
export const statusOfPlan = (outcomes: readonly Outcome[], interrupted: number | null): number => {
  const each = outcomes.map((outcome) => judgementOf(outcome, interrupted))
  if (each.includes(EXIT.stintFailed)) return EXIT.stintFailed
  if (interrupted !== null) return interrupted
  if (each.includes(EXIT.limit)) return EXIT.limit
  return each.every((status) => status === EXIT.completed) ? EXIT.completed : EXIT.agentFailed
}

/** What became of it, whatever number its own command ended with: an agent's 125 is a failure. */
const judgementOf = (outcome: Outcome, interrupted: number | null): number => {
  if ("refused" in outcome) {
    // After a signal nobody is admitted any more, and that is no failure of Stint's.
    if (outcome.refused === "draining" && interrupted !== null) return EXIT.agentFailed
    const isStints = ["ledger_unavailable", "draining"].includes(outcome.refused)
    return isStints ? EXIT.stintFailed : EXIT.limit
  }
  const { reason } = outcome.ended
  if (reason === "shutdown" || reason === "lost") return EXIT.stintFailed
  if (reason !== null && LIMITS.includes(reason)) return EXIT.limit
  return reason === "completed" ? EXIT.completed : EXIT.agentFailed
}
