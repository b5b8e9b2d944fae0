/** Getting through to whoever holds a ledger. */
import { connect, type Socket } from "node:net"
import { type Channel, openChannel } from "./channel.ts"
import { decodeFromHolder, type FromHolder, SHARING_VERSION, type ToHolder } from "./messages.ts"
import { socketToConnect } from "./socket-path.ts"

export type ToHolderChannel = Channel<ToHolder>

export type Reached =
  | { readonly reached: true; readonly channel: ToHolderChannel; readonly pid: number }
  /** Nobody listens, or whoever did is leaving. */
  | { readonly reached: false; readonly message: string | null }

/** Longer than a holder ever takes to say welcome: what does not by then is none. */
const WELCOME_WITHIN_MS = 5_000

export const connectToHolder = async (
  ledger: string,
  onMessage: (message: FromHolder) => void,
): Promise<Reached> => {
  const socket = await opened(socketToConnect(ledger))
  return socket === null ? { reached: false, message: null } : greeted(socket, onMessage)
}

const opened = (path: string): Promise<Socket | null> =>
  new Promise((resolve) => {
    const socket = connect(path)
    socket.once("error", () => resolve(null))
    socket.once("connect", () => resolve(socket))
  })

const greeted = (socket: Socket, onMessage: (message: FromHolder) => void): Promise<Reached> =>
  new Promise((resolve) => {
    const notReached = (message: string | null): void => {
      clearTimeout(timer)
      channel.destroy()
      resolve({ reached: false, message })
    }
    const timer = setTimeout(() => notReached(null), WELCOME_WITHIN_MS)
    let isWelcome = false
    const channel: ToHolderChannel = openChannel(socket, {
      decode: decodeFromHolder,
      onNonsense: () => channel.destroy(),
      onMessage: (message) => {
        if (isWelcome) onMessage(message)
        else if (message.type === "welcome") {
          isWelcome = true
          clearTimeout(timer)
          resolve({ reached: true, channel, pid: message.pid })
        } else if (message.type === "turned_away") notReached(message.message)
      },
    })
    channel.closed.then(() => notReached(null))
    channel.send({ type: "hello", version: SHARING_VERSION, pid: process.pid })
  })
