/**
 * What the gateway needs of an agent: the port to whoever decides about it, here or at the holder
 * of a shared day. Every answer is the supervisor's; the gateway compares nothing with a limit.
 */
import type { AgentId } from "../../machines/vocabulary.ts"
import type { AgentCalls } from "../host/calls.ts"

export type { CallAnswer, CallAsk, CallReport, HeldCall } from "../host/calls.ts"

export interface MeteredAgent {
  readonly agentId: AgentId
  readonly calls: Pick<AgentCalls, "hold">
}
