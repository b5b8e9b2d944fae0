/**
 * From what waits to what the official client takes: inspection events about stand-ins of the
 * actors, because the client would read the whole context of a real one.
 */
import type { InspectionEvent, Snapshot } from "xstate"
import type { Frame, InspectedRef, SeenActor } from "./outbox.ts"
import { nameIn, showSnapshot } from "./shown.ts"

export const inspectionOf = (frame: Frame): InspectionEvent => {
  const { rootId } = frame.actor
  const actorRef = standIn(frame.actor)
  switch (frame.kind) {
    case "actor":
      return { type: "@xstate.actor", rootId, actorRef }
    case "event": {
      const { source, repeated } = frame
      const sourceRef = source === undefined ? undefined : only(source)
      const event = repeated === 1 ? frame.event : { ...frame.event, repeated }
      return { type: "@xstate.event", rootId, actorRef, sourceRef, event }
    }
    case "snapshot": {
      const snapshot = shown(frame.snapshot)
      return { type: "@xstate.snapshot", rootId, actorRef, event: frame.event, snapshot }
    }
  }
}

/** Has what the client reads of an actor and nothing else. */
const standIn = ({ ref, first }: SeenActor): InspectedRef => ({
  ...only(ref.sessionId),
  id: nameIn(first) ?? ref.id,
  logic: ref.logic,
  _parent: ref._parent === undefined ? undefined : only(ref._parent.sessionId),
  getSnapshot: () => shown(first),
})

const only = (sessionId: string) => ({
  sessionId,
  send: () => {},
  getSnapshot: () => undefined,
})

const shown = (snapshot: Snapshot<unknown> | undefined): Snapshot<unknown> =>
  showSnapshot(snapshot) as Snapshot<unknown>
