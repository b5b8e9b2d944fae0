/** What is alive on this machine, read from `/proc` by the tests' own eyes. */
import { readdirSync, readFileSync } from "node:fs"
import { setTimeout as delay } from "node:timers/promises"

export interface Sighting {
  readonly pid: number
  readonly ppid: number
  readonly state: string
  readonly words: string
}

const read = (path: string): string => {
  try {
    return readFileSync(path, "latin1")
  } catch {
    return ""
  }
}

const fieldsOf = (pid: number): readonly string[] =>
  read(`/proc/${pid}/stat`)
    .replace(/^.*\) /s, "")
    .split(" ")

/** Processes that run now and carry `mark` in their arguments or environment. */
export const aliveWith = (mark: string): readonly Sighting[] =>
  readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .flatMap((pid) => {
      const words = read(`/proc/${pid}/cmdline`)
      const [state = "", ppid = ""] = fieldsOf(pid)
      const isMarked = words.includes(mark) || read(`/proc/${pid}/environ`).includes(mark)
      return isMarked && isRunning(state) && pid !== process.pid
        ? [{ pid, ppid: Number(ppid), state, words: words.replaceAll("\0", " ") }]
        : []
    })

/** The kernel's letter; empty when there is no such process. */
export const stateOf = (pid: number): string => fieldsOf(pid)[0] ?? ""

export const isAlive = (pid: number): boolean => isRunning(stateOf(pid))

/** Whether a program has put handlers of its own on SIGHUP and SIGTERM (it has begun its work). */
export const handlesSignals = (pid: number): boolean => {
  const caught = /^SigCgt:\s*([0-9a-f]+)$/m.exec(read(`/proc/${pid}/status`))?.[1] ?? "0"
  const bit = (signal: number): bigint => 1n << BigInt(signal - 1)
  const both = bit(1) | bit(15)
  return (BigInt(`0x${caught}`) & both) === both
}

const isRunning = (state: string): boolean => state !== "" && state !== "Z" && state !== "X"

/** Looks until `found` gives something; fails after `withinMs` with what was seen last. */
export const eventually = async <Found>(
  found: () => Found | false | undefined,
  withinMs = 40_000,
  describe: () => unknown = () => "",
): Promise<Found> => {
  const deadline = performance.now() + withinMs
  for (;;) {
    const result = found()
    if (result !== false && result !== undefined) return result
    if (performance.now() > deadline) {
      throw new Error(`Not seen within ${withinMs} ms: ${JSON.stringify(describe())}`)
    }
    await delay(20)
  }
}

/** Waits until nothing with `mark` is alive. */
export const nobodyLeft = (mark: string, withinMs?: number): Promise<true> =>
  eventually(
    () => aliveWith(mark).length === 0,
    withinMs,
    () => aliveWith(mark),
  )
