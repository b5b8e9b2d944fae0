/**
 * The holder's side of agents that run in another process: each is an ordinary admitted agent
 * whose runner is a connection. The process at its other end starts and stops; nothing of the
 * deciding happens there.
 */
import { setTimeout as delay } from "node:timers/promises"
import type { AgentKey } from "../../machines/vocabulary.ts"
import type { Agent } from "../host/agent.ts"
import { AdmissionRefused } from "../host/errors.ts"
import type { Supervisor } from "../host/supervisor.ts"
import type { Sweep } from "../host/take-over.ts"
import { LedgerUnavailable } from "../ledger/ledger.ts"
import type { Report, Runner } from "../runners/runner.ts"
import { type Caller, CLAIMED_WITHIN_MS } from "./listener.ts"
import type { AgentPresented, UsageRead, WorkReported } from "./messages.ts"
import { type CallMessage, RemoteCalls } from "./remote-calls.ts"

interface RemoteLife {
  readonly key: AgentKey
  readonly waiting: AbortController
  agent: Agent | null
  calls: RemoteCalls | null
  caller: Caller | null
  report: Report | null
  granted: boolean
  begunThere: boolean
  interrupted: string | null
  killed: boolean
  lost: boolean
  /** The last reading taken, and the last one told to be durable. */
  taken: number
  told: number
}

export class RemoteLives {
  private readonly supervisor: Supervisor
  private readonly sweep: Sweep
  private readonly lives = new Map<AgentKey, RemoteLife>()
  private readonly missing = new Set<Promise<void>>()
  private isFlushing = false
  private isOver = false

  constructor(supervisor: Supervisor, sweep: Sweep) {
    this.supervisor = supervisor
    this.sweep = sweep
  }

  /** Goes on with agents that outlived the last holder and were claimed. */
  resume(keys: ReadonlySet<AgentKey>): void {
    for (const key of keys) {
      const life = this.open(key, null)
      const agent = this.supervisor.resume(key, (resumed) => this.runnerOf(life, resumed))
      if (agent === undefined) this.lives.delete(key)
      else this.follow(life, agent)
    }
  }

  present(caller: Caller, presented: AgentPresented): void {
    const known = this.lives.get(presented.key)
    if (known !== undefined) {
      known.caller = caller
      known.begunThere ||= presented.begun
      this.tellStanding(known)
      return
    }
    const ended = this.supervisor.ended(presented.key)
    const { key } = presented
    if (ended !== undefined) caller.channel.send({ type: "ended", key, agent: ended })
    else if (presented.begun) {
      const message = `agent ${presented.agentId} is not known any more; it counts as lost`
      caller.channel.send({ type: "refused", key, message, refusal: null })
    } else this.admit(caller, presented)
  }

  /** Said by whoever has not heard of its admission, which may be on its way. */
  withdraw(key: AgentKey): void {
    const life = this.lives.get(key)
    if (life === undefined || life.begunThere) return
    if (!life.granted) life.waiting.abort(WITHDRAWN)
    else if (life.agent !== null) this.endUnbegun(life, life.agent)
  }

  stop(key: AgentKey, reason: Parameters<Agent["stop"]>[0], now: boolean): void {
    const agent = this.lives.get(key)?.agent
    if (now) agent?.kill(reason)
    else agent?.stop(reason)
  }

  hear(reported: WorkReported): void {
    const report = this.lives.get(reported.key)?.report
    switch (reported.type) {
      case "started":
        report?.started(reported.process)
        return
      case "failed":
        report?.failed(reported.error, reported.exitCode)
        return
      case "exited":
        report?.exited(reported.exit)
        return
      case "reaped":
        report?.reaped(reported.mechanism)
    }
  }

  count({ key, n, reading }: UsageRead): void {
    const life = this.lives.get(key)
    if (life === undefined) return
    life.agent?.recordReading(reading)
    life.taken = Math.max(life.taken, n)
    this.acknowledge()
  }

  /** What a call of an agent came to may be known only after its end. */
  hearCall({ channel }: Caller, message: CallMessage): void {
    const { key } = message
    const calls =
      this.lives.get(key)?.calls ?? new RemoteCalls(this.supervisor.calls(key), channel.send)
    calls.hear(message)
  }

  /** Its process is gone or comes back at once: nobody is given up before that is clear. */
  leave(caller: Caller): void {
    for (const life of this.lives.values()) {
      if (life.caller !== caller) continue
      life.caller = null
      life.calls?.forgetAsked()
      this.miss(life)
    }
  }

  /** Whoever claimed an agent and went before anybody listened is not seen to leave. */
  missAbsent(): void {
    for (const life of this.lives.values()) if (life.caller === null) this.miss(life)
  }

  /** Who went missing is found or ended first; all others are the next holder's. */
  async close(): Promise<void> {
    await Promise.all(this.missing)
    this.isOver = true
  }

  private miss(life: RemoteLife): void {
    const clear = delay(CLAIMED_WITHIN_MS).then(() => this.lose(life))
    this.missing.add(clear)
    clear.finally(() => this.missing.delete(clear))
  }

  private open(key: AgentKey, caller: Caller | null): RemoteLife {
    const life: RemoteLife = {
      key,
      caller,
      waiting: new AbortController(),
      agent: null,
      calls: null,
      report: null,
      granted: false,
      begunThere: false,
      interrupted: null,
      killed: false,
      lost: false,
      taken: 0,
      told: 0,
    }
    this.lives.set(key, life)
    return life
  }

  private async admit(caller: Caller, presented: AgentPresented): Promise<void> {
    const { key, agentId, taskId, queue, waitForReset, limits, enforcement, credential } = presented
    const life = this.open(key, caller)
    try {
      const agent = await this.supervisor.run({
        ...{ key, requestId: key, agentId, taskId, queue, waitForReset, limits },
        ...(enforcement === undefined ? {} : { enforcement }),
        ...(credential === undefined ? {} : { credential }),
        signal: life.waiting.signal,
        runner: (admitted) => this.runnerOf(life, admitted),
      })
      this.follow(life, agent)
    } catch (error) {
      this.lives.delete(key)
      const refusal = error instanceof AdmissionRefused ? error.refusal : null
      const message = error instanceof Error ? error.message : String(error)
      life.caller?.channel.send({ type: "refused", key, message, refusal })
    }
  }

  private follow(life: RemoteLife, agent: Agent): void {
    life.granted = true
    const isWithdrawn = life.waiting.signal.aborted
    if (!isWithdrawn) life.caller?.channel.send({ type: "granted", key: life.key })
    agent.ended.then((last) => {
      this.lives.delete(life.key)
      if (!isWithdrawn) life.caller?.channel.send({ type: "ended", key: life.key, agent: last })
    })
    if (isWithdrawn) this.endUnbegun(life, agent)
  }

  /** Given up while its admission was being written: whoever asked has forgotten it, and begins nothing. */
  private endUnbegun(life: RemoteLife, agent: Agent): void {
    agent.stop("cancelled")
    life.lost = true
    life.report?.reaped("vanished")
  }

  private runnerOf(life: RemoteLife, agent: Agent): Runner {
    life.agent = agent
    life.calls = new RemoteCalls(agent.calls, (message) => life.caller?.channel.send(message))
    return (_, report) => {
      life.report = report
      if (life.lost) report.reaped("vanished")
      else if (!life.begunThere) life.caller?.channel.send({ type: "begin", key: life.key })
      return {
        interrupt: (reason) => {
          life.interrupted ??= reason
          life.caller?.channel.send({ type: "interrupt", key: life.key, reason })
        },
        kill: () => {
          life.killed = true
          life.caller?.channel.send({ type: "kill", key: life.key })
        },
        warn: (status) => life.caller?.channel.send({ type: "warn", key: life.key, status }),
      }
    }
  }

  /** Everything it must know, to somebody who may have missed any of it. */
  private tellStanding(life: RemoteLife): void {
    const { key, interrupted } = life
    if (!life.granted) return
    life.caller?.channel.send({ type: "granted", key })
    if (life.report !== null && !life.begunThere) life.caller?.channel.send({ type: "begin", key })
    if (interrupted !== null)
      life.caller?.channel.send({ type: "interrupt", key, reason: interrupted })
    if (life.killed) life.caller?.channel.send({ type: "kill", key })
  }

  /** One flush answers for all that was taken before it. */
  private async acknowledge(): Promise<void> {
    if (this.isFlushing) return
    this.isFlushing = true
    try {
      for (let open = this.untold(); open.length > 0; open = this.untold()) {
        await this.supervisor.flush()
        for (const { life, n } of open) {
          life.told = n
          life.caller?.channel.send({ type: "counted", key: life.key, n })
        }
      }
    } catch (error) {
      // Not written yet, so not acknowledged; the next reading asks again, and the end settles it.
      if (error instanceof LedgerUnavailable) this.tellUnwritten(error)
    } finally {
      this.isFlushing = false
    }
  }

  /** Or whoever reports would wait for what cannot be written now. */
  private tellUnwritten({ reason, path, message }: LedgerUnavailable): void {
    for (const { life, n } of this.untold()) {
      const { key } = life
      life.caller?.channel.send({ type: "unwritten", key, id: `${n}`, reason, path, message })
    }
  }

  private untold(): readonly { readonly life: RemoteLife; readonly n: number }[] {
    return [...this.lives.values()].flatMap((life) =>
      life.taken > life.told ? [{ life, n: life.taken }] : [],
    )
  }

  /** Nobody looks after it any more: what its guard left is stopped, and it ends `lost`. */
  private async lose(life: RemoteLife): Promise<void> {
    if (this.isOver || life.caller !== null || this.lives.get(life.key) !== life) return
    if (!life.granted) {
      life.waiting.abort(WITHDRAWN)
      return
    }
    life.agent?.stop("lost")
    const live = this.supervisor.living(life.key)
    if (live !== undefined) await this.sweep([live])
    life.lost = true
    life.report?.reaped("vanished")
  }
}

const WITHDRAWN = new Error("the request was withdrawn")
