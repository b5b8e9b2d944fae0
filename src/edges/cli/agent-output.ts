/** What an agent prints, on its way to ours: byte for byte, or in whole lines with its name. */
import type { Readable, Writable } from "node:stream"

/** Reads along; sees every byte, changes none. */
export type ReadAlong = (chunk: Buffer) => void

/** Passes bytes on as they come, as fast as `to` takes them. */
export const passBytes = (from: Readable, to: Writable, readAlong: ReadAlong): void => {
  from.on("data", readAlong)
  from.pipe(to, { end: false })
}

/** A line that never ends is passed on in parts of this size. */
const LINE_BYTES_MAX = 1 << 20
const NEWLINE = 0x0a

/** Passes whole lines on with a prefix, so that the lines of many agents do not mix. */
export const passLines = (
  from: Readable,
  print: (text: string) => void,
  prefix: string,
  readAlong: ReadAlong,
): void => {
  let rest = Buffer.alloc(0)
  const printLines = (bytes: Buffer): void =>
    print(
      bytes
        .toString("utf8")
        .replace(/\n$/, "")
        .split("\n")
        .map((line) => `${prefix}${line}\n`)
        .join(""),
    )
  from.on("data", (chunk: Buffer) => {
    readAlong(chunk)
    const all = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
    const last = all.lastIndexOf(NEWLINE)
    const cut = last < 0 && all.length > LINE_BYTES_MAX ? all.length : last + 1
    if (cut > 0) printLines(all.subarray(0, cut))
    rest = Buffer.from(all.subarray(cut))
  })
  from.on("end", () => {
    if (rest.length > 0) printLines(rest)
    rest = Buffer.alloc(0)
  })
}
