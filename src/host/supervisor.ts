/** The library's supervisor: promises outside, the host's synchronous decisions inside. */
import { randomUUID } from "node:crypto"
import * as Result from "effect/Result"
import { closed, SPAWN_ASKS } from "../../machines/budget/admission.ts"
import { agentOf, keyOfName, type LiveAgent } from "../../machines/budget/budget.ts"
import type { BudgetSettings, KeptValues } from "../../machines/budget/settings.ts"
import type { SpawnRequest } from "../../machines/budget/spawning.ts"
import {
  type AgentSummary,
  type Summary,
  summarise,
  summariseEnded,
} from "../../machines/budget/summary.ts"
import { listed } from "../../machines/budget/tail.ts"
import type { Fact } from "../../machines/facts.ts"
import { hasName, lengthOf } from "../../machines/queue.ts"
import type { AgentId, AgentKey, RequestId, StopReason, TaskId } from "../../machines/vocabulary.ts"
import { type BudgetOptions, decodeBudgetOptions } from "../config/decode.ts"
import { functionRunner } from "../runners/function.ts"
import { Agent } from "./agent.ts"
import { nameFor } from "./agent-name.ts"
import { answeredSpawn } from "./answered.ts"
import { HostCalls } from "./calls.ts"
import { contextFor } from "./context.ts"
import { checkName, checkOwnLimits } from "./door.ts"
import { refusalNow } from "./dry-run.ts"
import { admissionRefused, nameTaken, type RefusalReport, reportOf } from "./errors.ts"
import type { Host } from "./host.ts"
import type { RunOptions, SpawnOptions } from "./spawn-options.ts"
import { UnderWay } from "./under-way.ts"
import { withdrawal } from "./withdrawal.ts"

export class Supervisor {
  private readonly host: Host
  private readonly agents = new Map<AgentKey, Agent>()
  private readonly underWay = new UnderWay<Agent>()
  private closing: Promise<void> | null = null

  constructor(host: Host) {
    this.host = host
  }

  /** Resolves with the agent once admitted; rejects with `AdmissionRefused`. */
  spawn(options: SpawnOptions): Promise<Agent> {
    const { run, ...rest } = options
    return this.run({
      ...rest,
      runner: (agent) => functionRunner((life) => run(contextFor(this.host, agent, life))),
    })
  }

  /** Spawns work that a runner does; `spawn` is this with a function. */
  async run(options: RunOptions): Promise<Agent> {
    const taskId = checkName("taskId", options.taskId) as TaskId
    const { requestId } = options
    if (requestId !== undefined) checkName("requestId", requestId)
    const agentId = checkName("agentId", options.agentId ?? nameFor(taskId, requestId)) as AgentId
    if (requestId === undefined) return this.request(options, agentId, taskId)
    return this.underWay.join(
      requestId,
      JSON.stringify([agentId, taskId]),
      `agent ${agentId} of task ${taskId}`,
      async () =>
        (await this.answered(requestId, agentId, taskId)) ?? this.request(options, agentId, taskId),
    )
  }

  private async request(options: RunOptions, agentId: AgentId, taskId: TaskId): Promise<Agent> {
    const own = checkOwnLimits(options.limits)
    this.checkFree(agentId)
    options.signal?.throwIfAborted()
    const key = options.key ?? (randomUUID() as string as AgentKey)
    const requestId = (options.requestId ?? key) as string as RequestId
    const agent = new Agent(this.host, { key, agentId, taskId }, options.runner)
    return this.admit(
      agent,
      {
        ...own,
        requestId,
        key,
        agentId,
        taskId,
        enforcement: options.enforcement ?? "unmetered",
        slot: true,
        queue: options.queue ?? false,
        waitForReset: options.waitForReset ?? false,
        ...(options.credential === undefined ? {} : { credential: options.credential }),
      },
      options.signal,
    )
  }

  /** Goes on with an agent that was claimed from an earlier supervisor; undefined when it is over. */
  resume(key: AgentKey, runner: RunOptions["runner"]): Agent | undefined {
    const live = agentOf(this.host.budget, key)
    if (live === undefined) return undefined
    const agent = new Agent(this.host, live, runner)
    this.keep(agent)
    return agent
  }

  /** Who was admitted under that key, while it lives. */
  living(key: AgentKey): LiveAgent | undefined {
    return agentOf(this.host.budget, key)
  }

  /** The calls of an agent, also after its end: what one came to may be known only then. */
  calls(key: AgentKey): HostCalls {
    return this.agents.get(key)?.calls ?? new HostCalls(this.host, key, () => 0)
  }

  /** Its last entry, for as long as the summary lists it. */
  ended(key: AgentKey): AgentSummary | undefined {
    const found = listed(this.host.budget.ended).find(({ agent }) => agent.key === key)
    return found === undefined ? undefined : summariseEnded(found)
  }

  /** The live agent of that name. */
  agent(agentId: string): Agent | undefined {
    const key = keyOfName(this.host.budget, agentId)
    return key === undefined ? undefined : this.agents.get(key)
  }

  summary(): Summary {
    return summarise(this.host.budget)
  }

  /** How many requests wait in line for a slot. */
  waiting(): number {
    return lengthOf(this.host.queue)
  }

  /** The time by the supervisor's own clock, in milliseconds since the epoch. */
  now(): number {
    return this.host.now()
  }

  budget(): BudgetSettings {
    return structuredClone(this.host.settings)
  }

  /** Whether an ordinary agent could start now; a dry run that leaves no trace. */
  canSpawn(): { readonly allowed: boolean; readonly refusal: RefusalReport | null } {
    const refusal = refusalNow(this.host)
    return { allowed: refusal === null, refusal: refusal === null ? null : reportOf(refusal) }
  }

  /** Changes limits from now on; resolves with all settings once that is durable. */
  async setBudget(change: BudgetOptions): Promise<BudgetSettings> {
    const settings = Result.getOrThrow(decodeBudgetOptions(change, this.host.settings))
    await this.host.sendDurably({ type: "budget.changed", at: this.host.now(), settings })
    return this.budget()
  }

  /** What is kept in the ledger for later runs. */
  kept(): KeptValues {
    return this.host.budget.kept
  }

  /** Keeps values for later runs, and sets the limits that apply now; resolves once durable. */
  keepDefaults(kept: KeptValues, settings: BudgetSettings): Promise<void> {
    return this.host.sendDurably({ type: "budget.changed", at: this.host.now(), settings, kept })
  }

  /** Hears one type of fact, or all of them with `*`; returns how to stop hearing. */
  on<Type extends Fact["type"] | "*">(
    type: Type,
    listener: (fact: Type extends "*" ? Fact : Extract<Fact, { type: Type }>) => void,
  ): () => void {
    return this.host.onFact((fact) => {
      if (type === "*" || fact.type === type)
        listener(fact as Type extends "*" ? Fact : Extract<Fact, { type: Type }>)
    })
  }

  /** Resolves when everything recorded so far is durable. */
  flush(): Promise<void> {
    return this.host.flush()
  }

  /** Admits nobody more; resolves when the last agent has ended. */
  async drain(): Promise<void> {
    this.host.send({ type: "drain.requested", at: this.host.now() })
    await this.host.whenIdle()
  }

  /** Admits nobody more and asks every agent to stop, for this reason; waits for nobody. */
  stopAll(reason: StopReason): void {
    this.host.send({ type: "drain.requested", at: this.host.now() })
    for (const agent of this.agents.values()) agent.stop(reason)
  }

  /** The same, without a grace. */
  killAll(reason: StopReason): void {
    this.host.send({ type: "drain.requested", at: this.host.now() })
    for (const agent of this.agents.values()) agent.kill(reason)
  }

  /** Stops every agent (reason `shutdown`), waits for their ends, and lets go of the ledger. */
  close(): Promise<void> {
    this.closing ??= this.shutDown()
    return this.closing
  }

  private async shutDown(): Promise<void> {
    this.host.send({ type: "shutdown.requested", at: this.host.now() })
    await this.host.whenIdle()
    await this.host.close()
  }

  /** Lets go of the ledger and stops nobody: whoever takes it next goes on with those who live. */
  leave(): Promise<void> {
    this.closing ??= this.host.close()
    return this.closing
  }

  private keep(agent: Agent): void {
    this.agents.set(agent.key, agent)
    agent.ended.then(() => this.agents.delete(agent.key))
  }

  private async answered(
    requestId: string,
    agentId: AgentId,
    taskId: TaskId,
  ): Promise<Agent | null> {
    const before = await answeredSpawn(this.host, requestId, agentId, taskId)
    if (before === null) return null
    const agent = before.granted ? this.agents.get(before.key) : undefined
    if (agent !== undefined) return agent
    throw admissionRefused(
      agentId,
      before.granted ? closed("stale", true, SPAWN_ASKS) : before.refusal,
    )
  }

  private checkFree(agentId: AgentId): void {
    const { budget, queue } = this.host
    if (keyOfName(budget, agentId) === undefined && !hasName(queue, agentId)) return
    throw nameTaken(agentId)
  }

  private async admit(
    agent: Agent,
    request: SpawnRequest,
    signal: AbortSignal | undefined,
  ): Promise<Agent> {
    const { host } = this
    const { requestId, key } = request
    const withdrawn = withdrawal(host, requestId, signal)
    this.keep(agent)
    try {
      const asked = host.ask(requestId, { type: "agent.requested", at: host.now(), request })
      const answer = await Promise.race([asked, withdrawn.aborted])
      if (!answer.granted)
        throw admissionRefused(agent.agentId, answer.refusal ?? closed("stale", true, SPAWN_ASKS))
      // Nothing begins that no row remembers: it ends without having started.
      if (!answer.durable && host.settings.enforceHardLimits)
        throw admissionRefused(agent.agentId, closed("ledger_unavailable", false, SPAWN_ASKS))
      return agent
    } catch (error) {
      if (agentOf(host.budget, key) === undefined) {
        this.agents.delete(key)
        host.forget(key)
      }
      throw error
    } finally {
      withdrawn.dispose()
    }
  }
}
