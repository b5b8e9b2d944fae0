/** A length of time for people: two units are enough. */

const SECOND_MS = 1_000
const MINUTE_MS = 60 * SECOND_MS
const HOUR_MS = 60 * MINUTE_MS
const DAY_MS = 24 * HOUR_MS

/** `0s`, `51s`, `37m 24s`, `1h 04m`, `2d 3h`. */
export const spanOf = (ms: number): string => {
  const left = Math.max(ms, 0)
  const part = (unitMs: number, within: number): number => Math.floor((left % within) / unitMs)
  if (left >= DAY_MS) return `${Math.floor(left / DAY_MS)}d ${part(HOUR_MS, DAY_MS)}h`
  if (left >= HOUR_MS)
    return `${part(HOUR_MS, DAY_MS)}h ${String(part(MINUTE_MS, HOUR_MS)).padStart(2, "0")}m`
  if (left >= MINUTE_MS)
    return `${part(MINUTE_MS, HOUR_MS)}m ${String(part(SECOND_MS, MINUTE_MS)).padStart(2, "0")}s`
  return `${Math.floor(left / SECOND_MS)}s`
}
