/**
 * The holder's ear: takes connections, greets them, and keeps what they say until there is a
 * supervisor to say it to. That way those who outlived the last holder are known before the
 * next one decides anything.
 */
import { createServer, type Server, type Socket } from "node:net"
import type { LiveAgent } from "../../machines/budget/budget.ts"
import type { AgentKey } from "../../machines/vocabulary.ts"
import { type Channel, openChannel } from "./channel.ts"
import { decodeToHolder, type FromHolder, SHARING_VERSION, type ToHolder } from "./messages.ts"
import { removeSocket, socketToListenOn } from "./socket-path.ts"

export interface Caller {
  readonly channel: Channel<FromHolder>
  /** What it said so far, until somebody serves it. */
  readonly said: ToHolder[]
  hear: ((message: ToHolder) => void) | null
}

export type Serve = (caller: Caller) => (message: ToHolder) => void

const CALLERS_MAX = 1_000
/** More than this before anybody serves is no agent's doing. */
const SAID_MAX = 100_000
/** How long the living have to come forward after their holder died. */
export const CLAIMED_WITHIN_MS = 2_000

export class Listener {
  private readonly ledger: string
  private readonly server: Server
  private readonly callers = new Set<Caller>()
  private serve: Serve | null = null
  private onPresented: (() => void) | null = null

  /** Only for whoever holds the ledger's lock. */
  static async open(ledger: string): Promise<Listener> {
    const listener = new Listener(ledger)
    await listener.listen()
    return listener
  }

  private constructor(ledger: string) {
    this.ledger = ledger
    this.server = createServer((socket) => this.take(socket))
    this.server.maxConnections = CALLERS_MAX
    // Being reachable is no reason to stay.
    this.server.unref()
  }

  /** Which of these agents somebody looks after; waits a little for those who must find us first. */
  async claimed(live: readonly LiveAgent[]): Promise<ReadonlySet<AgentKey>> {
    const wanted = new Set(live.map(({ key }) => key))
    const found = (): ReadonlySet<AgentKey> => {
      const presented = this.presented()
      return new Set([...wanted].filter((key) => presented.has(key)))
    }
    if (wanted.size === 0) return wanted
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, CLAIMED_WITHIN_MS)
      this.onPresented = () => {
        if (found().size < wanted.size) return
        clearTimeout(timer)
        resolve()
      }
      this.onPresented()
    })
    this.onPresented = null
    return found()
  }

  /** From now on everything said is heard, what was said before first. */
  attend(serve: Serve): void {
    this.serve = serve
    for (const caller of this.callers) this.attendTo(caller)
  }

  /** Nobody is heard any more, and nobody can find us. */
  stopListening(): void {
    this.serve = null
    for (const caller of this.callers) caller.hear = null
    this.server.close()
    removeSocket(this.ledger)
  }

  goodbye(): void {
    for (const { channel } of this.callers) {
      channel.send({ type: "goodbye" })
      channel.end()
    }
  }

  private presented(): ReadonlySet<AgentKey> {
    const said = [...this.callers].flatMap((caller) => caller.said)
    return new Set(said.flatMap((message) => (message.type === "agent" ? [message.key] : [])))
  }

  private listen(): Promise<void> {
    const path = socketToListenOn(this.ledger)
    return new Promise((resolve, reject) => {
      this.server.once("error", reject)
      // The socket's mode is that of its birth: nobody else may connect, at no moment.
      const before = process.umask(0o177)
      this.server.listen(path, resolve)
      process.umask(before)
    })
  }

  private take(socket: Socket): void {
    let greeted = false
    const channel: Channel<FromHolder> = openChannel(socket, {
      decode: decodeToHolder,
      onNonsense: () => turnAway(channel, "This is a ledger of Stint; that was no message of it."),
      onMessage: (message) => {
        if (greeted) this.heard(caller, message)
        else if (message.type !== "hello") turnAway(channel, "The first message is hello.")
        else if (message.version !== SHARING_VERSION) turnAway(channel, otherVersion(message))
        else {
          greeted = true
          channel.send({ type: "welcome", version: SHARING_VERSION, pid: process.pid })
        }
      },
    })
    const caller: Caller = { channel, said: [], hear: null }
    this.callers.add(caller)
    channel.closed.then(() => this.callers.delete(caller))
    this.attendTo(caller)
  }

  private heard(caller: Caller, message: ToHolder): void {
    if (caller.hear !== null) {
      caller.hear(message)
      return
    }
    caller.said.push(message)
    if (caller.said.length > SAID_MAX) caller.channel.destroy()
    if (message.type === "agent") this.onPresented?.()
  }

  private attendTo(caller: Caller): void {
    if (this.serve === null) return
    caller.hear = this.serve(caller)
    for (const message of caller.said.splice(0)) caller.hear(message)
  }
}

const turnAway = (channel: Channel<FromHolder>, message: string): void => {
  channel.send({ type: "turned_away", message })
  channel.end()
}

const otherVersion = ({ version }: { readonly version: number }): string =>
  `The ledger is held by a Stint that shares in version ${SHARING_VERSION}, this one in version ${version}. Run the same Stint in both terminals, or wait until the other has ended.`
