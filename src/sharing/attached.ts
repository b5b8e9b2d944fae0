/**
 * The session of a run that found the ledger held: it runs its own agents, and the holder
 * decides about them. When the holder is gone, every attached one tries to take its place; the
 * one that gets the lock listens, and attaches to itself like everybody else.
 */
import { randomUUID } from "node:crypto"
import { setTimeout as delay } from "node:timers/promises"
import * as Result from "effect/Result"
import type { BudgetSettings } from "../../machines/budget/settings.ts"
import type { Summary } from "../../machines/budget/summary.ts"
import type { Fact } from "../../machines/facts.ts"
import type { AgentKey, StopReason } from "../../machines/vocabulary.ts"
import { inForceOver } from "../config/kept.ts"
import { LedgerUnavailable } from "../ledger/ledger.ts"
import { AttachedAgent } from "./attached-agent.ts"
import { connectToHolder, type Reached, type ToHolderChannel } from "./connect.ts"
import { givenUp } from "./given-up.ts"
import { type Holding, listenAndHold } from "./holding.ts"
import type { FromHolder, Standing } from "./messages.ts"
import { openLedger } from "./open-ledger.ts"
import type { Room } from "./room.ts"
import type { Session, SessionOptions, SessionRun } from "./session.ts"

/** Between attempts to find a holder or become one. */
const FIRST_PAUSE_MS = 20
const LONGEST_PAUSE_MS = 500
/** Without anybody to decide for this long, agents are stopped. */
const GIVE_UP_MS = 30_000

export class AttachedSession implements Session {
  readonly role = "attached"
  private readonly options: SessionOptions
  private readonly agents = new Map<AgentKey, AttachedAgent>()
  private readonly listeners = new Set<(fact: Fact) => void>()
  private readonly asked = new Map<number, (standing: Standing) => void>()
  private readonly firstStanding = Promise.withResolvers<void>()
  private channel: ToHolderChannel | null = null
  private holding: Promise<Holding> | null = null
  private standing: Standing | null = null
  private questions = 0
  private isClosing = false
  private isStopping = false
  private closing: Promise<void> | null = null

  /** The session, or why there is nobody to attach to. */
  static async open(
    options: SessionOptions,
  ): Promise<{ readonly session: Session } | { readonly message: string | null }> {
    const session = new AttachedSession(options)
    const reached = await session.reach()
    if (!reached.reached) return { message: reached.message }
    await session.firstStanding.promise
    return { session }
  }

  private constructor(options: SessionOptions) {
    this.options = options
  }

  async run(options: SessionRun): Promise<AttachedAgent> {
    if (this.isStopping) throw givenUp(options.agentId)
    const key = randomUUID() as string as AgentKey
    const agent = new AttachedAgent(key, options, () => this.now())
    this.agents.set(key, agent)
    agent.over.then(() => this.agents.delete(key))
    if (this.channel !== null) agent.present(this.channel)
    return agent.admitted
  }

  summary(): Summary {
    return this.known().summary
  }

  async refresh(): Promise<Summary> {
    const { channel } = this
    if (channel === null) return this.summary()
    this.questions += 1
    const id = this.questions
    const answered = new Promise<void>((resolve) =>
      this.asked.set(id, (standing) => {
        this.standing = standing
        this.firstStanding.resolve()
        resolve()
      }),
    )
    channel.send({ type: "status", id })
    await Promise.race([answered, channel.closed])
    this.asked.delete(id)
    return this.summary()
  }

  waiting(): number {
    return this.known().waiting
  }

  ownSettings(): BudgetSettings {
    const { kept } = this.known().budget
    return Result.getOrThrow(inForceOver(this.options.sources, kept)).settings
  }

  now(): number {
    return Date.now()
  }

  /** What waits for the holder's disk is kept here until it is written. */
  readonly room: Room = () => {
    for (const agent of this.agents.values()) {
      const room = agent.room()
      if (room !== null) return room
    }
    return null
  }

  on(_: "*", listener: (fact: Fact) => void): () => void {
    this.listeners.add(listener)
    return () => this.listeners.delete(listener)
  }

  stopAll(reason: StopReason): void {
    this.giveUpWaiting()
    for (const agent of this.agents.values()) agent.stop(reason)
  }

  killAll(reason: StopReason): void {
    this.giveUpWaiting()
    for (const agent of this.agents.values()) agent.kill(reason)
  }

  close(): Promise<void> {
    this.closing ??= this.shutDown()
    return this.closing
  }

  private async shutDown(): Promise<void> {
    this.stopAll("shutdown")
    const agents = [...this.agents.values()]
    await Promise.all(agents.map(({ ended }) => ended))
    this.isClosing = true
    for (const agent of agents) agent.lose()
    this.channel?.end()
    const holding = await this.holding?.catch(() => null)
    await holding?.leave()
  }

  private known(): Standing {
    if (this.standing === null) throw new Error("an attached session is opened with a standing")
    return this.standing
  }

  private giveUpWaiting(): void {
    this.isStopping = true
    for (const agent of this.agents.values()) agent.giveUpWaiting()
  }

  private async reach(): Promise<Reached> {
    const reached = await connectToHolder(this.options.ledger, (message) => this.receive(message))
    if (!reached.reached) return reached
    const { channel } = reached
    this.channel = channel
    channel.closed.then(() => this.lostHolder(channel))
    channel.send({ type: "facts" })
    for (const agent of this.agents.values()) agent.present(channel)
    this.refresh().catch(() => {})
    return reached
  }

  private receive(message: FromHolder): void {
    if ("key" in message) this.agents.get(message.key)?.receive(message)
    else if (message.type === "stands") this.asked.get(message.id)?.(message.standing)
    else if (message.type === "fact") this.hear(message.fact)
    else if (message.type === "goodbye") this.channel?.end()
  }

  private hear(fact: Fact): void {
    if (fact.type === "summary") this.refresh().catch(() => {})
    for (const listener of this.listeners) listener(fact)
  }

  private lostHolder(channel: ToHolderChannel): void {
    if (this.channel !== channel) return
    this.channel = null
    for (const agent of this.agents.values()) agent.unlink()
    if (!this.isClosing) this.findHolder()
  }

  /** The lock decides who is next; everybody else finds that one by its socket. */
  private async findHolder(): Promise<void> {
    const giveUpAt = performance.now() + GIVE_UP_MS
    let pauseMs = FIRST_PAUSE_MS
    while (!this.isClosing && performance.now() < giveUpAt) {
      if ((await this.reach()).reached) return
      if (await this.takeOver()) continue
      await delay(pauseMs * (0.5 + Math.random() / 2))
      pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS)
    }
    for (const agent of this.agents.values()) agent.lose()
    this.firstStanding.reject(nobodyHolds(this.options.ledger))
  }

  /** True once we listen ourselves; what we look after is claimed like everybody else's. */
  private async takeOver(): Promise<boolean> {
    if (this.holding !== null) return false
    try {
      const ledger = await openLedger(this.options.ledger)
      if (ledger instanceof LedgerUnavailable) return false
      const { holding } = await listenAndHold(ledger, { ...this.options, keepSettings: true })
      this.holding = holding
      holding.catch(() => {
        this.holding = null
      })
      return true
    } catch {
      // The ledger cannot be used now; it may be again before we give up.
      return false
    }
  }
}

const nobodyHolds = (path: string): LedgerUnavailable =>
  new LedgerUnavailable({
    reason: "locked",
    path,
    message: `The run that held the ledger ${path} is gone, and nobody could take its place for ${GIVE_UP_MS / 1000} s. See what else has the file open, and start again.`,
  })
