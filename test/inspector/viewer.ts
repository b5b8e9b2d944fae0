/** The official inspector server on loopback, and a viewer that collects what it relays. */
import { once } from "node:events"
import { type AddressInfo, Server, type Socket } from "node:net"
import { createInspectorServer } from "@statelyai/inspect/server"
import { vi } from "vitest"

/** A frame of the inspector's protocol, as it arrives. */
export interface Received {
  readonly bytes: number
  readonly type: string
  readonly sessionId: string
  readonly rootId: string
  readonly parentId?: string
  readonly sourceId?: string
  readonly name?: string
  readonly definition?: string
  readonly event?: Readonly<Record<string, unknown>> & { readonly type: string }
  readonly snapshot?: {
    readonly status: string
    readonly value?: unknown
    readonly context: Readonly<Record<string, unknown>>
    readonly output?: Readonly<Record<string, unknown>>
  }
  readonly text: string
}

export interface Listening {
  readonly url: string
  /** Cuts every connection and stops listening. */
  readonly stop: () => void
}

/** The package listens on all interfaces and tells no port: both are set right on the way in. */
export const officialServer = async (port = 0): Promise<Listening> => {
  let listening: Server | undefined
  const listen = Server.prototype.listen
  const spy = vi.spyOn(Server.prototype, "listen").mockImplementationOnce(function (this: Server) {
    listening = this
    return Reflect.apply(listen, this, [port, "127.0.0.1"])
  })
  const official = createInspectorServer({ autoOpen: false, url: "about:blank" })
  spy.mockRestore()
  if (listening === undefined) throw new Error("the official server did not listen")
  const sockets = new Set<Socket>()
  listening.on("connection", (socket: Socket) => sockets.add(socket))
  await once(listening, "listening")
  const stop = (): void => {
    official.stop()
    for (const socket of sockets) socket.destroy()
  }
  const { port: taken } = listening.address() as AddressInfo
  return { url: `ws://127.0.0.1:${taken}`, stop }
}

export interface Viewer {
  readonly frames: readonly Received[]
  /** Resolves when `seen` holds for what has arrived. */
  readonly until: (seen: (frames: readonly Received[]) => boolean) => Promise<void>
  readonly close: () => void
}

export const openViewer = async (url: string): Promise<Viewer> => {
  const frames: Received[] = []
  const arrived = new EventTarget()
  const socket = new WebSocket(url)
  socket.onmessage = ({ data }) => {
    const text = String(data)
    frames.push({ ...JSON.parse(text), text, bytes: Buffer.byteLength(text) })
    arrived.dispatchEvent(new Event("frame"))
  }
  await once(socket, "open")
  const until: Viewer["until"] = async (seen) => {
    const signal = AbortSignal.timeout(DEADLINE_MS)
    while (!seen(frames)) await once(arrived, "frame", { signal })
  }
  return { frames, until, close: () => socket.close() }
}

/** Far beyond anything seen, so that only a frame that never comes reaches it. */
const DEADLINE_MS = 30_000

/** The states one actor was shown in, in order, without repetitions. */
export const statesOf = (frames: readonly Received[], sessionId: string): readonly string[] => {
  const states = frames
    .filter((frame) => frame.sessionId === sessionId && frame.snapshot?.value !== undefined)
    .map((frame) => JSON.stringify(frame.snapshot?.value))
  return states.filter((state, index) => state !== states[index - 1])
}

export const actorNamed = (frames: readonly Received[], name: string): Received => {
  const found = frames.find((frame) => frame.type === "@xstate.actor" && frame.name === name)
  if (found === undefined) throw new Error(`no actor ${name} among ${frames.length} frames`)
  return found
}

/** The latest context of an actor, as far as it was told. */
export const contextOf = (frames: readonly Received[], name: string) => {
  const actor = frames.find((frame) => frame.type === "@xstate.actor" && frame.name === name)
  return frames.findLast(
    (frame) => frame.sessionId === actor?.sessionId && frame.snapshot !== undefined,
  )?.snapshot?.context
}
