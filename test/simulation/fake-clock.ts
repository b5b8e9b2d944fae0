/**
 * A clock that moves only when told, as a machine's does: monotonic time goes forward alone, the
 * wall clock may be set back. Its alarm rings when either passes the instant it was set for.
 */
import type { Instant } from "../../machines/vocabulary.ts"
import type { Clock } from "../../src/host/clock.ts"

interface Armed {
  readonly dueAt: Instant
  readonly dueElapsedMs: number
}

export interface FakeClock extends Clock {
  /** Time goes by; alarms due on the way ring at their own instant, in order. */
  readonly pass: (ms: number) => void
  /** The next instant an alarm rings, read on the wall clock; null when none is set. */
  readonly nextAlarmAt: () => Instant | null
  /** The wall clock is set back; no time goes by. */
  readonly setBack: (ms: number) => void
  /** The process is gone and its alarms with it; the wall clock is as it was. */
  readonly reboot: () => void
}

export const fakeClock = (startAt: Instant): FakeClock => {
  let wall = startAt
  let elapsedMs = 0
  const alarms = new Map<(at: Instant) => void, Armed>()

  const msUntil = ({ dueAt, dueElapsedMs }: Armed): number =>
    Math.max(0, Math.min(dueAt - wall, dueElapsedMs - elapsedMs))

  const next = () => {
    let first: { readonly ring: (at: Instant) => void; readonly inMs: number } | undefined
    for (const [ring, armed] of alarms) {
      const inMs = msUntil(armed)
      if (first === undefined || inMs < first.inMs) first = { ring, inMs }
    }
    return first
  }

  const move = (ms: number): void => {
    wall += ms
    elapsedMs += ms
  }

  return {
    now: () => wall,
    keepAlive: () => {},
    makeAlarm: (ring) => ({
      set: (dueAt, now) =>
        void alarms.set(ring, { dueAt, dueElapsedMs: elapsedMs + Math.max(dueAt - now, 0) }),
      clear: () => void alarms.delete(ring),
      elapsedMs: () => elapsedMs,
    }),
    pass: (ms) => {
      let leftMs = ms
      for (let due = next(); due !== undefined && due.inMs <= leftMs; due = next()) {
        move(due.inMs)
        leftMs -= due.inMs
        alarms.delete(due.ring)
        due.ring(wall)
      }
      move(leftMs)
    },
    nextAlarmAt: () => {
      const due = next()
      return due === undefined ? null : wall + due.inMs
    },
    setBack: (ms) => {
      wall -= ms
    },
    reboot: () => alarms.clear(),
  }
}
