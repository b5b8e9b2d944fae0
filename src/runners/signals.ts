/**
 * Signals that never reach a stranger: identity is checked again right before each one.
 */
import type { ProcessEntry, ProcessTable } from "./process-table.ts"

/** `process.kill`, or a test's. */
export type Kill = (pid: number, signal: NodeJS.Signals) => void

/** `gone`: it has ended or its pid has another owner. `denied`: the system, or we ourselves, refuse. */
export type SignalOutcome = "sent" | "gone" | "denied"

const systemKill: Kill = (pid, signal) => {
  process.kill(pid, signal)
}

export interface Signaller {
  /** Signals one process, if it is still the one that was seen. */
  readonly toProcess: (seen: ProcessEntry, signal: NodeJS.Signals) => SignalOutcome
  /** Signals the group `pgid`, if `witness`, a process known to be ours, lives in it now. */
  readonly toGroup: (pgid: number, witness: ProcessEntry, signal: NodeJS.Signals) => SignalOutcome
}

export const signaller = (table: ProcessTable, kill: Kill = systemKill): Signaller => {
  const stillThere = (seen: ProcessEntry): ProcessEntry | null => {
    const entry = table.find(seen.pid)
    return entry?.startTime === seen.startTime ? entry : null
  }
  return {
    toProcess: (seen, signal) => {
      if (seen.pid <= 1 || seen.pid === process.pid) return "denied"
      return stillThere(seen) === null ? "gone" : deliver(kill, seen.pid, signal)
    },
    // While a process of ours is in the group, even as a zombie, the kernel gives its number to
    // nobody else: the witness is what makes a negative pid safe.
    toGroup: (pgid, witness, signal) => {
      if (pgid <= 1 || pgid === table.find(process.pid)?.pgid) return "denied"
      return stillThere(witness)?.pgid === pgid ? deliver(kill, -pgid, signal) : "gone"
    },
  }
}

const deliver = (kill: Kill, target: number, signal: NodeJS.Signals): SignalOutcome => {
  try {
    kill(target, signal)
    return "sent"
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "ESRCH" ? "gone" : "denied"
  }
}
