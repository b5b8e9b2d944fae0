/** Spawn requests waiting in line: first come, first served; persistent, so a context may hold it. */
import * as HashMap from "effect/HashMap"
import type { SpawnRequest } from "./budget/spawning.ts"
import type { AgentId, RequestId } from "./vocabulary.ts"

export interface Queue {
  readonly waiting: HashMap.HashMap<number, SpawnRequest>
  /** Ordinals in use lie in `from ≤ n < to`; withdrawn ones leave holes. */
  readonly from: number
  readonly to: number
}

export const EMPTY_QUEUE: Queue = { waiting: HashMap.empty(), from: 0, to: 0 }

export const lengthOf = (queue: Queue): number => HashMap.size(queue.waiting)

export const enqueue = (queue: Queue, request: SpawnRequest): Queue => ({
  waiting: HashMap.set(queue.waiting, queue.to, request),
  from: queue.from,
  to: queue.to + 1,
})

export const headOf = (queue: Queue): SpawnRequest | undefined => {
  if (queue.from === queue.to) return undefined
  const head = HashMap.get(queue.waiting, queue.from)
  return head._tag === "Some" ? head.value : undefined
}

export const dequeue = (queue: Queue): Queue =>
  skipHoles({ ...queue, waiting: HashMap.remove(queue.waiting, queue.from), from: queue.from + 1 })

const skipHoles = (queue: Queue): Queue => {
  let from = queue.from
  while (from < queue.to && !HashMap.has(queue.waiting, from)) from += 1
  return from === queue.from ? queue : { ...queue, from }
}

export const withdraw = (queue: Queue, requestId: RequestId): Queue => {
  const ordinal = ordinalOf(queue, (request) => request.requestId === requestId)
  return ordinal === undefined
    ? queue
    : skipHoles({ ...queue, waiting: HashMap.remove(queue.waiting, ordinal) })
}

export const isWaiting = (queue: Queue, requestId: RequestId): boolean =>
  ordinalOf(queue, (request) => request.requestId === requestId) !== undefined

export const hasName = (queue: Queue, agentId: AgentId): boolean =>
  ordinalOf(queue, (request) => request.agentId === agentId) !== undefined

const ordinalOf = (queue: Queue, where: (request: SpawnRequest) => boolean): number | undefined => {
  for (const [ordinal, request] of HashMap.entries(queue.waiting))
    if (where(request)) return ordinal
  return undefined
}
