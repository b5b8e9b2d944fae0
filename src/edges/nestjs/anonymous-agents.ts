/**
 * `agentStarted` and `agentStopped`: agents without a name, each of which holds a real slot.
 *
 * Whoever says `agentStarted` says that something runs already, so one for which there is no
 * slot waits in line for the next, and counts as active all the same. It is not said which of
 * them stopped: the oldest is taken, so that those who remain keep their slots longest. Nobody
 * is behind such an agent, so at its deadline it is gone at once and its slot is free.
 */
import { randomUUID } from "node:crypto"
import { agentOf, keyOfName } from "../../../machines/budget/budget.ts"
import type { Fact } from "../../../machines/facts.ts"
import { hasName, isWaiting } from "../../../machines/queue.ts"
import type { AgentKey, Instant, RequestId } from "../../../machines/vocabulary.ts"
import type { Host } from "../../host/host.ts"
import type { Runner } from "../../runners/runner.ts"

export class AnonymousAgents {
  private readonly host: Host
  /** Those with a slot and those in line for one, oldest first. */
  private readonly started = new Map<AgentKey, RequestId>()
  /** Starts that were refused for good; the stops that belong to them free nobody else's slot. */
  private refusedStarts = 0
  private lastNumber = 0

  constructor(host: Host) {
    this.host = host
    host.onFact((fact) => this.hear(fact))
  }

  start(at: Instant): void {
    const { host } = this
    const key = randomUUID() as string as AgentKey
    const requestId = key as string as RequestId
    this.started.set(key, requestId)
    host.expect(key, nobody, () => this.started.delete(key))
    const request = {
      requestId,
      key,
      agentId: this.freeName(),
      taskId: "anonymous",
      enforcement: "unmetered",
      slot: true,
      ownTokenLimit: null,
      ownDurationMinutes: null,
      ownGraceSeconds: null,
      queue: true,
      waitForReset: false,
    } as const
    host.send({ type: "agent.requested", at, request })
    if (this.started.has(key) && !this.isLive(key) && !this.isInLine(key))
      this.refuse(key, "ledger_unavailable")
  }

  /** Does nothing when there is none. */
  stop(at: Instant): void {
    if (this.refusedStarts > 0) {
      this.refusedStarts -= 1
      return
    }
    const keys = [...this.started.keys()]
    const holder = keys.find((key) => this.isLive(key))
    const [first] = keys
    if (holder !== undefined) this.end(holder, at)
    else if (first !== undefined) this.leaveLine(first, at)
  }

  /** How many wait in line for a slot. */
  waiting(): number {
    let waiting = 0
    for (const key of this.started.keys()) if (!this.isLive(key)) waiting += 1
    return waiting
  }

  private end(key: AgentKey, at: Instant): void {
    const exit = {
      outcome: "completed",
      mechanism: "exited",
      exitCode: null,
      signal: null,
      error: null,
      treeGone: true,
    } as const
    this.host.send({ type: "work.exited", at, key, exit })
  }

  private leaveLine(key: AgentKey, at: Instant): void {
    const requestId = this.started.get(key)
    if (requestId === undefined) return
    this.host.send({ type: "request.withdrawn", at, requestId })
    this.forget(key)
  }

  /** It may be refused at once, or later, in line: when the day is full by then. */
  private hear(fact: Fact): void {
    if (fact.type !== "agent.refused" || fact.subject !== "spawn") return
    const key = fact.requestId as string as AgentKey
    if (this.started.has(key)) this.refuse(key, fact.refusal.reason)
  }

  private refuse(key: AgentKey, reason: string): void {
    this.forget(key)
    this.refusedStarts += 1
    // At the end the line is dissolved, and nothing is wrong.
    if (reason === "draining") return
    this.host.logger.warn(
      { reason },
      "an agent was started although the budget refuses it; it holds no slot",
    )
  }

  private forget(key: AgentKey): void {
    this.started.delete(key)
    this.host.forget(key)
  }

  private isLive(key: AgentKey): boolean {
    return agentOf(this.host.budget, key) !== undefined
  }

  private isInLine(key: AgentKey): boolean {
    const requestId = this.started.get(key)
    return requestId !== undefined && isWaiting(this.host.queue, requestId)
  }

  private freeName(): string {
    const { budget, queue } = this.host
    for (;;) {
      this.lastNumber += 1
      const name = `anonymous-${this.lastNumber}`
      if (keyOfName(budget, name) === undefined && !hasName(queue, name)) return name
    }
  }
}

/** Nobody does the work that one could ask to stop, so being asked is being gone. */
const nobody: Runner = (_who, report) => {
  const vanish = (): void => report.reaped("vanished")
  report.started(null)
  return { interrupt: vanish, kill: vanish, warn: () => {} }
}
