/** What an agent is spawned with. */
import type { AgentKey, Credential, Enforcement } from "../../machines/vocabulary.ts"
import type { Runner } from "../runners/runner.ts"
import type { Agent } from "./agent.ts"
import type { AgentContext } from "./context.ts"
import type { OwnLimits } from "./door.ts"

export interface SpawnOptions {
  readonly taskId: string
  /** Unique among live agents; generated when absent. */
  readonly agentId?: string
  /** Asking twice under one id gets one answer. */
  readonly requestId?: string
  /** Wait in line for a slot instead of being refused for the lack of one. */
  readonly queue?: boolean
  /** With `queue`: wait for the next day too. */
  readonly waitForReset?: boolean
  /** May only lower the general limits. */
  readonly limits?: OwnLimits
  /** Takes it out of the queue; once admitted, use `stop`. */
  readonly signal?: AbortSignal
  readonly run: (context: AgentContext) => Promise<unknown> | unknown
}

/** As `SpawnOptions`, with any runner instead of a function. */
export interface RunOptions extends Omit<SpawnOptions, "run"> {
  readonly runner: (agent: Agent) => Runner
  readonly enforcement?: Enforcement
  /** Whose key pays its calls, where they pass a gateway. */
  readonly credential?: Credential
  /** Names this admission for ever; generated when absent. */
  readonly key?: AgentKey
}
