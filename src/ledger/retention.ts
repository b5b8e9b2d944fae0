/** Which windows a retention keeps. */
import type { Window } from "../../machines/budget/row.ts"

const DAY_MS = 86_400_000

/**
 * The oldest window whose rows stay: `retentionDays` before the open one, and in any case the
 * one before it, where a late answer may still look for its call.
 */
export const oldestKeptWindow = (
  openWindow: Window,
  windowBefore: string | null,
  retentionDays: number,
): string => {
  const kept = daysBefore(openWindow.id, Math.max(1, Math.ceil(retentionDays)))
  return windowBefore !== null && windowBefore < kept ? windowBefore : kept
}

const daysBefore = (windowId: string, days: number): string => {
  const [year = 0, month = 1, day = 1] = windowId.split("-").map(Number)
  const date = new Date(Date.UTC(year, month - 1, day) - days * DAY_MS)
  const text = (part: number, width: number): string => String(part).padStart(width, "0")
  return `${text(date.getUTCFullYear(), 4)}-${text(date.getUTCMonth() + 1, 2)}-${text(date.getUTCDate(), 2)}`
}
