/**
 * How an agent's work is done: the port between a life the machines decide and the world that
 * lives it. A runner reports what happened and obeys; it decides nothing.
 */
import type { WorkExited } from "../../machines/agent.ts"
import type {
  AgentId,
  AgentKey,
  BudgetStatus,
  Mechanism,
  ProcessIdentity,
  TaskId,
} from "../../machines/vocabulary.ts"

export interface WorkContext {
  readonly key: AgentKey
  readonly agentId: AgentId
  readonly taskId: TaskId
}

export type WorkExit = Omit<WorkExited, "type" | "at">

/** What a runner tells; each at most once, `started` first, and `exited` or `failed` before `reaped`. */
export interface Report {
  readonly started: (process: ProcessIdentity | null) => void
  readonly failed: (error: string, exitCode: number | null) => void
  readonly exited: (exit: WorkExit) => void
  /** Nothing it started lives any more. */
  readonly reaped: (mechanism: Mechanism) => void
}

/** Work that has begun. Every method may be called in any state and more than once. */
export interface Work {
  /** Ask it to stop: the signal is aborted, SIGTERM is sent. */
  readonly interrupt: (reason: string) => void
  /** Make it stop, where that is possible. */
  readonly kill: () => void
  readonly warn: (status: BudgetStatus) => void
}

/** Starts the work; called once its admission is durable. */
export type Runner = (context: WorkContext, report: Report) => Work
