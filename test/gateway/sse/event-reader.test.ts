/** Server-sent events out of bytes, wherever the chunks are cut. */
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { EventReader } from "../../../src/gateway/sse/event-reader.ts"
import { byteByByte, bytesOf, cutAt, cutStreams, referenceEvents, type Told } from "./reference.ts"

const eventsOf = (chunks: readonly Buffer[], maxBytes?: number): readonly Told[] => {
  const told: Told[] = []
  const reader = new EventReader(({ event, data }, { start, end }) => {
    told.push({ event, data: data.toString("latin1"), start, end })
  }, maxBytes)
  for (const chunk of chunks) reader.push(chunk)
  reader.end()
  return told
}

const named = (text: string): readonly (readonly [string | null, string])[] =>
  eventsOf([Buffer.from(text)]).map(({ event, data }) => [event, data])

describe("an event", () => {
  it.each([
    ["ends with a blank line, however lines end", "data: a\n\ndata: b\r\rdata: c\r\n\r\n"],
    ["needs no blank line where the stream ends", "data: a\n\ndata: b\n\ndata: c"],
    ["may follow a byte order mark", "\ufeffdata: a\n\ndata: b\n\ndata: c\n\n"],
    ["is not disturbed by comments", ": hi\n\ndata: a\n: hi\n\n:\ndata: b\n\ndata: c\n:\n\n"],
    ["loses one space after the colon", "data:a\n\ndata: b\n\ndata:c\n\n"],
    ["is nothing without data", "data: a\n\nevent: ping\n\nid: 3\n\ndata: b\n\ndata: c\n\n"],
    [
      "does not care for other fields",
      "id: 1\ndata: a\nretry: 5\n\ndatax: 0\ndata: b\n\ndata: c\n\n",
    ],
  ])("%s", (_, text) => {
    expect(named(text)).toEqual([
      [null, "a"],
      [null, "b"],
      [null, "c"],
    ])
  })

  it("has its lines of data joined, and the last name it was given", () => {
    expect(named("event: no\ndata: a\nevent: yes\ndata\ndata:  b\n\n")).toEqual([
      ["yes", "a\n\n b"],
    ])
  })

  it("without a name of its own has none", () => {
    expect(named("event\ndata\n\nevent:\ndata: \n\n")).toEqual([
      [null, ""],
      [null, ""],
    ])
  })
})

it("reads as the standard says, wherever the bytes are cut", () => {
  fc.assert(
    fc.property(cutStreams, ({ text, places }) => {
      const bytes = bytesOf(text)
      const expected = referenceEvents(text)
      expect(eventsOf([bytes])).toEqual(expected)
      expect(eventsOf(byteByByte(bytes)).map(withoutEnd)).toEqual(expected.map(withoutEnd))
      expect(eventsOf(cutAt(bytes, places)).map(withoutEnd)).toEqual(expected.map(withoutEnd))
    }),
    { numRuns: 2_000 },
  )
})

/** Whether a LF follows a CR is not known yet where the bytes are cut between them. */
const withoutEnd = ({ end: _, ...told }: Told): Omit<Told, "end"> => told

describe("an event that is too long", () => {
  const MAX = 64
  const long = "x".repeat(MAX)

  it.each([
    ["in one line", `data: ${long}\n\n`],
    ["in many lines", `${"data: 0123456789\n".repeat(8)}\n`],
    ["in a line of another field", `id: ${long}\ndata: a\n\n`],
    ["after a short one", `data: a\ndata: ${long}`],
  ])("%s is passed by, and the next one read", (_, text) => {
    const stream = Buffer.from(`data: before\n\n${text}\n\ndata: after\n\n`)
    for (const chunks of [[stream], byteByByte(stream), cutAt(stream, [20, 40, 90])]) {
      expect(eventsOf(chunks, MAX).map(({ data }) => data)).toEqual(["before", "after"])
    }
  })

  it("is judged alike wherever it is cut", () => {
    fc.assert(
      fc.property(cutStreams, ({ text, places }) => {
        const bytes = bytesOf(text)
        const whole = eventsOf([bytes], 16).map(withoutEnd)
        expect(eventsOf(byteByByte(bytes), 16).map(withoutEnd)).toEqual(whole)
        expect(eventsOf(cutAt(bytes, places), 16).map(withoutEnd)).toEqual(whole)
      }),
    )
  })

  it("does not make a long comment one", () => {
    const stream = Buffer.from(`: ${long}\ndata: a\n\n`)
    for (const chunks of [[stream], byteByByte(stream)]) {
      expect(eventsOf(chunks, MAX).map(({ data }) => data)).toEqual(["a"])
    }
  })
})

it("holds no more of an endless line than the longest event", () => {
  const reader = new EventReader(() => undefined, 1024 * 1024)
  const chunk = Buffer.alloc(64 * 1024, "x")
  const before = process.memoryUsage().arrayBuffers
  reader.push(Buffer.from("data: "))
  for (let sent = 0; sent < 4096; sent += 1) reader.push(chunk)
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(16 * 1024 * 1024)
})
