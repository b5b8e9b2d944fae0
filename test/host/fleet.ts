/** A supervisor on a virtual clock, and agents that do what a test tells them. */
import {
  type BudgetOptions,
  type SupervisorOptions,
  startSupervisor,
  virtualClock,
} from "../../src/index.ts"

export const NOON = Date.UTC(2026, 2, 10, 12)
export const MINUTE_MS = 60_000

export const startFleet = async (
  budget: BudgetOptions = {},
  options: Omit<SupervisorOptions, "budget" | "clock"> = {},
  startAt: number = NOON,
) => {
  const clock = virtualClock(startAt)
  const supervisor = await startSupervisor({ ...options, budget, clock })
  return { clock, supervisor }
}

/** A promise and its levers. */
export const gate = <A = void>() => {
  let open: (value: A) => void = () => {}
  let fail: (error: Error) => void = () => {}
  const opened = new Promise<A>((resolve, reject) => {
    open = resolve
    fail = reject
  })
  return { opened, open, fail }
}

/** Lets everything already resolved run: microtasks and one turn of the loop. */
export const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

/** Works until its signal is aborted. */
export const untilStopped = ({ signal }: { readonly signal: AbortSignal }): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener("abort", () => resolve(), { once: true })
  })
