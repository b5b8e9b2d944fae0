import { once } from "node:events"
import { closeSync, openSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { PassThrough, Readable } from "node:stream"
import { setImmediate as afterPoll } from "node:timers/promises"
import { describe, expect, it, onTestFinished } from "vitest"
import {
  lineOutput,
  passBytes,
  passLines,
  type ReadAlong,
} from "../../../src/edges/cli/agent-output.ts"
import { DescriptorOutput } from "../../../src/edges/cli/descriptor-output.ts"
import { temporaryFolder } from "../../ledger/temporary-folder.ts"

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

const giving = (to: PassThrough) =>
  Object.assign(to, { give: (chunk: Buffer): boolean => to.write(chunk) })

const collected = (stream: PassThrough): string[] => {
  const pieces: string[] = []
  stream.on("data", (chunk: Buffer) => pieces.push(chunk.toString()))
  return pieces
}

it.each(["bytes", "lines"] as const)(
  "of %s no more is read until there is room, however fast the output goes on, and none is lost",
  async (kind) => {
    const from = new PassThrough()
    const to = giving(new PassThrough({ highWaterMark: 1 }))
    const { read, readAlong, makeRoom } = crowded()
    const arrived = collected(to)
    if (kind === "bytes") passBytes(from, to, readAlong)
    else passLines(from, lineOutput(to, to.give), "", readAlong)
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

/** Our output, on a file. */
const onFile = () => {
  const file = join(temporaryFolder(), "out")
  const fd = openSync(file, "w")
  onTestFinished(() => closeSync(fd))
  const to = new DescriptorOutput(fd, () => ({}))
  const given: Buffer[] = []
  const give = (chunk: Buffer): boolean => {
    given.push(chunk)
    return to.give(chunk)
  }
  return { to, given, give, written: () => readFileSync(file, "utf8") }
}

const nothingToSay: ReadAlong = () => null

/** The child's output in these chunks; resolves once all of it has been read and written. */
const passed = async (
  chunks: readonly Buffer[],
  to: DescriptorOutput,
  pass: (from: Readable) => void,
): Promise<void> => {
  const from = new Readable({ read: () => {} })
  pass(from)
  for (const chunk of chunks) {
    from.push(chunk)
    await afterPoll()
  }
  from.push(null)
  await once(from, "close")
  to.end()
  await once(to, "finish")
}

/** As a pipe is read: each chunk has its memory for itself. */
const bigChunks = (): readonly Buffer[] =>
  ["a line\n", "another\nof two", " halves\n"].map((line) => {
    const chunk = Buffer.allocUnsafeSlow(64 * line.length)
    return chunk.fill(line)
  })

const textOf = (chunks: readonly Buffer[]): string => Buffer.concat(chunks).toString()

describe("the memory of what a child prints", () => {
  it("is let go as soon as its bytes are written", async () => {
    const { to, written } = onFile()
    const chunks = bigChunks()
    const text = textOf(chunks)
    await passed(chunks, to, (from) => passBytes(from, to, nothingToSay))
    expect(written()).toBe(text)
    expect(chunks.map(({ byteLength }) => byteLength)).toEqual([0, 0, 0])
  })

  it("is let go once its lines are copied, and that of the copies once they are written", async () => {
    const { to, given, give, written } = onFile()
    const chunks = bigChunks()
    const text = textOf(chunks)
    await passed(chunks, to, (from) =>
      passLines(from, lineOutput(to, give), "name | ", nothingToSay),
    )
    expect(written()).toBe(text.replaceAll(/^(?=.)/gm, "name | "))
    expect(chunks.map(({ byteLength }) => byteLength)).toEqual([0, 0, 0])
    expect(given.map(({ byteLength }) => byteLength)).toEqual([0, 0, 0])
  })

  it("is kept where a small piece shares it with others", async () => {
    const { to, written } = onFile()
    const [one, two] = [Buffer.from("one\n"), Buffer.from("two\n")]
    expect(one.buffer).toBe(two.buffer)
    await passed([one], to, (from) => passBytes(from, to, nothingToSay))
    expect(written()).toBe("one\n")
    expect([one.toString(), two.toString()]).toEqual(["one\n", "two\n"])
  })
})

it.each([
  ["in one piece", ["a\nbc\n\nd"]],
  ["cut within lines", ["a", "\nb", "c\n\n", "d"]],
  ["byte by byte", [..."a\nbc\n\nd"]],
  ["with a last line that ends", ["a\nbc\n\nd\n"]],
])("every line has its prefix and its end: %s", async (_, pieces) => {
  const { to, give, written } = onFile()
  const chunks = pieces.map((piece) => Buffer.from(piece))
  await passed(chunks, to, (from) => passLines(from, lineOutput(to, give), "n | ", nothingToSay))
  expect(written()).toBe("n | a\nn | bc\nn | \nn | d\n")
})

it("a line that never ends is passed on in parts", async () => {
  const { to, give, written } = onFile()
  const endless = [Buffer.alloc(1 << 20, "x"), Buffer.alloc(10, "y"), Buffer.from("z")]
  await passed(endless, to, (from) => passLines(from, lineOutput(to, give), "n | ", nothingToSay))
  expect(written()).toBe(`n | ${"x".repeat(1 << 20)}${"y".repeat(10)}\nn | z\n`)
})
