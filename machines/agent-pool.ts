/**
 * The pool: the agents' parent. A machine as parent copies its map of children at every spawn
 * and stop, which is O(n) for each; this keeps them in a Map, so both are O(1) at any number.
 *
 * It decides nothing and never throws: it hands events down and notices up.
 */
import {
  type ActorLogic,
  type ActorRefFrom,
  type ActorScope,
  createActor,
  type DoneActorEvent,
  type ErrorActorEvent,
  type Snapshot,
} from "xstate"
import type { AgentEvent, AgentInput, AgentNotice, AgentOutput, agentMachine } from "./agent.ts"
import type { AgentKey } from "./vocabulary.ts"

export type PoolEvent =
  | { readonly type: "agent.spawned"; readonly input: AgentInput }
  | { readonly type: "agent.told"; readonly key: AgentKey; readonly event: AgentEvent }
  | AgentNotice
  | DoneActorEvent<AgentOutput>
  | ErrorActorEvent

/** An agent is over; `crashed` when its machine threw, which is a bug and told as a failure. */
export interface AgentOver {
  readonly type: "agent.over"
  readonly output: AgentOutput
}

type AgentLogic = typeof agentMachine
type AgentRef = ActorRefFrom<AgentLogic>

export type PoolSnapshot = Snapshot<undefined> & {
  readonly agents: Map<AgentKey, AgentRef>
}

export type PoolLogic = ActorLogic<PoolSnapshot, PoolEvent, undefined>
type PoolScope = ActorScope<PoolSnapshot, PoolEvent>

class Agents extends Map<AgentKey, AgentRef> {
  /** What the inspector sees: a number, not ten thousand references. */
  toJSON(): { readonly live: number } {
    return { live: this.size }
  }
}

export const createAgentPool = (agentLogic: AgentLogic): PoolLogic => ({
  getInitialSnapshot: () => ({
    status: "active",
    output: undefined,
    error: undefined,
    agents: new Agents(),
  }),
  transition: (snapshot, event, scope) => receive(agentLogic, snapshot, event, scope),
  getPersistedSnapshot: () => ({ status: "active", output: undefined, error: undefined }),
})

const receive = (
  agentLogic: AgentLogic,
  pool: PoolSnapshot,
  event: PoolEvent | { readonly type: "xstate.stop" },
  scope: PoolScope,
): PoolSnapshot => {
  if (event.type === "agent.spawned") spawn(agentLogic, pool, event.input, scope)
  else if (event.type === "agent.told") {
    pool.agents.get(event.key)?.send(event.event)
  } else if (event.type === "agent.killing" || event.type === "agent.unkillable") {
    scope.self._parent?.send(event)
  } else if (event.type === "xstate.stop") {
    for (const agent of pool.agents.values()) scope.stopChild(agent)
    pool.agents.clear()
  } else if ("actorId" in event) bury(pool, event, scope)
  return pool
}

const spawn = (
  agentLogic: AgentLogic,
  pool: PoolSnapshot,
  input: AgentInput,
  scope: PoolScope,
): void => {
  if (pool.agents.has(input.key)) return
  const agent = createActor(agentLogic, { input, parent: scope.self, id: input.key, src: "agent" })
  pool.agents.set(input.key, agent)
  agent.start()
}

const bury = (
  pool: PoolSnapshot,
  event: DoneActorEvent<AgentOutput> | ErrorActorEvent,
  scope: PoolScope,
): void => {
  const key = event.actorId as AgentKey
  const agent = pool.agents.get(key)
  if (agent === undefined) return
  pool.agents.delete(key)
  scope.stopChild(agent)
  const output = "output" in event ? event.output : crashed(key, event.error)
  scope.self._parent?.send({ type: "agent.over", output })
}

const crashed = (key: AgentKey, error: unknown): AgentOutput => ({
  key,
  reason: "failed",
  mechanism: "vanished",
  endedAt: null,
  exitCode: null,
  signal: null,
  error: String(error),
})
