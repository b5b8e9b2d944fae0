/** Runs an async function as an agent: `signal` asks it to stop, and nothing can make it. */
import type { BudgetStatus } from "../../machines/vocabulary.ts"
import type { Report, Runner, WorkContext } from "./runner.ts"

/** What the function gets besides its budget: an ordinary `AbortSignal` and the warnings. */
export interface FunctionLife {
  readonly signal: AbortSignal
  readonly onWarning: (listener: (status: BudgetStatus) => void) => void
}

/**
 * A function that ignores its signal keeps its slot until it returns: there is no tree to kill,
 * and a free slot for work that still spends would be a lie.
 */
export const functionRunner =
  (run: (life: FunctionLife) => Promise<unknown> | unknown): Runner =>
  (_context: WorkContext, report: Report) => {
    const controller = new AbortController()
    const listeners: ((status: BudgetStatus) => void)[] = []
    const life: FunctionLife = {
      signal: controller.signal,
      onWarning: (listener) => {
        listeners.push(listener)
      },
    }
    report.started(null)
    finish(run, life, report)
    return {
      interrupt: (reason) => controller.abort(new Error(`stopped: ${reason}`)),
      kill: () => controller.abort(new Error("stopped")),
      warn: (status) => {
        for (const listener of listeners) listener(status)
      },
    }
  }

const finish = async (
  run: (life: FunctionLife) => Promise<unknown> | unknown,
  life: FunctionLife,
  report: Report,
): Promise<void> => {
  const ended = await Promise.resolve(life)
    .then(run)
    .then(
      () => ({ outcome: "completed" as const, error: null }),
      (error: unknown) => ({ outcome: "failed" as const, error: messageOf(error) }),
    )
  report.exited({
    ...ended,
    mechanism: life.signal.aborted ? "interrupted" : "exited",
    exitCode: null,
    signal: null,
    treeGone: true,
  })
}

/** Anything may be thrown, also what refuses to be shown: its agent ends all the same. */
const messageOf = (error: unknown): string => {
  try {
    return String(error instanceof Error ? error.message : error)
  } catch {
    return "what it threw cannot be shown as text"
  }
}
