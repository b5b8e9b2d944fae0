/** What an agent prints, on its way to ours: byte for byte, or in whole lines with its name. */
import type { Readable, Writable } from "node:stream"

/** Reads along; sees every byte, changes none. A promise: no more until it resolves. */
export type ReadAlong = (chunk: Buffer) => Promise<void> | null

/** Keeps a stream still while anybody wants it to be. */
const holder = (stream: Readable): ((until: Promise<void> | null) => void) => {
  let holding = 0
  return (until) => {
    if (until === null) return
    holding += 1
    stream.pause()
    until.then(() => {
      holding -= 1
      if (holding === 0) stream.resume()
    })
  }
}

/** Passes bytes on as they come, as fast as `to` takes them. */
export const passBytes = (from: Readable, to: Writable, readAlong: ReadAlong): void => {
  const hold = holder(from)
  from.on("data", (chunk: Buffer) => {
    hold(readAlong(chunk))
    if (!to.write(chunk) && !to.destroyed) hold(drained(to))
  })
  // Nobody reads ours any more: the child is to hear of it as it would without us.
  const close = (): void => {
    from.destroy()
  }
  to.once("error", close)
  from.once("close", () => to.removeListener("error", close))
}

const drained = (to: Writable): Promise<void> =>
  new Promise((resolve) => {
    const done = (): void => {
      to.removeListener("drain", done)
      to.removeListener("close", done)
      resolve()
    }
    to.once("drain", done)
    to.once("close", done)
  })

/** Where the lines of many agents come together. */
export interface LineOutput {
  /** False: no more until `onceReady` calls. */
  readonly write: (lines: Buffer) => boolean
  readonly onceReady: (go: () => void) => void
}

/** `put` where lines reach the stream by a way of their own. */
export const lineOutput = (
  to: Writable,
  put: (lines: Buffer) => void = (lines) => to.write(lines),
): LineOutput => {
  const waiting: (() => void)[] = []
  const goOn = (): void => {
    for (const go of waiting.splice(0)) go()
  }
  to.on("drain", goOn)
  to.on("close", goOn)
  return {
    write: (lines) => {
      // A reader that has left takes everything: agents must not stand still for it.
      if (to.destroyed) return true
      put(lines)
      return !to.writableNeedDrain
    },
    onceReady: (go) => {
      if (to.destroyed || !to.writableNeedDrain) go()
      else waiting.push(go)
    },
  }
}

/** A line that never ends is passed on in parts of this size. */
const LINE_BYTES_MAX = 1 << 20
const NEWLINE = 0x0a
const END_OF_LINE = Buffer.from("\n")

/** Passes whole lines on with a prefix, so that the lines of many agents do not mix. */
export const passLines = (
  from: Readable,
  to: LineOutput,
  prefix: string,
  readAlong: ReadAlong,
): void => {
  const start = Buffer.from(prefix)
  let rest: Buffer = Buffer.alloc(0)
  const hold = holder(from)
  const print = (bytes: Buffer): void => {
    if (to.write(prefixed(bytes, start))) return
    hold(new Promise((resolve) => to.onceReady(resolve)))
  }
  from.on("data", (chunk: Buffer) => {
    hold(readAlong(chunk))
    const all = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
    const last = all.lastIndexOf(NEWLINE)
    const cut = last < 0 && all.length > LINE_BYTES_MAX ? all.length : last + 1
    rest = Buffer.from(all.subarray(cut))
    if (cut > 0) print(all.subarray(0, cut))
  })
  from.on("end", () => {
    if (rest.length > 0) print(rest)
    rest = Buffer.alloc(0)
  })
}

const prefixed = (bytes: Buffer, start: Buffer): Buffer => {
  const parts: Buffer[] = []
  for (let at = 0; at < bytes.length; ) {
    const newline = bytes.indexOf(NEWLINE, at)
    const next = newline < 0 ? bytes.length : newline + 1
    parts.push(start, bytes.subarray(at, next))
    if (newline < 0) parts.push(END_OF_LINE)
    at = next
  }
  return Buffer.concat(parts)
}
