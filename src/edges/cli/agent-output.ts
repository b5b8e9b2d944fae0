/** What an agent prints, on its way to ours: byte for byte, or in whole lines with its name. */
import type { Readable, Writable } from "node:stream"
import { letGo } from "./chunk-memory.ts"

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

/** Takes chunks that nobody else uses, and lets their memory go once they are written. */
export type GivenOutput = Writable & { readonly give: (chunk: Buffer) => boolean }

/** Passes bytes on as they come, as fast as `to` takes them. What it reads is given away. */
export const passBytes = (from: Readable, to: GivenOutput, readAlong: ReadAlong): void => {
  const hold = holder(from)
  from.on("data", (chunk: Buffer) => {
    hold(readAlong(chunk))
    if (!to.give(chunk) && !to.destroyed) hold(drained(to))
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

/** `put` where lines reach the stream by a way of their own; they are nobody else's. */
export const lineOutput = <To extends Writable>(
  to: To,
  put: (lines: Buffer, to: To) => void,
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
      put(lines, to)
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

/**
 * Passes whole lines on with a prefix, so that the lines of many agents do not mix. What it reads is
 * copied, and let go.
 */
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
    letGo(all)
    letGo(chunk)
  })
  from.on("end", () => {
    if (rest.length > 0) print(rest)
    rest = Buffer.alloc(0)
  })
}

/** A copy in memory of its own; the last line is ended if it was not. */
const prefixed = (bytes: Buffer, start: Buffer): Buffer => {
  const isCut = bytes[bytes.length - 1] !== NEWLINE
  const lines = newlinesIn(bytes) + (isCut ? 1 : 0)
  const whole = Buffer.allocUnsafeSlow(bytes.length + lines * start.length + (isCut ? 1 : 0))
  let length = 0
  for (let at = 0; at < bytes.length; ) {
    const newline = bytes.indexOf(NEWLINE, at)
    const next = newline < 0 ? bytes.length : newline + 1
    length += start.copy(whole, length)
    length += bytes.copy(whole, length, at, next)
    at = next
  }
  if (isCut) whole[length] = NEWLINE
  return whole
}

const newlinesIn = (bytes: Buffer): number => {
  let count = 0
  for (let at = bytes.indexOf(NEWLINE); at !== -1; at = bytes.indexOf(NEWLINE, at + 1)) count += 1
  return count
}
