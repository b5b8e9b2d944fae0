/** Holding a ledger: a supervisor on it, and everybody else let in through the socket. */
import * as Result from "effect/Result"
import type { AgentKey } from "../../machines/vocabulary.ts"
import { changes, decodeKept, type InForce, type RunSources } from "../config/kept.ts"
import { startSupervisor } from "../host/start.ts"
import type { Supervisor } from "../host/supervisor.ts"
import type { Sweep } from "../host/take-over.ts"
import type { LedgerService } from "../ledger/ledger.ts"
import { HeldBudget } from "./held-budget.ts"
import { type Caller, Listener } from "./listener.ts"
import type { ToHolder } from "./messages.ts"
import { RemoteLives } from "./remote-lives.ts"
import { type Room, roomFor } from "./room.ts"

export interface HoldingOptions {
  readonly sources: RunSources
  readonly retentionDays: number
  readonly sweep: Sweep
  /** The limits of the last holder go on, whatever `sources` say. */
  readonly keepSettings: boolean
  /** Where an inspector listens. */
  readonly inspect?: string
}

export interface Holding {
  readonly supervisor: Supervisor
  readonly inForce: () => InForce
  /** Null while few rows wait for the disk; else resolves once they are written, or cannot be. */
  readonly room: Room
  /** Stops nobody: says goodbye once all is durable, and whoever is attached goes on. */
  readonly leave: () => Promise<void>
}

export interface Listening {
  /** Resolves when those who outlived the last holder are known and served. */
  readonly holding: Promise<Holding>
}

/** Resolves once we can be found: who claims an agent must get through before it is given up. */
export const listenAndHold = async (
  ledger: LedgerService,
  options: HoldingOptions,
): Promise<Listening> => {
  const listener = await Listener.open(ledger.path).catch(async (error) => {
    await ledger.close()
    throw error
  })
  // The socket goes before the lock: the next one to have the lock makes its own.
  const close = (): Promise<void> => {
    listener.stopListening()
    return ledger.close()
  }
  const holding = hold({ ...ledger, close }, listener, options)
  // Looked at by whoever waits for it; meanwhile its failure is no crash.
  holding.catch(() => listener.goodbye())
  return { holding }
}

const hold = async (
  ledger: LedgerService,
  listener: Listener,
  { sources, retentionDays, sweep, keepSettings, inspect }: HoldingOptions,
): Promise<Holding> => {
  let kept: ReadonlySet<AgentKey> = new Set()
  const budget = new HeldBudget(sources, keepSettings)
  const supervisor = await startSupervisor({
    ledger,
    retentionDays,
    sweep,
    ...(inspect === undefined ? {} : { inspect }),
    takeOver: {
      settings: (found) => budget.start(found),
      claimed: async (live) => {
        kept = await listener.claimed(live)
        return kept
      },
    },
  })
  const lives = new RemoteLives(supervisor, sweep)
  lives.resume(kept)
  const held: Held = { supervisor, lives, budget }
  listener.attend((caller) => served(caller, held))
  lives.missAbsent()
  return {
    supervisor,
    inForce: () => budget.inForce(supervisor.kept()),
    room: roomFor({ pendingRows: ledger.pendingRows, flush: () => supervisor.flush() }),
    leave: async () => {
      await lives.close()
      await supervisor.leave()
      listener.goodbye()
    },
  }
}

interface Held {
  readonly supervisor: Supervisor
  readonly lives: RemoteLives
  readonly budget: HeldBudget
}

const served = (caller: Caller, held: Held) => {
  const { supervisor, lives } = held
  const { channel } = caller
  channel.closed.then(() => lives.leave(caller))
  return (message: ToHolder): void => {
    switch (message.type) {
      case "agent":
        lives.present(caller, message)
        return
      case "withdrawn":
        lives.withdraw(message.key)
        return
      case "started":
      case "failed":
      case "exited":
      case "reaped":
        lives.hear(message)
        return
      case "usage":
        lives.count(message)
        return
      case "hold":
      case "resolve":
      case "compare":
        lives.hearCall(caller, message)
        return
      case "stop":
        lives.stop(message.key, message.reason, message.now)
        return
      case "status":
        channel.send({ type: "stands", id: message.id, standing: standingOf(held) })
        return
      case "halt":
        halt(caller, supervisor, message)
        return
      case "keep":
        keep(caller, held, message)
        return
      case "facts": {
        const stop = supervisor.on("*", (fact) => channel.tell({ type: "fact", fact }))
        channel.closed.then(stop)
        return
      }
      case "hello":
    }
  }
}

const standingOf = ({ supervisor, budget }: Held) => ({
  summary: supervisor.summary(),
  waiting: supervisor.waiting(),
  budget: budget.inForce(supervisor.kept()),
  pid: process.pid,
})

/** Signal first, row after: the answer says that it was asked, not that it has ended. */
const halt = (
  { channel }: Caller,
  supervisor: Supervisor,
  { id, agentId, now }: Extract<ToHolder, { type: "halt" }>,
): void => {
  const agent = supervisor.agent(agentId)
  if (now) agent?.kill("cancelled")
  else agent?.stop("cancelled")
  const living = supervisor
    .summary()
    .agentUsage.filter(({ state }) => state !== "ended")
    .map((each) => each.agentId)
  channel.send({ type: "halted", id, found: agent !== undefined, living })
}

/** Answered once it is durable; what applies of it applies at once. */
const keep = async (
  { channel }: Caller,
  { supervisor, budget }: Held,
  { id, setting, text }: Extract<ToHolder, { type: "keep" }>,
): Promise<void> => {
  const answer = (refused: string | null, changed: boolean): void =>
    channel.send({
      ...{ type: "kept", id, refused, changed, pid: process.pid },
      budget: budget.inForce(supervisor.kept()),
    })
  const change = decodeKept(setting, text)
  if (Result.isFailure(change)) {
    answer(change.failure.message, false)
    return
  }
  if (!changes(supervisor.kept(), change.success)) {
    answer(null, false)
    return
  }
  const { kept, settings } = budget.keep(supervisor.kept(), change.success)
  await supervisor.keepDefaults(kept, settings).then(
    () => answer(null, true),
    (error: Error) => answer(error.message, false),
  )
}
