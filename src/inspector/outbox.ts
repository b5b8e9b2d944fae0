/**
 * What still has to be told to the inspector: bounded, and complete where it matters.
 *
 * Every live actor is remembered, so whoever connects later still gets the whole tree. Changes
 * of state are told one by one; what only moves numbers is merged until it is taken, and the
 * last of it always remains. When too much waits, each actor keeps its registration and its
 * latest snapshot and the rest is forgotten.
 *
 * Machine snapshots and events are immutable, so a reference is a copy; the pool's and the
 * deadlines' change in place, and are read when they are taken.
 */
import type { ActorRefLike, AnyEventObject, InspectionEvent, Snapshot } from "xstate"

/** What every actor reference has beside the part XState promises to an inspector. */
export interface InspectedRef extends ActorRefLike {
  readonly id: string
  readonly logic?: unknown
  readonly _parent?: ActorRefLike | undefined
}

export interface SeenActor {
  readonly ref: InspectedRef
  readonly rootId: string
  /** The snapshot its registration carries. */
  first: Snapshot<unknown> | undefined
  latest: Snapshot<unknown> | undefined
  /** Told to whoever is connected now. */
  registered: boolean
  over: boolean
}

export type Frame =
  | { readonly kind: "actor"; readonly actor: SeenActor }
  | {
      readonly kind: "event"
      readonly actor: SeenActor
      readonly source: string | undefined
      readonly event: AnyEventObject
      /** How many of the same type this one stands for. */
      readonly repeated: number
    }
  | {
      readonly kind: "snapshot"
      readonly actor: SeenActor
      readonly event: AnyEventObject
      readonly snapshot: Snapshot<unknown>
    }

/** Events as frequent as the work itself; all others are as rare as births and deaths. */
const FREQUENT: ReadonlySet<string> = new Set([
  "usage.reported",
  "hold.requested",
  "hold.settled",
  "hold.settled_late",
  "hold.voided",
  "deadline.set",
  "deadline.cleared",
  "alarm.rang",
])

/** More frames than this are not kept waiting. */
const WAITING_MAX = 10_000

export class Outbox {
  private readonly live = new Map<string, SeenActor>()
  /** In the order they are told; frames that may be merged have a key that says with what. */
  private waiting = new Map<string, Frame>()
  private connected = false
  private frames = 0
  private thinAt = WAITING_MAX

  get size(): number {
    return this.waiting.size
  }

  /** Somebody listens from now on, and knows nothing yet. */
  connect(): void {
    this.connected = true
    this.waiting.clear()
    for (const actor of this.live.values()) {
      actor.registered = false
      actor.first = actor.latest
      this.push({ kind: "actor", actor })
    }
  }

  /** Nobody listens: only who is alive is remembered. */
  disconnect(): void {
    this.connected = false
    this.waiting.clear()
  }

  note(event: InspectionEvent): void {
    if (event.type === "@xstate.actor") this.born(event.actorRef, event.rootId)
    else if (event.type === "@xstate.event")
      this.received(event.actorRef.sessionId, event.event, event.sourceRef?.sessionId)
    else if (event.type === "@xstate.snapshot")
      this.changed(event.actorRef.sessionId, event.event, event.snapshot)
    if (this.waiting.size > this.thinAt) this.thin()
  }

  take(max: number): readonly Frame[] {
    const taken: Frame[] = []
    for (const [key, frame] of this.waiting) {
      if (taken.length >= max) break
      this.waiting.delete(key)
      if (frame.kind === "actor") frame.actor.registered = true
      taken.push(frame)
    }
    return taken
  }

  /** Leaves of what waits each actor's registration and latest snapshot. */
  thin(): void {
    const kept: [string, Frame][] = []
    const told = new Set<SeenActor>()
    for (const [key, frame] of [...this.waiting].reverse()) {
      const { actor } = frame
      const unknown = actor.over && !actor.registered
      if (unknown || frame.kind === "event") continue
      if (frame.kind === "snapshot" && told.has(actor)) continue
      if (frame.kind === "snapshot") told.add(actor)
      kept.push([key, frame])
    }
    this.waiting = new Map(kept.reverse())
    this.thinAt = Math.max(WAITING_MAX, 2 * this.waiting.size)
  }

  private born(ref: ActorRefLike, rootId: string): void {
    if (!isInspected(ref)) return
    const actor: SeenActor = {
      ref,
      rootId,
      first: undefined,
      latest: undefined,
      registered: false,
      over: false,
    }
    this.live.set(ref.sessionId, actor)
    if (this.connected) this.push({ kind: "actor", actor })
  }

  private received(session: string, event: AnyEventObject, source: string | undefined): void {
    const actor = this.live.get(session)
    if (actor === undefined) return
    // A machine that threw has no last snapshot: its parent hears of it, and so do we.
    if (source !== undefined && event.type.startsWith("xstate.error.actor.")) this.crashed(source)
    if (!this.connected) return
    const frame = { kind: "event", actor, source, event, repeated: 1 } as const
    if (!FREQUENT.has(event.type)) {
      this.push(frame)
      return
    }
    const key = `${session} ${event.type}`
    const merged = this.waiting.get(key)
    const before = merged?.kind === "event" ? merged.repeated : 0
    this.replace(key, { ...frame, repeated: before + 1 })
  }

  private changed(session: string, event: AnyEventObject, snapshot: Snapshot<unknown>): void {
    const actor = this.live.get(session)
    if (actor === undefined) return
    const moved = hasMoved(stateOf(actor.latest), stateOf(snapshot))
    actor.first ??= snapshot
    actor.latest = snapshot
    if (snapshot.status !== "active") {
      actor.over = true
      this.live.delete(session)
    }
    if (!this.connected) return
    const frame = { kind: "snapshot", actor, event, snapshot } as const
    if (moved || actor.over) this.push(frame)
    else this.replace(session, frame)
  }

  private crashed(session: string): void {
    const error: Snapshot<unknown> = { status: "error", output: undefined, error: undefined }
    this.changed(session, { type: "xstate.error" }, error)
  }

  private push(frame: Frame): void {
    this.frames += 1
    this.waiting.set(`#${this.frames}`, frame)
  }

  /** To the end of the line: a later frame must not be overtaken by a change before it. */
  private replace(key: string, frame: Frame): void {
    this.waiting.delete(key)
    this.waiting.set(key, frame)
  }
}

const isInspected = (ref: ActorRefLike): ref is InspectedRef => "id" in ref

const stateOf = (snapshot: Snapshot<unknown> | undefined): unknown =>
  snapshot !== undefined && "value" in snapshot ? snapshot.value : undefined

/** Mostly XState keeps the value where the states stayed the same, so comparing is rare. */
const hasMoved = (before: unknown, after: unknown): boolean =>
  before !== after && JSON.stringify(before) !== JSON.stringify(after)
