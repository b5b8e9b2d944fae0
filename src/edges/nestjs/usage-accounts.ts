/**
 * Usage by name: whoever reports gets an account, without a slot unless an agent of that name
 * was spawned. Accounts are counted like every agent, and nobody has to end them: one that
 * counts nothing for a whole day leaves when that day does.
 */
import { randomUUID } from "node:crypto"
import { isFull, usedOf } from "../../../machines/budget/account.ts"
import { agentOf, keyOfName } from "../../../machines/budget/budget.ts"
import type { AgentKey, Instant, RequestId } from "../../../machines/vocabulary.ts"
import { checkAmount, checkName } from "../../host/door.ts"
import type { Host } from "../../host/host.ts"

export class UsageAccounts {
  private readonly host: Host

  constructor(host: Host) {
    this.host = host
  }

  /** Throws `InvalidRequest`, which names the argument; then nothing of the call is counted. */
  record(
    at: Instant,
    agentId: string,
    taskId: string,
    inputTokens: number,
    outputTokens: number,
  ): void {
    const name = checkName("agentId", agentId)
    const task = checkName("taskId", taskId)
    const usage = {
      inputTokens: checkAmount("inputTokens", inputTokens),
      outputTokens: checkAmount("outputTokens", outputTokens),
      cacheWriteTokens: 0,
      cacheReadTokens: 0,
    }
    const { host } = this
    const key = keyOfName(host.budget, name) ?? this.open(at, name, task)
    const before = host.budget
    const report = { key, usageId: null, usage, provenance: "reported", model: null } as const
    host.send({ type: "usage.reported", at, report })
    if (host.budget === before)
      host.logger.warn({ agentId: name }, "usage reported after the shutdown is not counted")
  }

  reckon(agentId: string): { overBudget: boolean; totalTokens: number } {
    const { budget } = this.host
    const key = keyOfName(budget, agentId)
    const agent = key === undefined ? undefined : agentOf(budget, key)
    if (agent === undefined) return { overBudget: false, totalTokens: 0 }
    return { overBudget: isFull(agent.account), totalTokens: usedOf(agent.account) }
  }

  private open(at: Instant, agentId: string, taskId: string): AgentKey {
    const key = randomUUID() as string as AgentKey
    const request = {
      requestId: key as string as RequestId,
      key,
      agentId,
      taskId,
      enforcement: "metered",
      slot: false,
      ownTokenLimit: null,
      ownDurationMinutes: null,
      ownGraceSeconds: null,
      queue: false,
      waitForReset: false,
    } as const
    this.host.send({ type: "agent.requested", at, request })
    return key
  }
}
