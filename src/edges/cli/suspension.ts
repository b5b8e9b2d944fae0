/** Ctrl-Z: Stint and its captured trees stand still together, and go on together. */

/** What stands still with us. */
export interface Suspendable {
  readonly suspend: () => void
  readonly resume: () => void
}

export interface Suspension {
  readonly add: (each: Suspendable) => void
  readonly remove: (each: Suspendable) => void
  readonly stopWatching: () => void
}

export const watchSuspension = (): Suspension => {
  const members = new Set<Suspendable>()
  let isSuspended = false
  const suspend = (): void => {
    isSuspended = true
    for (const each of members) each.suspend()
    // The shell waits for this; SIGTSTP itself is ours to handle and would not stop us.
    process.kill(process.pid, "SIGSTOP")
  }
  // Whoever was stopped by somebody else is not ours to wake.
  const resume = (): void => {
    if (!isSuspended) return
    isSuspended = false
    for (const each of members) each.resume()
  }
  process.on("SIGTSTP", suspend)
  process.on("SIGCONT", resume)
  return {
    add: (each) => members.add(each),
    remove: (each) => members.delete(each),
    stopWatching: () => {
      process.removeListener("SIGTSTP", suspend)
      process.removeListener("SIGCONT", resume)
    },
  }
}
