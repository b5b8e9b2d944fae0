/** Taking out the usage event that only the gateway asked for, and not another byte. */
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { isAddedUsage, mayBeAddedUsage } from "../../../src/gateway/dialects/openai-chat/answer.ts"
import { type AddedUsage, AddedUsageFilter } from "../../../src/gateway/sse/added-usage-filter.ts"
import { byteByByte, bytesOf, cutAt, cutStreams, referenceEvents } from "./reference.ts"

const U: Buffer = Buffer.from("u")
/** Takes out events whose data is `u`. */
const THE_U: AddedUsage = {
  isAddedUsage: ({ data }) => data.equals(U),
  mayBeAddedUsage: (begun) => begun.length === 0 || begun.equals(U),
}
const CHAT: AddedUsage = { isAddedUsage, mayBeAddedUsage }

const throughFilter = (added: AddedUsage, chunks: readonly Buffer[]): Buffer => {
  const filter = new AddedUsageFilter(added, () => undefined)
  return Buffer.concat([...chunks.flatMap((chunk) => filter.push(chunk)), ...filter.end()])
}

const CHUNK = `data: {"id":"c","choices":[{"index":0,"delta":{"content":"é"}}],"usage":null}\n\n`
const USAGE = `data: {"id":"c","choices":[],"usage":{"prompt_tokens":1,"completion_tokens":2}}\n\n`
const DONE = "data: [DONE]\n\n"

it("gives all but the hidden events, byte for byte, wherever the stream is cut", () => {
  fc.assert(
    fc.property(cutStreams, ({ text, places }) => {
      const hidden = referenceEvents(text).filter(({ data }) => data === "u")
      const kept = hidden.reduceRight(
        (rest, { start, end }) => rest.slice(0, start) + rest.slice(end),
        text,
      )
      const bytes = bytesOf(text)
      for (const chunks of [[bytes], byteByByte(bytes), cutAt(bytes, places)]) {
        expect(throughFilter(THE_U, chunks).toString("latin1")).toBe(kept)
      }
    }),
    { numRuns: 2_000 },
  )
})

it.each(["data", "dat", "data: "])(
  "a line that has come as far as %j decides nothing yet",
  (part) => {
    const rest = part === "data: " ? "u" : "datadatum: u".slice(part.length)
    const text = part === "data: " ? "" : "data:u\r"
    const stream = bytesOf(`${text}${part}${rest}\r\n\r\n`)
    for (const places of [[text.length + part.length], [text.length]])
      expect(throughFilter(THE_U, cutAt(stream, places)).toString("latin1")).toBe("")
  },
)

describe("of a chat", () => {
  it.each([
    ["\n", ""],
    ["\r", ""],
    ["\r\n", ""],
    ["\n", ": keep-alive\n\n"],
  ])("the added usage is taken out, cut at every two places (line end %j)", (lineEnd, comment) => {
    const inLines = (text: string): string => text.replaceAll("\n", lineEnd)
    const stream = Buffer.from(inLines(CHUNK + comment + USAGE + DONE))
    const expected = inLines(CHUNK + comment + DONE)
    for (let at = 0; at <= stream.length; at += 1) {
      expect(throughFilter(CHAT, cutAt(stream, [at])).toString()).toBe(expected)
    }
    expect(throughFilter(CHAT, byteByByte(stream)).toString()).toBe(expected)
  })

  it("the added usage is taken out where the stream ends with it, blank line or not", () => {
    for (const last of [USAGE, USAGE.trimEnd()]) {
      expect(throughFilter(CHAT, byteByByte(Buffer.from(CHUNK + last))).toString()).toBe(CHUNK)
    }
  })

  it.each([
    ["usage beside a choice", CHUNK.replace("null", '{"prompt_tokens":1,"completion_tokens":2}')],
    ["no usage, and no choice", 'data: {"choices":[],"prompt_filter_results":[],"usage":null}\n\n'],
    ["an error", 'data: {"error":{"message":"no"},"choices":[],"usage":{"prompt_tokens":1}}\n\n'],
    [
      "the word in a text",
      'data: {"choices":[{"delta":{"content":"\\"choices\\":[],\\"usage\\":{"}}]}\n\n',
    ],
    ["more than any usage fills", USAGE.replace('"c"', `"${"c".repeat(40_000)}"`)],
    ["no JSON", "data: usage\n\n"],
  ])("an event with %s goes on", (_, event) => {
    const stream = Buffer.from(CHUNK + event + DONE)
    expect(throughFilter(CHAT, [stream]).equals(stream)).toBe(true)
    expect(throughFilter(CHAT, cutAt(stream, [90, 100, 150])).equals(stream)).toBe(true)
  })

  it("a piece of answer waits for nothing but its first key", () => {
    const filter = new AddedUsageFilter(CHAT, () => undefined)
    const passed = (text: string): string =>
      Buffer.concat(filter.push(Buffer.from(text))).toString()
    expect(passed(": hello\n")).toBe(": hello\n")
    expect(passed('data: {"id":"c","choices":')).toBe("")
    expect(passed('[{"delta"')).toBe('data: {"id":"c","choices":[{"delta"')
    expect(passed(':{"content":"a')).toBe(':{"content":"a')
    expect(passed('"}}]}\n\n')).toBe('"}}]}\n\n')
    expect(passed("data: [")).toBe("data: [")
    expect(passed("DONE]\n\n")).toBe("DONE]\n\n")
  })

  it("an event that is no usage by its length waits no longer", () => {
    const filter = new AddedUsageFilter(CHAT, () => undefined)
    const begun = `data: {"id":"${"c".repeat(30_000)}`
    expect(Buffer.concat(filter.push(Buffer.from(begun)))).toHaveLength(0)
    const more = "c".repeat(10_000)
    expect(Buffer.concat(filter.push(Buffer.from(more))).toString()).toBe(begun + more)
  })
})
