/** Where the host's time comes from, and the alarm that rings for its deadlines. */
import type { MakeAlarm } from "../../machines/deadlines.ts"
import type { Instant } from "../../machines/vocabulary.ts"

export interface Clock {
  readonly now: () => Instant
  readonly makeAlarm: MakeAlarm
  /** Whether a waiting alarm keeps the process alive: it does while somebody's life depends on it. */
  readonly keepAlive: (wanted: boolean) => void
}

/** The longest the alarm sleeps at once: a suspended machine is noticed this soon after waking. */
const LONGEST_SLEEP_MS = 30_000

/**
 * Wall-clock time. The alarm rings when wall-clock or monotonic time passes the instant it is set
 * for, whichever is first: a backward step cannot lengthen a life, a suspension does not either.
 */
export const systemClock = (): Clock => {
  let wanted = false
  const sleeping = new Set<NodeJS.Timeout>()
  const makeAlarm: MakeAlarm = (ring) => {
    let timer: NodeJS.Timeout | undefined
    const clear = (): void => {
      if (timer === undefined) return
      sleeping.delete(timer)
      clearTimeout(timer)
      timer = undefined
    }
    const sleep = (dueAt: Instant, dueMonotonicMs: number): void => {
      const leftMs = Math.min(dueAt - Date.now(), dueMonotonicMs - performance.now())
      if (leftMs <= 0) {
        ring(Date.now())
        return
      }
      const started = setTimeout(
        () => {
          sleeping.delete(started)
          sleep(dueAt, dueMonotonicMs)
        },
        Math.min(Math.ceil(leftMs), LONGEST_SLEEP_MS),
      )
      timer = started
      sleeping.add(started)
      if (!wanted) started.unref()
    }
    return {
      set: (dueAt, now) => {
        clear()
        // Not at once: an alarm set inside a decision must not ring inside it.
        const dueMonotonicMs = performance.now() + Math.max(dueAt - now, 1)
        sleep(Math.max(dueAt, Date.now() + 1), dueMonotonicMs)
      },
      clear,
      elapsedMs: () => performance.now(),
    }
  }
  const keepAlive = (want: boolean): void => {
    wanted = want
    for (const timer of sleeping) want ? timer.ref() : timer.unref()
  }
  return { now: () => Date.now(), makeAlarm, keepAlive }
}

export interface VirtualClock extends Clock {
  /** Moves time forward, ringing every alarm due on the way at its own instant. */
  readonly advanceTo: (at: Instant) => void
  /** Sets the wall clock anywhere, as an operator or NTP would; rings nothing. */
  readonly step: (at: Instant) => void
}

/** Time that moves only when told: for tests and for replaying what already happened. */
export const virtualClock = (startAt: Instant): VirtualClock => {
  let now = startAt
  const alarms = new Map<object, { dueAt: Instant; readonly ring: (at: Instant) => void }>()
  const next = () => {
    let earliest: { dueAt: Instant; readonly ring: (at: Instant) => void } | undefined
    for (const alarm of alarms.values())
      if (earliest === undefined || alarm.dueAt < earliest.dueAt) earliest = alarm
    return earliest
  }
  return {
    now: () => now,
    keepAlive: () => {},
    makeAlarm: (ring) => {
      const alarm = { dueAt: Number.POSITIVE_INFINITY, ring }
      alarms.set(alarm, alarm)
      return {
        set: (dueAt) => {
          alarm.dueAt = dueAt
        },
        clear: () => {
          alarm.dueAt = Number.POSITIVE_INFINITY
        },
      }
    },
    advanceTo: (at) => {
      for (let due = next(); due !== undefined && due.dueAt <= at; due = next()) {
        now = Math.max(now, due.dueAt)
        due.dueAt = Number.POSITIVE_INFINITY
        due.ring(now)
      }
      now = Math.max(now, at)
    },
    step: (at) => {
      now = at
    },
  }
}
