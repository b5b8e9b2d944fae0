/** What signals mean to a run: the first asks everybody to stop, a second kills them. */
import type { Supervisor } from "../../host/supervisor.ts"
import { statusOfSignal } from "./exit-status.ts"

export interface Interruption {
  /** The status a signal ends the run with; null when none came. */
  readonly status: () => number | null
  readonly stopWatching: () => void
}

const ENDING = ["SIGINT", "SIGTERM", "SIGHUP"] as const

export const watchSignals = (supervisor: Supervisor): Interruption => {
  let first: NodeJS.Signals | null = null
  const onEnding = (signal: NodeJS.Signals): void => {
    if (first === null) supervisor.stopAll("cancelled")
    else supervisor.killAll("cancelled")
    first ??= signal
  }
  for (const signal of ENDING) process.on(signal, onEnding)
  return {
    status: () => (first === null ? null : statusOfSignal(first)),
    stopWatching: () => {
      for (const signal of ENDING) process.removeListener(signal, onEnding)
    },
  }
}
