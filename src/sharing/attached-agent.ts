/**
 * An agent of an attached run: its work lives here, its life is decided by the holder.
 *
 * What the holder must know waits here until it is durable there: after a handover all of it is
 * said again, in order, under the ids it had, so nothing is missed and nothing counts twice.
 */
import type { UsageReport } from "../../machines/budget/metering.ts"
import type { AgentSummary } from "../../machines/budget/summary.ts"
import type { AgentId, AgentKey, Instant, StopReason, TaskId } from "../../machines/vocabulary.ts"
import { AdmissionRefused, InvalidRequest } from "../host/errors.ts"
import type { Report, Work } from "../runners/runner.ts"
import { AttachedCalls } from "./attached-calls.ts"
import type { ToHolderChannel } from "./connect.ts"
import { givenUp } from "./given-up.ts"
import { lostSummary } from "./lost-summary.ts"
import type { FromHolder, ToHolder } from "./messages.ts"
import { Outbox, type Told } from "./outbox.ts"
import type { Room } from "./room.ts"
import type { SessionAgent, SessionRun } from "./session.ts"

type Keyed = Extract<FromHolder, { readonly key: AgentKey }>

export class AttachedAgent implements SessionAgent {
  readonly key: AgentKey
  readonly agentId: AgentId
  readonly taskId: TaskId
  readonly ended: Promise<AgentSummary>
  /** Resolves after its end, once what all its calls came to is written as well. */
  readonly over: Promise<void>
  /** Resolves once admitted. */
  readonly admitted: Promise<AttachedAgent>
  readonly calls: AttachedCalls
  private readonly options: SessionRun
  private readonly now: () => Instant
  private readonly admission = Promise.withResolvers<AttachedAgent>()
  private readonly ending = Promise.withResolvers<AgentSummary>()
  /** The holder that was told of it, and the same once it has answered. */
  private reachedBy: ToHolderChannel | null = null
  private channel: ToHolderChannel | null = null
  private granted = false
  private work: Work | null = null
  private startedAt: Instant | null = null
  private isOver = false
  private interrupted = false
  private killed = false
  private wantedStop: { readonly reason: StopReason; readonly now: boolean } | null = null
  private said = 0
  private readonly outbox = new Outbox()

  constructor(key: AgentKey, options: SessionRun, now: () => Instant) {
    this.key = key
    this.agentId = options.agentId
    this.taskId = options.taskId
    this.options = options
    this.now = now
    this.calls = new AttachedCalls(key)
    this.admitted = this.admission.promise
    this.ended = this.ending.promise
    this.over = Promise.all([this.ended, this.calls.over]).then(() => {})
  }

  /** To a holder that may have heard of it, or of nothing. */
  present(channel: ToHolderChannel): void {
    this.channel = null
    if (this.isOver) {
      this.calls.link(channel)
      return
    }
    const { agentId, taskId, queue = false, waitForReset = false, limits = {} } = this.options
    const { enforcement, credential } = this.options
    const begun = this.work !== null
    channel.send({
      type: "agent",
      ...{ key: this.key, agentId, taskId, queue, waitForReset, limits, begun },
      ...(enforcement === undefined ? {} : { enforcement }),
      ...(credential === undefined ? {} : { credential }),
    })
    this.reachedBy = channel
  }

  /** Null while it may report as it likes; else resolves once the holder has written some of it. */
  readonly room: Room = () => this.outbox.room()

  /** The holder is gone; what it must know waits. */
  unlink(): void {
    this.channel = null
    this.reachedBy = null
    this.outbox.unanswered()
    this.calls.unlink()
  }

  receive(message: Keyed): void {
    switch (message.type) {
      case "granted":
        this.link()
        return
      case "refused":
        this.refuse(message)
        return
      case "begin":
        this.begin()
        return
      case "interrupt":
        this.interrupt(message.reason)
        return
      case "kill":
        this.killWork()
        return
      case "warn":
        this.work?.warn(message.status)
        return
      case "held":
      case "hold_refused":
      case "resolved":
        this.calls.receive(message)
        return
      case "unwritten":
        this.outbox.unanswered()
        this.calls.receive(message)
        return
      case "counted":
        this.outbox.written(message.n)
        return
      case "ended":
        this.end(message.agent)
    }
  }

  /** A reading without an id gets one, so that saying it again after a handover is no new call. */
  recordReading(reading: Omit<UsageReport, "key">): void {
    this.said += 1
    const { usageId, usage, provenance, model, completes, costMicroUsd } = reading
    this.tell({
      type: "usage",
      key: this.key,
      n: this.said,
      reading: {
        usageId: usageId ?? `${this.key}/${this.said}`,
        ...{ usage, provenance, model },
        ...(completes === undefined ? {} : { completes }),
        ...(costMicroUsd === undefined ? {} : { costMicroUsd }),
      },
    })
  }

  stop(reason: StopReason = "cancelled"): Promise<AgentSummary> {
    return this.ask({ reason, now: false })
  }

  kill(reason: StopReason = "cancelled"): Promise<AgentSummary> {
    return this.ask({ reason, now: true })
  }

  /** It waits no longer, if it still does. */
  giveUpWaiting(): void {
    if (this.granted || this.isOver) return
    this.reachedBy?.send({ type: "withdrawn", key: this.key })
    this.refuseWith(givenUp(this.agentId))
  }

  /** Nobody decides about it any more. */
  lose(): void {
    this.calls.abandon()
    this.loseLife()
  }

  private loseLife(): void {
    if (this.isOver) return
    if (this.granted) this.end(lostSummary(this, this.startedAt ?? this.now(), this.now()))
    else this.refuseWith(givenUp(this.agentId))
  }

  private link(): void {
    this.channel = this.reachedBy
    this.granted = true
    this.admission.resolve(this)
    // What calls came to is said before an end that would charge them.
    if (this.channel !== null) this.calls.link(this.channel)
    this.outbox.answered()
    for (const told of this.outbox.told) this.channel?.send(told)
    if (this.wantedStop !== null) this.sendStop(this.wantedStop)
  }

  private refuse({ message, refusal }: Extract<Keyed, { type: "refused" }>): void {
    if (this.granted) {
      this.loseLife()
      return
    }
    const { agentId } = this
    this.refuseWith(
      refusal === null
        ? new InvalidRequest({ field: "agentId", found: agentId, allowed: "", message })
        : new AdmissionRefused({ agentId, refusal, message }),
    )
  }

  private refuseWith(error: Error): void {
    this.isOver = true
    this.calls.end()
    this.admission.reject(error)
    this.ending.resolve(lostSummary(this, this.now(), this.now()))
  }

  private begin(): void {
    if (this.work !== null || this.isOver) return
    this.startedAt = this.now()
    const runner = this.options.runner(this)
    const { key, agentId, taskId } = this
    this.work = runner({ key, agentId, taskId }, this.report())
  }

  private report(): Report {
    const { key } = this
    return {
      started: (process) => this.tell({ type: "started", key, process }),
      failed: (error, exitCode) => this.tell({ type: "failed", key, error, exitCode }),
      exited: (exit) => this.tell({ type: "exited", key, exit }),
      reaped: (mechanism) => this.tell({ type: "reaped", key, mechanism }),
    }
  }

  private tell(told: Told): void {
    if (this.isOver) return
    this.outbox.keep(told)
    this.channel?.send(told)
  }

  /** Once: a second signal means something else to some programs. */
  private interrupt(reason: string): void {
    if (this.interrupted) return
    this.interrupted = true
    this.work?.interrupt(reason)
  }

  private killWork(): void {
    if (this.killed) return
    this.killed = true
    this.work?.kill()
  }

  private ask(stop: { readonly reason: StopReason; readonly now: boolean }): Promise<AgentSummary> {
    this.wantedStop = stop
    if (this.isOver) return this.ended
    if (this.channel !== null) this.sendStop(stop)
    else if (stop.now) this.killWork()
    else this.interrupt(stop.reason)
    return this.ended
  }

  private sendStop(stop: { readonly reason: StopReason; readonly now: boolean }): void {
    const message: ToHolder = { type: "stop", key: this.key, ...stop }
    this.channel?.send(message)
  }

  /** The holder's word is final: what still lives then was given up by it. */
  private end(summary: AgentSummary): void {
    if (this.isOver) return
    this.isOver = true
    this.calls.end()
    this.outbox.unanswered()
    const isReaped = this.outbox.told.some(({ type }) => type === "reaped" || type === "failed")
    if (this.work !== null && !isReaped) this.work.kill()
    this.granted = true
    this.admission.resolve(this)
    this.ending.resolve(summary)
  }
}
