/** The library's supervisor: promises outside, the host's synchronous decisions inside. */
import { randomUUID } from "node:crypto"
import * as Result from "effect/Result"
import { closed, SPAWN_ASKS } from "../../machines/budget/admission.ts"
import { agentOf, keyOfName } from "../../machines/budget/budget.ts"
import type { Refusal } from "../../machines/budget/row.ts"
import type { BudgetSettings } from "../../machines/budget/settings.ts"
import { decideSpawn, type SpawnRequest } from "../../machines/budget/spawning.ts"
import { type Summary, summarise } from "../../machines/budget/summary.ts"
import type { Fact } from "../../machines/facts.ts"
import { hasName, lengthOf } from "../../machines/queue.ts"
import type {
  AgentId,
  AgentKey,
  Enforcement,
  RequestId,
  StopReason,
  TaskId,
} from "../../machines/vocabulary.ts"
import { type BudgetOptions, decodeBudgetOptions } from "../config/decode.ts"
import { type FunctionLife, functionRunner } from "../runners/function.ts"
import type { Runner } from "../runners/runner.ts"
import { Agent, type Held, type Reckoning } from "./agent.ts"
import { answeredSpawn } from "./answered.ts"
import { checkName, checkOwnLimits, type OwnLimits, type UsageInput } from "./door.ts"
import { admissionRefused, InvalidRequest, type RefusalReport, reportOf } from "./errors.ts"
import type { Host } from "./host.ts"

/** What an agent's function is given. */
export interface AgentContext extends FunctionLife {
  readonly agentId: string
  readonly taskId: string
  readonly hold: (tokens: number, options?: { readonly id?: string }) => Promise<Held>
  readonly recordUsage: (usage: UsageInput) => Reckoning
  readonly remaining: () => number | null
  readonly flush: () => Promise<void>
}

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
}

export class Supervisor {
  private readonly host: Host
  private readonly agents = new Map<AgentKey, Agent>()
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
    const agentId = checkName("agentId", options.agentId ?? `${taskId}-${shortId()}`) as AgentId
    const own = checkOwnLimits(options.limits)
    const before = await this.answered(options.requestId, agentId, taskId)
    if (before !== null) return before
    this.checkFree(agentId)
    options.signal?.throwIfAborted()
    const key = randomUUID() as string as AgentKey
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
      },
      options.signal,
    )
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
    const refusal = this.refusalNow()
    return { allowed: refusal === null, refusal: refusal === null ? null : reportOf(refusal) }
  }

  /** Changes limits from now on; resolves with all settings once that is durable. */
  async setBudget(change: BudgetOptions): Promise<BudgetSettings> {
    const settings = Result.getOrThrow(decodeBudgetOptions(change, this.host.settings))
    this.host.send({ type: "budget.changed", at: this.host.now(), settings })
    await this.host.flush()
    return this.budget()
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

  private refusalNow(): Refusal | null {
    const { budget, stateValue } = this.host
    if (stateValue.life !== "open") return closed("draining", true, SPAWN_ASKS)
    if (stateValue.admission === "unwritable")
      return closed("ledger_unavailable", false, SPAWN_ASKS)
    const { verdict, refusal } = decideSpawn(budget, ANYBODY, this.host.now())
    return verdict === "admits" || verdict === "admitsFlagged" ? null : refusal
  }

  private async answered(
    requestId: string | undefined,
    agentId: AgentId,
    taskId: TaskId,
  ): Promise<Agent | null> {
    if (requestId === undefined) return null
    const id = checkName("requestId", requestId)
    const before = await answeredSpawn(this.host, id, agentId, taskId)
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
    throw new InvalidRequest({
      field: "agentId",
      found: JSON.stringify(agentId),
      allowed: "a name no live or waiting agent has",
      message: `agentId ${JSON.stringify(agentId)} is taken by a live or waiting agent; wait for its end or choose another name`,
    })
  }

  private async admit(
    agent: Agent,
    request: SpawnRequest,
    signal: AbortSignal | undefined,
  ): Promise<Agent> {
    const { host } = this
    const { requestId, key } = request
    const withdrawn = withdrawal(host, requestId, signal)
    this.agents.set(key, agent)
    agent.ended.then(() => this.agents.delete(key))
    try {
      const asked = host.ask(requestId, { type: "agent.requested", at: host.now(), request })
      const answer = await Promise.race([asked, withdrawn.aborted])
      if (answer.granted) return agent
      throw admissionRefused(agent.agentId, answer.refusal ?? closed("stale", true, SPAWN_ASKS))
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

/** An ordinary agent with a name nobody can have. */
const ANYBODY: SpawnRequest = {
  requestId: "" as RequestId,
  key: "" as AgentKey,
  agentId: "",
  taskId: "",
  enforcement: "unmetered",
  slot: true,
  ownTokenLimit: null,
  ownDurationMinutes: null,
  ownGraceSeconds: null,
  queue: false,
  waitForReset: false,
}

const ID_LENGTH = 8

const shortId = (): string => randomUUID().slice(0, ID_LENGTH)

/** A waiting request whose asker gave up leaves the queue. */
const withdrawal = (host: Host, requestId: RequestId, signal: AbortSignal | undefined) => {
  let giveUp = (): void => {}
  const aborted = new Promise<never>((_, reject) => {
    giveUp = () => {
      host.send({ type: "request.withdrawn", at: host.now(), requestId })
      host.stopAsking(requestId)
      reject(signal?.reason)
    }
  })
  signal?.addEventListener("abort", giveUp, { once: true })
  return { aborted, dispose: () => signal?.removeEventListener("abort", giveUp) }
}

const contextFor = (host: Host, agent: Agent, life: FunctionLife): AgentContext => ({
  ...life,
  agentId: agent.agentId,
  taskId: agent.taskId,
  hold: (tokens, options) => agent.hold(tokens, options),
  recordUsage: (usage) => agent.recordUsage(usage),
  remaining: () => agent.remaining(),
  flush: () => host.flush(),
})
