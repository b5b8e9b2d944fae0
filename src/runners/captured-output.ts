/**
 * The end of an agent's output. `exit` is not `close`: a process that left the tree may hold the
 * pipe open for hours, and nobody is to wait for it.
 */
import type { Socket } from "node:net"
import { setImmediate as afterPoll, setTimeout as delay } from "node:timers/promises"

/** Between checks while whoever reads is slower than the pipe. */
const READER_PACE_MS = 20

/**
 * Ends `stream` once the tree is reaped and all it wrote has been read, whoever else holds the pipe.
 * Its reader sees an ordinary `end`.
 */
export const endWhenDrained = async (stream: Socket, reaped: Promise<void>): Promise<void> => {
  await reaped
  while (!stream.readableEnded && !stream.destroyed) {
    if (await isDrained(stream)) {
      stream.once("end", () => stream.destroy())
      stream.push(null)
      return
    }
    await delay(READER_PACE_MS, undefined, { ref: false })
  }
}

/**
 * The dead write no more: what a whole round of the event loop does not bring is not theirs. The
 * stream must be hungry before that round as well as after it, or nobody asked the pipe for more.
 */
const isDrained = async (stream: Socket): Promise<boolean> => {
  const before = stream.bytesRead
  if (!isHungry(stream)) return false
  await afterPoll()
  await afterPoll()
  return isHungry(stream) && stream.bytesRead === before
}

/** All it had is taken, and someone waits for more: on `data`, or on `readable` (as `for await` does). */
const isHungry = (stream: Socket): boolean =>
  (stream.readableFlowing === true || stream.listenerCount("readable") > 0) &&
  stream.readableLength === 0
