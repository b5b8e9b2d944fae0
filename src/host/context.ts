/** What a function agent sees of its supervisor. */
import type { FunctionLife } from "../runners/function.ts"
import type { Agent, Held, HoldOptions, Reckoning } from "./agent.ts"
import type { UsageInput } from "./door.ts"
import type { Host } from "./host.ts"

/** What an agent's function is given. */
export interface AgentContext extends FunctionLife {
  readonly agentId: string
  readonly taskId: string
  readonly hold: (tokens: number, options?: HoldOptions) => Promise<Held>
  readonly recordUsage: (usage: UsageInput) => Reckoning
  readonly remaining: () => number | null
  readonly flush: () => Promise<void>
}

export const contextFor = (host: Host, agent: Agent, life: FunctionLife): AgentContext => ({
  ...life,
  agentId: agent.agentId,
  taskId: agent.taskId,
  hold: (tokens, options) => agent.hold(tokens, options),
  recordUsage: (usage) => agent.recordUsage(usage),
  remaining: () => agent.remaining(),
  flush: () => host.flush(),
})
