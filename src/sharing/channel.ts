/** A socket that carries whole messages: lines of bounded length out of bytes, and back. */
import type { Socket } from "node:net"

export interface Channel<Out> {
  /** Said in order; lost without harm once the other end is gone. */
  readonly send: (message: Out) => void
  /** As `send`, for what may be missed: left out while the other end does not keep up. */
  readonly tell: (message: Out) => void
  /** What was said still arrives. */
  readonly end: () => void
  readonly destroy: () => void
  /** Resolves when nothing more can come. */
  readonly closed: Promise<void>
}

export interface ChannelEars<In> {
  readonly decode: (line: string) => In | null
  readonly onMessage: (message: In) => void
  /** A line that is none of ours, or never ends. */
  readonly onNonsense: () => void
}

/** No message of ours is near it; one that is longer was not ours. */
const LINE_CHARACTERS_MAX = 1 << 20
/** So much may wait unread before news is left out, and before the other end is given up. */
const BEHIND_BYTES = 1 << 20
const LOST_BYTES = 64 << 20

export const openChannel = <In, Out>(
  socket: Socket,
  { decode, onMessage, onNonsense }: ChannelEars<In>,
): Channel<Out> => {
  let rest = ""
  let isOver = false
  socket.setEncoding("utf8")
  socket.on("data", (chunk: string) => {
    const lines = (rest + chunk).split("\n")
    rest = lines.pop() ?? ""
    for (const line of lines) {
      if (isOver) return
      const message = decode(line)
      if (message === null) onNonsense()
      else onMessage(message)
    }
    if (rest.length > LINE_CHARACTERS_MAX) {
      rest = ""
      onNonsense()
    }
  })
  const closed = new Promise<void>((resolve) => socket.once("close", () => resolve()))
  socket.on("error", () => {})
  const send = (message: Out): void => {
    if (isOver || socket.destroyed) return
    socket.write(`${JSON.stringify(message)}\n`)
    if (socket.writableLength > LOST_BYTES) socket.destroy()
  }
  return {
    send,
    tell: (message) => {
      if (socket.writableLength < BEHIND_BYTES) send(message)
    },
    end: () => {
      isOver = true
      // Who never closes their end is not waited for.
      socket.end(() => socket.destroy())
    },
    destroy: () => {
      isOver = true
      socket.destroy()
    },
    closed,
  }
}
