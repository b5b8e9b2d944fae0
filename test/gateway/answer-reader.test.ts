/** One answer on its way: what goes on, and what the meter hears of it. */

import { gzipSync } from "node:zlib"
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { answerReader, BODY_BYTES_MAX } from "../../src/gateway/answer-reader.ts"
import { meter as anthropic } from "../../src/gateway/dialects/anthropic/answer.ts"
import { meter as geminiEmbed } from "../../src/gateway/dialects/gemini-embed/answer.ts"
import { meter as gemini } from "../../src/gateway/dialects/gemini-generate/answer.ts"
import * as chat from "../../src/gateway/dialects/openai-chat/answer.ts"
import { meter as completions } from "../../src/gateway/dialects/openai-completions/answer.ts"
import { meter as embeddings } from "../../src/gateway/dialects/openai-embeddings/answer.ts"
import { meter as responses } from "../../src/gateway/dialects/openai-responses/answer.ts"
import { ASKED, events, part, partsOf } from "./answers.ts"
import { byteByByte, cutAt } from "./sse/reference.ts"

const USAGE = { prompt_tokens: 5, completion_tokens: 2 }
const CHUNK = { id: "c", choices: [{ delta: { content: "hi" } }] }
const ADDED = { id: "c", choices: [], usage: USAGE }
const COUNTED = [part({ input: 5, output: 2 })]

const SSE = "text/event-stream; charset=utf-8"

interface Headers {
  readonly type?: string
  readonly encoding?: string
}

const answered = async (
  chunks: readonly Buffer[],
  { type, encoding }: Headers,
  added: Parameters<typeof answerReader>[2] = null,
  meter = chat.meter(ASKED),
) => {
  const reader = answerReader(meter, { contentType: type, contentEncoding: encoding }, added)
  const out = chunks.flatMap((chunk) => reader.push(chunk))
  const { rest, read } = reader.end()
  return { out: Buffer.concat([...out, ...rest]), read: await read(), meter }
}

describe("a stream", () => {
  const stream = Buffer.from(events(CHUNK, ADDED, "[DONE]"))

  it("goes on chunk by chunk, the very bytes, while it is read along", () => {
    const reader = answerReader(
      chat.meter(ASKED),
      { contentType: SSE, contentEncoding: undefined },
      null,
    )
    for (const chunk of byteByByte(stream)) {
      const out = reader.push(chunk)
      expect(out).toHaveLength(1)
      expect(out[0]).toBe(chunk)
    }
  })

  it("is read along without the usage that only the gateway asked for", async () => {
    const { out, read, meter } = await answered(cutAt(stream, [9, 60, 110]), { type: SSE }, chat)
    expect(out.toString()).toBe(events(CHUNK, "[DONE]"))
    expect(read).toBe("read")
    expect(partsOf(meter)).toEqual(COUNTED)
  })

  it("that is encoded goes on as it is, and is read all the same", async () => {
    const encoded = gzipSync(stream)
    const { out, meter } = await answered([encoded], { type: SSE, encoding: "gzip" }, chat)
    expect(out.equals(encoded)).toBe(true)
    expect(partsOf(meter)).toEqual(COUNTED)
  })

  it("is known by its first byte where nobody calls it one", async () => {
    const blank = Buffer.from("\n")
    const { meter } = await answered([blank, stream], {})
    expect(partsOf(meter)).toEqual(COUNTED)
  })
})

describe("a JSON body", () => {
  const body = Buffer.from(JSON.stringify({ ...CHUNK, usage: USAGE }, null, 2))

  it("is read when it has ended, wherever it is cut", async () => {
    const { out, meter } = await answered(byteByByte(body), { type: "application/json" }, chat)
    expect(out.equals(body)).toBe(true)
    expect(partsOf(meter)).toEqual(COUNTED)
    expect(meter.isFinal()).toBe(true)
  })

  it("that is cut says nothing", async () => {
    const { meter } = await answered([body.subarray(0, -3)], { type: "application/json" })
    expect(meter.usage()).toBeNull()
    expect(meter.isFinal()).toBe(false)
  })

  it("that is a list is read element by element, before it ends", async () => {
    const list = Buffer.from('[{"usageMetadata":{"promptTokenCount":3}}\n,\r\n{"candidates":')
    const { meter } = await answered(byteByByte(list), {}, null, gemini(ASKED))
    expect(partsOf(meter)).toEqual([part({ input: 3 })])
  })

  it("that is longer than anybody reads is passed on, and said to be unreadable", async () => {
    const begin = Buffer.from('{"x":"')
    const chunk = Buffer.alloc(1024 * 1024, "x")
    const long = Array.from({ length: BODY_BYTES_MAX / chunk.length }, () => chunk)
    const reader = answerReader(
      chat.meter(ASKED),
      { contentType: "application/json", contentEncoding: undefined },
      null,
    )
    let passed = 0
    for (const piece of [begin, ...long]) {
      for (const out of reader.push(piece)) passed += out.length
    }
    expect(passed).toBe(BODY_BYTES_MAX + begin.length)
    expect(await reader.end().read()).toBe("unreadable")
  })
})

describe("no meter throws, or counts what is no count", () => {
  const METERS = {
    anthropic,
    chat: chat.meter,
    completions,
    embeddings,
    responses,
    gemini,
    geminiEmbed,
  }
  const key = fc.constantFrom(
    ..."type message usage input_tokens output_tokens prompt_tokens total_tokens choices error".split(
      " ",
    ),
    ..."iterations response usageMetadata candidates promptTokenCount tool_usage image_gen".split(
      " ",
    ),
    ..."prompt_tokens_details cached_tokens cache_creation server_tool_use finish_reason".split(
      " ",
    ),
  )
  const { value } = fc.letrec<{ value: unknown }>((tie) => ({
    value: fc.oneof(
      { depthSize: "small", withCrossShrink: true },
      fc.constantFrom(null, true, "", "message_start", "message_delta", "message", -1, 0, 7, 1.5),
      fc.constantFrom(2 ** 53, Number.MAX_SAFE_INTEGER, "response.completed", "completed"),
      fc.array(tie("value"), { maxLength: 3 }),
      fc.dictionary(key, tie("value"), { maxKeys: 5 }),
    ),
  }))
  const isCount = (count: number): boolean => Number.isSafeInteger(count) && count >= 0

  it.each(Object.entries(METERS))("%s", (_, meterOf) => {
    fc.assert(
      fc.property(value, fc.constantFrom(null, "error", "message_delta"), (said, event) => {
        const meter = meterOf(ASKED)
        meter.event({ event, data: Buffer.from(JSON.stringify(said)) })
        meter.event({ event, data: Buffer.from(`{"usage":{${JSON.stringify(said)}`) })
        meter.whole(said)
        for (const { usage, ...extras } of partsOf(meter) ?? []) {
          expect(Object.values(usage).every(isCount)).toBe(true)
          expect(isCount(extras.cacheWriteHourTokens)).toBe(true)
          expect(extras.cacheWriteHourTokens).toBeLessThanOrEqual(usage.cacheWriteTokens)
          expect(extras.inputAudioTokens).toBeLessThanOrEqual(usage.inputTokens)
          expect(extras.outputAudioTokens).toBeLessThanOrEqual(usage.outputTokens)
        }
        expect(isCount(meter.answerBytes())).toBe(true)
        if (meter.isFinal()) expect(meter.usage()).not.toBeNull()
      }),
      { numRuns: 500 },
    )
  })
})
