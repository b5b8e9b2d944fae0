/** What signals mean to a run: the first asks everybody to stop, a second kills them. */
import type { Session } from "../../sharing/session.ts"
import { statusOfSignal } from "./exit-status.ts"

type Governed = Pick<Session, "stopAll" | "killAll">

export interface Interruption {
  /** What ended the run from outside; null when nothing did. */
  readonly signal: () => NodeJS.Signals | null
  /** The status it ends the run with. */
  readonly status: () => number | null
  /** From now on a signal stops this session's agents; one that came before does so at once. */
  readonly govern: (session: Governed) => void
  /** As if that signal had come: for a reader of ours that has left. */
  readonly receive: (signal: NodeJS.Signals) => void
  readonly stopWatching: () => void
}

const ENDING = ["SIGINT", "SIGTERM", "SIGHUP"] as const

/** What runs us may pass a terminal's Ctrl-C on as well: one press is one signal. */
const SAME_PRESS_MS = 150
/** The terminal gave Ctrl-C to the child too: it may end by itself before we ask it to. */
const CHILD_HEARD_MS = 1_000

export const watchSignals = (childHearsTerminal: boolean): Interruption => {
  let first: NodeJS.Signals | null = null
  let firstAtMs = 0
  let governed: Governed | null = null
  let asking: NodeJS.Timeout | undefined
  const stopAll = (): void => governed?.stopAll("cancelled")
  const receive = (signal: NodeJS.Signals): void => {
    if (first === null) {
      first = signal
      firstAtMs = performance.now()
      if (signal === "SIGINT" && childHearsTerminal) asking = setTimeout(stopAll, CHILD_HEARD_MS)
      else stopAll()
    } else if (performance.now() - firstAtMs > SAME_PRESS_MS) governed?.killAll("cancelled")
  }
  for (const signal of ENDING) process.on(signal, receive)
  return {
    signal: () => first,
    status: () => (first === null ? null : statusOfSignal(first)),
    govern: (session) => {
      governed = session
      if (first !== null) stopAll()
    },
    receive,
    stopWatching: () => {
      clearTimeout(asking)
      for (const signal of ENDING) process.removeListener(signal, receive)
    },
  }
}
