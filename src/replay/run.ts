/** One pass over the calls in order: what is asked of the supervisor, and what it answers. */
import { setImmediate } from "node:timers/promises"
import { weigh } from "../../machines/budget/amounts.ts"
import type { BudgetSettings } from "../../machines/budget/settings.ts"
import { AgentKey, type Instant } from "../../machines/vocabulary.ts"
import { costByModel } from "../pricing/by-model.ts"
import type { PriceBook } from "../pricing/price-book.ts"
import { Outcomes } from "./outcomes.ts"
import type { Replayed } from "./replayed.ts"
import type { OrderedCall, Scratch } from "./scratch.ts"
import { Tally } from "./tally.ts"
import { type AgentEnd, type Verdict, VirtualSupervisor } from "./virtual-supervisor.ts"

/** So many calls between two moments at which others get their turn. */
const CALLS_A_TURN = 1_000

interface Admitted {
  readonly key: AgentKey
  readonly agentId: string
}

export class Run {
  readonly #scratch: Scratch
  readonly #settings: BudgetSettings
  readonly #prices: PriceBook | null
  readonly #supervisor: VirtualSupervisor
  readonly #outcomes: Outcomes
  readonly #tally = new Tally()
  /** Stretches that are in. */
  readonly #live = new Map<number, Admitted>()
  #agents = 0
  #peakActiveAgents = 0

  constructor(
    scratch: Scratch,
    { settings, prices = null }: { settings: BudgetSettings; prices?: PriceBook | null },
    firstAt: Instant,
  ) {
    this.#scratch = scratch
    this.#settings = settings
    this.#prices = prices
    this.#outcomes = new Outcomes(scratch.database)
    this.#supervisor = new VirtualSupervisor(settings, firstAt, (end) => this.#ended(end))
  }

  async all(onCalls: (done: number) => void): Promise<void> {
    for (const call of this.#scratch.inOrder()) {
      this.#one(call)
      if (this.#tally.calls % CALLS_A_TURN !== 0) continue
      onCalls(this.#tally.calls)
      await setImmediate()
    }
    this.#supervisor.stop()
  }

  result(): Omit<Replayed, "extent" | "files" | "skippedLines"> {
    return {
      ...this.#tally.counts(),
      settings: this.#settings,
      agents: this.#agents,
      peakActiveAgents: this.#peakActiveAgents,
      outcomes: this.#outcomes,
    }
  }

  #one(call: OrderedCall): void {
    this.#supervisor.advanceTo(call.at)
    if (call.isFirst) this.#request(call)
    const admitted = this.#live.get(call.stretch)
    const allowed = admitted !== undefined && this.#spend(admitted, call)
    this.#count(call, allowed)
    if (allowed && call.isLast) this.#supervisor.complete(admitted.key, call.at)
  }

  #request(call: OrderedCall): void {
    this.#agents += 1
    const { stretch, taskId, at } = call
    const agentId = this.#nameOf(call)
    const key = AgentKey.make(String(stretch))
    const verdict = this.#supervisor.request(key, { agentId, taskId }, at)
    this.#judged(verdict, agentId, at)
    if (verdict.granted) this.#live.set(stretch, { key, agentId })
    else if (verdict.refusal !== null)
      this.#outcomes.refused(stretch, agentId, verdict.refusal.reason, at)
    this.#peakActiveAgents = Math.max(this.#peakActiveAgents, this.#supervisor.activeAgents())
  }

  #spend({ key, agentId }: Admitted, { usage, model, at }: OrderedCall): boolean {
    const costMicroUsd = this.#prices === null ? null : costByModel(this.#prices, usage, model, at)
    const verdict = this.#supervisor.spend(key, { usage, model, costMicroUsd }, at)
    this.#judged(verdict, agentId, at)
    return verdict.granted
  }

  #judged(verdict: Verdict, agentId: string, at: Instant): void {
    this.#tally.judged(verdict, agentId, at, this.#supervisor.day())
  }

  #ended({ key, agentId, at, reason, tokensUsed }: AgentEnd): void {
    const stretch = Number(key)
    this.#live.delete(stretch)
    if (reason !== "completed") this.#outcomes.stopped({ stretch, agentId, reason, at, tokensUsed })
  }

  #count(call: OrderedCall, allowed: boolean): void {
    const tokens = weigh(call.usage, this.#settings.tokenWeights)
    this.#tally.count({ call, tokens, allowed, day: this.#supervisor.day() })
    if (!allowed) this.#outcomes.saved(call.stretch, tokens)
  }

  /** `session`, then `session#2` … ; a name somebody already has is made longer. */
  #nameOf({ agentId, nth }: OrderedCall): string {
    if (nth === 1) return agentId
    let name = `${agentId}#${nth}`
    while (this.#scratch.hasAgent(name)) name += "'"
    return name
  }
}
