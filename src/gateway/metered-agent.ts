/**
 * What the gateway needs of an agent: the port to whoever decides about it, here or at the holder
 * of a shared day. Every answer is the supervisor's; the gateway compares nothing with a limit.
 */
import type { AgentId } from "../../machines/vocabulary.ts"
import type { AgentCalls, CallAsk } from "../host/calls.ts"

export type { CallAnswer, CallAsk, CallReport, HeldCall } from "../host/calls.ts"

export interface MeteredAgent {
  readonly agentId: AgentId
  /** The class its calls put it in: `reserved` only where none can be made past the gateway. */
  readonly claims: CallAsk["claims"]
  readonly calls: Pick<AgentCalls, "hold">
}
