/** The session of whoever holds the ledger: its own agents and those of others share a supervisor. */
import type { BudgetSettings } from "../../machines/budget/settings.ts"
import type { Summary } from "../../machines/budget/summary.ts"
import type { Fact } from "../../machines/facts.ts"
import type { AgentId, StopReason } from "../../machines/vocabulary.ts"
import type { Agent } from "../host/agent.ts"
import { givenUp } from "./given-up.ts"
import type { Holding } from "./holding.ts"
import type { Room } from "./room.ts"
import type { Session, SessionRun } from "./session.ts"

export class HolderSession implements Session {
  readonly role = "holder"
  private readonly holding: Holding
  private readonly own = new Set<Agent>()
  private readonly asking = new Map<AbortController, AgentId>()
  /** What all were told to do: who is still being admitted then hears it once it is. */
  private order: ((agent: Agent) => unknown) | null = null
  private closing: Promise<void> | null = null

  constructor(holding: Holding) {
    this.holding = holding
  }

  async run({ runner, ...options }: SessionRun): Promise<Agent> {
    if (this.order !== null) throw givenUp(options.agentId)
    const asking = new AbortController()
    this.asking.set(asking, options.agentId)
    try {
      const agent = await this.holding.supervisor.run({ ...options, signal: asking.signal, runner })
      this.own.add(agent)
      agent.ended.then(() => this.own.delete(agent))
      this.hearOrder(agent)
      return agent
    } finally {
      this.asking.delete(asking)
    }
  }

  summary(): Summary {
    return this.holding.supervisor.summary()
  }

  async refresh(): Promise<Summary> {
    return this.summary()
  }

  waiting(): number {
    return this.holding.supervisor.waiting()
  }

  readonly room: Room = () => this.holding.room()

  ownSettings(): BudgetSettings {
    return this.holding.inForce().settings
  }

  now(): number {
    return this.holding.supervisor.now()
  }

  on(type: "*", listener: (fact: Fact) => void): () => void {
    return this.holding.supervisor.on(type, listener)
  }

  /** Not a drain of the day: others that are attached go on. */
  stopAll(reason: StopReason): void {
    this.orderAll((agent) => agent.stop(reason))
  }

  killAll(reason: StopReason): void {
    this.orderAll((agent) => agent.kill(reason))
  }

  close(): Promise<void> {
    this.closing ??= this.shutDown()
    return this.closing
  }

  private async shutDown(): Promise<void> {
    this.stopAll("shutdown")
    await Promise.all([...this.own].map(({ ended }) => ended))
    await this.holding.leave()
  }

  private hearOrder(agent: Agent): void {
    this.order?.(agent)
  }

  private orderAll(order: (agent: Agent) => unknown): void {
    this.order = order
    for (const [asking, agentId] of this.asking) asking.abort(givenUp(agentId))
    for (const agent of this.own) order(agent)
  }
}
