/** Requests waiting in line: first come, first served; persistent, so a context may hold it. */
import * as HashMap from "effect/HashMap"
import type { HoldRequest } from "./budget/holds.ts"
import type { SpawnRequest } from "./budget/spawning.ts"
import type { AgentId, AgentKey, HoldId, RequestId } from "./vocabulary.ts"

export interface Line<Request> {
  readonly waiting: HashMap.HashMap<number, Request>
  /** Ordinals in use lie in `from ≤ n < to`; withdrawn ones leave holes. */
  readonly from: number
  readonly to: number
}

/** Who waits for a slot. */
export type Queue = Line<SpawnRequest>
/** Who waits for what others hold. */
export type HoldQueue = Line<HoldRequest>

export const EMPTY_QUEUE: Queue = { waiting: HashMap.empty(), from: 0, to: 0 }
export const EMPTY_HOLD_QUEUE: HoldQueue = { waiting: HashMap.empty(), from: 0, to: 0 }

export const lengthOf = ({ waiting }: Line<unknown>): number => HashMap.size(waiting)

export const enqueue = <Request>(line: Line<Request>, request: Request): Line<Request> => ({
  waiting: HashMap.set(line.waiting, line.to, request),
  from: line.from,
  to: line.to + 1,
})

export const headOf = <Request>(line: Line<Request>): Request | undefined => {
  if (line.from === line.to) return undefined
  const head = HashMap.get(line.waiting, line.from)
  return head._tag === "Some" ? head.value : undefined
}

export const dequeue = <Request>(line: Line<Request>): Line<Request> =>
  skipHoles({ ...line, waiting: HashMap.remove(line.waiting, line.from), from: line.from + 1 })

const skipHoles = <Request>(line: Line<Request>): Line<Request> => {
  let from = line.from
  while (from < line.to && !HashMap.has(line.waiting, from)) from += 1
  return from === line.from ? line : { ...line, from }
}

const leave = <Request>(
  line: Line<Request>,
  where: (request: Request) => boolean,
): Line<Request> => {
  const ordinal = ordinalOf(line, where)
  return ordinal === undefined
    ? line
    : skipHoles({ ...line, waiting: HashMap.remove(line.waiting, ordinal) })
}

export const withdraw = (queue: Queue, requestId: RequestId): Queue =>
  leave(queue, (request) => request.requestId === requestId)

export const isWaiting = (queue: Queue, requestId: RequestId): boolean =>
  ordinalOf(queue, (request) => request.requestId === requestId) !== undefined

export const hasName = (queue: Queue, agentId: AgentId): boolean =>
  ordinalOf(queue, (request) => request.agentId === agentId) !== undefined

export const withdrawHold = (queue: HoldQueue, holdId: HoldId): HoldQueue =>
  leave(queue, (request) => request.holdId === holdId)

export const isHoldWaiting = (queue: HoldQueue, holdId: HoldId): boolean =>
  ordinalOf(queue, (request) => request.holdId === holdId) !== undefined

export const hasHoldOf = (queue: HoldQueue, key: AgentKey): boolean =>
  ordinalOf(queue, (request) => request.key === key) !== undefined

/**
 * The first of each agent, in the order of the line: an agent that waits for its own calls to end
 * is in nobody else's way, and nobody of it overtakes another of it.
 */
export const headsOf = (queue: HoldQueue): readonly HoldRequest[] => {
  const heads = new Map<AgentKey, HoldRequest>()
  for (let ordinal = queue.from; ordinal < queue.to; ordinal += 1) {
    const found = HashMap.get(queue.waiting, ordinal)
    if (found._tag === "Some" && !heads.has(found.value.key))
      heads.set(found.value.key, found.value)
  }
  return [...heads.values()]
}

const ordinalOf = <Request>(
  line: Line<Request>,
  where: (request: Request) => boolean,
): number | undefined => {
  for (const [ordinal, request] of HashMap.entries(line.waiting)) if (where(request)) return ordinal
  return undefined
}
