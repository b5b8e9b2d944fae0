/** Recorded streams of real providers, where they are at hand: the bytes that go on, and their usage. */
import { brotliCompressSync, constants, gzipSync, zstdCompressSync } from "node:zlib"
import { describe, expect, it } from "vitest"
import { type AnswerReader, answerReader } from "../../src/gateway/answer-reader.ts"
import type { AnswerMeter } from "../../src/gateway/dialects/dialect.ts"
import * as chat from "../../src/gateway/dialects/openai-chat/answer.ts"
import type { AddedUsage } from "../../src/gateway/sse/added-usage-filter.ts"
import { ASKED, partsOf, recorded } from "./answers.ts"
import {
  lastWordOf,
  meterOf,
  RECORDED,
  type Recorded,
  randomCuts,
  withoutAdded,
} from "./recordings.ts"
import { byteByByte, cutAt } from "./sse/reference.ts"

const isAbsent = RECORDED.length === 0

/** Streams up to this are cut at every place. */
const SMALL_BYTES = 3_500
const RANDOM_CUTS = 12
const QUICK = { params: { [constants.BROTLI_PARAM_QUALITY]: 4 } }

const expectedOf = (one: Recorded): unknown => withoutModels(lastWordOf(one))

/** Searches are said elsewhere too; here it is about tokens. */
const withoutModels = (meter: AnswerMeter): unknown =>
  partsOf(meter)?.map(({ model: _, webSearches: __, ...counts }) => counts) ?? null

const HEADERS = { contentType: "text/event-stream", contentEncoding: undefined }

const throughReader = (reader: AnswerReader, chunks: readonly Buffer[]): Buffer => {
  const out = chunks.flatMap((chunk) => reader.push(chunk))
  const { rest, read } = reader.end()
  read()
  return Buffer.concat([...out, ...rest])
}

const usageIn = (one: Recorded): readonly [string] => [JSON.stringify(expectedOf(one))]

/**
 * What the meter says, whatever the cut, and whether it is final: one answer if all cuts agree. Cuts
 * are compared without `expect`, which takes longer than reading a stream.
 */
const heardOf = (
  one: Recorded,
  added: AddedUsage | null,
  bytes: Buffer,
  kept: Buffer,
): readonly unknown[] => {
  const heard = new Set<unknown>()
  const isFinal = new Set<unknown>()
  let cut = 0
  for (const chunks of cuttings(bytes)) {
    const meter = meterOf(one)(ASKED)
    const out = throughReader(answerReader(meter, HEADERS, added), chunks)
    if (!out.equals(kept)) throw new Error(`other bytes went on at cut ${cut}`)
    heard.add(JSON.stringify(withoutModels(meter)))
    isFinal.add(meter.isFinal())
    cut += 1
  }
  return [...heard, ...isFinal]
}

const cuttings = function* (bytes: Buffer): Generator<readonly Buffer[]> {
  yield [bytes]
  yield byteByByte(bytes)
  if (bytes.length <= SMALL_BYTES) {
    for (let at = 1; at < bytes.length; at += 1) yield cutAt(bytes, [at])
  } else for (let seed = 0; seed < RANDOM_CUTS; seed += 1) yield randomCuts(bytes, seed)
}

describe.skipIf(isAbsent)("64 recorded streams (skipped without their data)", () => {
  it("are at hand", () => {
    expect(RECORDED).toHaveLength(64)
  })

  it.each(RECORDED.map((one) => [one.file, one] as const))("%s", (file, one) => {
    const bytes = recorded(`sse/${file}`)
    const said = usageIn(one)
    expect(heardOf(one, null, bytes, bytes)).toEqual([...said, said[0] !== "null"])
  })

  it.each(
    RECORDED.filter(({ file }) => file.includes("-chat/")).map((one) => [one.file, one] as const),
  )("%s, without the usage that only the gateway asked for", (file, one) => {
    const bytes = recorded(`sse/${file}`)
    const said = usageIn(one)
    expect(heardOf(one, chat, bytes, withoutAdded(bytes))).toEqual([...said, said[0] !== "null"])
  })

  it.each([
    ["gzip", gzipSync],
    ["br", (bytes: Buffer) => brotliCompressSync(bytes, QUICK)],
    ["zstd", zstdCompressSync],
  ] as const)("all of them, encoded with %s, say the same", async (contentEncoding, encode) => {
    for (const one of RECORDED) {
      const bytes = encode(recorded(`sse/${one.file}`))
      const meter = meterOf(one)(ASKED)
      const reader = answerReader(meter, { ...HEADERS, contentEncoding }, null)
      const out = randomCuts(bytes, 1).flatMap((chunk) => reader.push(chunk))
      expect(Buffer.concat(out).equals(bytes)).toBe(true)
      expect(await reader.end().read()).toBe("read")
      expect([one.file, withoutModels(meter)]).toEqual([one.file, expectedOf(one)])
    }
  })

  it("cut anywhere before their last word, are never final with more than they said", () => {
    for (const one of RECORDED) {
      const bytes = recorded(`sse/${one.file}`)
      const meter = meterOf(one)(ASKED)
      const reader = answerReader(meter, HEADERS, null)
      reader.push(bytes.subarray(0, bytes.length >> 1))
      expect([one.file, meter.isFinal()]).toEqual([one.file, false])
      expect(meter.answerBytes()).toBeLessThanOrEqual(bytes.length)
    }
  })
})
