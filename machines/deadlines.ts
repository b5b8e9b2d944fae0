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
  /** `at` null: the alarm does not know the time, so it is what it was set for. */
  | { readonly type: "alarm.rang"; readonly at: Instant | null }

/** What the parent is told; `at` is never before the deadline. */
export interface DeadlineReached {
  readonly type: "deadline.reached"
  readonly deadline: Deadline
  readonly at: Instant
}

/** Rings once, at or after `dueAt`; setting it again replaces what was set. */
export interface Alarm {
  readonly set: (dueAt: Instant, now: Instant) => void
  readonly clear: () => void
}

type Scope = ActorScope<DeadlinesSnapshot, DeadlinesEvent>

export type MakeAlarm = (ring: (at: Instant | null) => void, scope: Scope) => Alarm

export type DeadlinesSnapshot = Snapshot<undefined> & {
  readonly queue: DeadlineQueue<Deadline>
  readonly alarm: Alarm
  /** The latest instant anybody told; what is armed for, or null. */
  now: Instant
  armedFor: Instant | null
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
const systemAlarm: MakeAlarm = (_ring, scope) => ({
  set: (dueAt, now) => {
    scope.system.scheduler.cancel(scope.self, "alarm")
    const delayMs = Math.min(Math.max(dueAt - now, 0), LONGEST_DELAY_MS)
    const rang: DeadlinesEvent = { type: "alarm.rang", at: now + delayMs }
    scope.system.scheduler.schedule(scope.self, scope.self, rang, delayMs, "alarm")
  },
  clear: () => scope.system.scheduler.cancel(scope.self, "alarm"),
})

export const createDeadlines = (makeAlarm: MakeAlarm = systemAlarm): DeadlinesLogic => ({
  getInitialSnapshot: (scope) => ({
    status: "active",
    output: undefined,
    error: undefined,
    queue: new DeadlineQueue(),
    alarm: makeAlarm((at) => scope.self.send({ type: "alarm.rang", at }), scope as Scope),
    now: 0,
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
      state.now = Math.max(state.now, event.at)
      state.queue.set({
        name: nameOf(event.deadline),
        dueAt: event.dueAt,
        value: event.deadline,
      })
      arm(state)
      return
    case "deadline.cleared":
      // The alarm may ring for nothing; re-arming on each settle would cost more.
      state.queue.clear(nameOf(event.deadline))
      return
    case "alarm.rang":
      state.now = Math.max(state.now, event.at ?? state.armedFor ?? state.now)
      state.armedFor = null
      for (let due = state.queue.take(state.now); due; due = state.queue.take(state.now))
        tell({ type: "deadline.reached", deadline: due.value, at: state.now })
      arm(state)
      return
    case "xstate.stop":
      state.alarm.clear()
  }
}

const arm = (state: DeadlinesSnapshot): void => {
  const next = state.queue.peek()
  if (next === undefined) return
  if (state.armedFor !== null && state.armedFor <= next.dueAt) return
  state.armedFor = next.dueAt
  state.alarm.set(next.dueAt, state.now)
}
