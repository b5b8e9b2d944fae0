import { once } from "node:events"
import { PassThrough } from "node:stream"
import { setImmediate as afterPoll } from "node:timers/promises"
import { expect, it } from "vitest"
import {
  lineOutput,
  passBytes,
  passLines,
  type ReadAlong,
} from "../../../src/edges/cli/agent-output.ts"

/** A reader along who has no room after the first piece, until it is told. */
const crowded = () => {
  const { promise, resolve } = Promise.withResolvers<void>()
  const read: string[] = []
  const readAlong: ReadAlong = (chunk) => {
    read.push(chunk.toString())
    return read.length === 1 ? promise : null
  }
  return { read, readAlong, makeRoom: resolve }
}

const collected = (stream: PassThrough): string[] => {
  const pieces: string[] = []
  stream.on("data", (chunk: Buffer) => pieces.push(chunk.toString()))
  return pieces
}

it.each(["bytes", "lines"] as const)(
  "of %s no more is read until there is room, however fast the output goes on, and none is lost",
  async (kind) => {
    const from = new PassThrough()
    const to = new PassThrough({ highWaterMark: 1 })
    const { read, readAlong, makeRoom } = crowded()
    const arrived = collected(to)
    if (kind === "bytes") passBytes(from, to, readAlong)
    else passLines(from, lineOutput(to), "", readAlong)
    from.write("one\n")
    for (let turn = 0; turn < 5; turn += 1) await afterPoll()
    from.write("two\n")
    for (let turn = 0; turn < 5; turn += 1) await afterPoll()
    expect(read).toEqual(["one\n"])
    expect(arrived.join("")).toBe("one\n")
    makeRoom()
    from.end("three\n")
    await once(from, "close")
    for (let turn = 0; turn < 5; turn += 1) await afterPoll()
    expect(arrived.join("")).toBe("one\ntwo\nthree\n")
    expect(read.join("")).toBe("one\ntwo\nthree\n")
  },
)
