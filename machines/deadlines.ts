/**
 * The deadlines actor: absolute instants in, `deadline.reached` out, one armed timer.
 *
 * Instead of XState's `after`: that does not survive a restore, fires at once past 2^31 ms, and
 * makes every actor's stop scan all timers. The timer itself is a port. By default it is the
 * actor system's own clock (so a simulated clock drives it); a host puts in one that survives a
 * suspended machine.
 */
import type { ActorLogic, ActorScope, Snapshot } from "xstate"
import { DeadlineQueue } from "./deadline-queue.ts"
import type { AgentKey, HoldId, Instant } from "./vocabulary.ts"

export type Deadline =
  | { readonly of: "duration" | "grace" | "kill"; readonly key: AgentKey }
  | { readonly of: "hold"; readonly holdId: HoldId }
  | { readonly of: "day" | "summary" }

export type DeadlinesEvent =
  | {
      readonly type: "deadline.set"
      readonly deadline: Deadline
      readonly dueAt: Instant
      readonly at: Instant
    }
  | { readonly type: "deadline.cleared"; readonly deadline: Deadline }
  /** `at` is the wall clock's; null when the alarm does not know it: what it was set for. */
  | { readonly type: "alarm.rang"; readonly at: Instant | null }

/** What the parent is told: that the time until `dueAt` went by, and what the wall clock reads. */
export interface DeadlineReached {
  readonly type: "deadline.reached"
  readonly deadline: Deadline
  readonly at: Instant
  /** Later than `at` when the clock was set back meanwhile; as `at` when absent. */
  readonly dueAt?: Instant
}

/** Rings once, at or after `dueAt`; setting it again replaces what was set. */
export interface Alarm {
  readonly set: (dueAt: Instant, now: Instant) => void
  readonly clear: () => void
  /** A clock nobody sets. Without one, time went by as the wall clock went forward. */
  readonly elapsedMs?: () => number
}

type Scope = ActorScope<DeadlinesSnapshot, DeadlinesEvent>

export type MakeAlarm = (ring: (at: Instant | null) => void, scope: Scope) => Alarm

interface Wanted {
  readonly deadline: Deadline
  readonly dueAt: Instant
}

/**
 * A deadline is reached when the wall clock passes it or its time has gone by, whichever is
 * first: a clock set back lengthens no life, and shortens none that begins after. Only the day
 * is the wall clock's alone.
 */
export type DeadlinesSnapshot = Snapshot<undefined> & {
  /** By the elapsed time at which each falls due. */
  readonly queue: DeadlineQueue<Wanted>
  readonly alarm: Alarm
  /** The wall clock and the time gone by, as last read. */
  at: Instant
  elapsedMs: number
  dayEndsAt: Instant | null
  /** The elapsed time the alarm is set for, or null. */
  armedFor: number | null
}

export type DeadlinesLogic = ActorLogic<DeadlinesSnapshot, DeadlinesEvent, undefined>

/** Timers past 2^31 − 1 ms fire at once; longer waits are walked in steps. */
const LONGEST_DELAY_MS = 2 ** 31 - 1

const nameOf = (deadline: Deadline): string =>
  "key" in deadline
    ? `${deadline.of}:${deadline.key}`
    : "holdId" in deadline
      ? `hold:${deadline.holdId}`
      : deadline.of

/** The actor system's own clock, which knows delays but not the time. */
const systemAlarm: MakeAlarm = (ring, scope) => {
  const clock = scope.system._clock
  let timer: unknown
  return {
    set: (dueAt, now) => {
      clock.clearTimeout(timer)
      const delayMs = Math.min(Math.max(dueAt - now, 0), LONGEST_DELAY_MS)
      const setAtMs = movedBy(clock)
      const rang = (): void => ring(now + Math.max(delayMs, movedBy(clock) - setAtMs))
      timer = clock.setTimeout(rang, delayMs)
    },
    clear: () => clock.clearTimeout(timer),
  }
}

/** A simulated clock says how far it was moved: further than to the next alarm, when it leaps. */
const movedBy = (clock: object): number =>
  "now" in clock && typeof clock.now === "function" ? Number(clock.now()) : 0

export const createDeadlines = (makeAlarm: MakeAlarm = systemAlarm): DeadlinesLogic => ({
  getInitialSnapshot: (scope) => ({
    status: "active",
    output: undefined,
    error: undefined,
    queue: new DeadlineQueue(),
    alarm: makeAlarm((at) => scope.self.send({ type: "alarm.rang", at }), scope as Scope),
    at: Number.POSITIVE_INFINITY,
    elapsedMs: 0,
    dayEndsAt: null,
    armedFor: null,
  }),
  transition: (snapshot, event, scope) => {
    receive(snapshot, event, (reached) => scope.self._parent?.send(reached))
    return snapshot
  },
  getPersistedSnapshot: () => ({ status: "active", output: undefined, error: undefined }),
})

const receive = (
  state: DeadlinesSnapshot,
  event: DeadlinesEvent | { readonly type: "xstate.stop" },
  tell: (reached: DeadlineReached) => void,
): void => {
  switch (event.type) {
    case "deadline.set":
      readClock(state, event.at)
      want(state, event)
      arm(state)
      return
    case "deadline.cleared":
      // The alarm may ring for nothing; re-arming on each settle would cost more.
      state.queue.clear(nameOf(event.deadline))
      return
    case "alarm.rang": {
      const dueMs = state.armedFor ?? state.elapsedMs
      readClock(state, event.at ?? state.at + dueMs - state.elapsedMs)
      state.elapsedMs = Math.max(state.elapsedMs, dueMs)
      state.armedFor = null
      for (const reached of takeReached(state)) tell(reached)
      arm(state)
      return
    }
    case "xstate.stop":
      state.alarm.clear()
  }
}

const readClock = (state: DeadlinesSnapshot, at: Instant): void => {
  const elapsedMs = state.alarm.elapsedMs?.() ?? state.elapsedMs + Math.max(at - state.at, 0)
  state.elapsedMs = Math.max(state.elapsedMs, elapsedMs)
  state.at = at
}

const want = (
  state: DeadlinesSnapshot,
  { deadline, dueAt, at }: Extract<DeadlinesEvent, { type: "deadline.set" }>,
): void => {
  if (deadline.of === "day") state.dayEndsAt = dueAt
  else
    state.queue.set({
      name: nameOf(deadline),
      dueAt: state.elapsedMs + dueAt - at,
      value: { deadline, dueAt },
    })
}

/** Takes off, one by one, what is reached; telling of one may set or clear others. */
function* takeReached(state: DeadlinesSnapshot): Generator<DeadlineReached> {
  for (let next = state.queue.peek(); next; next = state.queue.peek()) {
    if (next.dueAt > state.elapsedMs && next.value.dueAt > state.at) break
    state.queue.take(next.dueAt)
    yield { type: "deadline.reached", ...next.value, at: state.at }
  }
  const { dayEndsAt } = state
  if (dayEndsAt === null || dayEndsAt > state.at) return
  state.dayEndsAt = null
  yield { type: "deadline.reached", deadline: { of: "day" }, dueAt: dayEndsAt, at: state.at }
}

const arm = (state: DeadlinesSnapshot): void => {
  const inMs = Math.max(msUntilNext(state), 0)
  const dueMs = state.elapsedMs + inMs
  if (inMs === Number.POSITIVE_INFINITY) return
  if (state.armedFor !== null && state.armedFor <= dueMs) return
  state.armedFor = dueMs
  state.alarm.set(state.at + inMs, state.at)
}

/** When the next deadline is reached if the wall clock only goes forward; null without any. */
export const nextDueAt = (state: DeadlinesSnapshot): Instant | null => {
  const inMs = msUntilNext(state)
  return inMs === Number.POSITIVE_INFINITY ? null : state.at + inMs
}

const msUntilNext = (state: DeadlinesSnapshot): number => {
  const next = state.queue.peek()
  const untilDayEnds = (state.dayEndsAt ?? Number.POSITIVE_INFINITY) - state.at
  if (next === undefined) return untilDayEnds
  return Math.min(next.dueAt - state.elapsedMs, next.value.dueAt - state.at, untilDayEnds)
}
