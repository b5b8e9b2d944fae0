/** Real usage bodies of many providers, where they are at hand, against counts made by others. */
import { gunzipSync } from "node:zlib"
import { describe, expect, it } from "vitest"
import { meter as anthropic } from "../../src/gateway/dialects/anthropic/answer.ts"
import type { AnswerMeter, CallRequest } from "../../src/gateway/dialects/dialect.ts"
import { meter as geminiEmbed } from "../../src/gateway/dialects/gemini-embed/answer.ts"
import { meter as gemini } from "../../src/gateway/dialects/gemini-generate/answer.ts"
import { meter as chat } from "../../src/gateway/dialects/openai-chat/answer.ts"
import { meter as embeddings } from "../../src/gateway/dialects/openai-embeddings/answer.ts"
import { meter as responses } from "../../src/gateway/dialects/openai-responses/answer.ts"
import type { PricedUsage } from "../../src/pricing/price-book.ts"
import { isRecorded, partsOf, recorded, whole } from "./answers.ts"

const ARCHIVE = "usage-normalisation/usages.json.gz"
const isAbsent = !isRecorded(ARCHIVE)

type Counts = Readonly<Record<string, number>>

interface Recorded {
  readonly body: Readonly<Record<string, unknown>> & {
    readonly file: string
    readonly usage?: Readonly<Record<string, unknown>>
    readonly usageMetadata?: Readonly<Record<string, unknown>>
  }
  readonly extracted: readonly {
    readonly extractors: readonly { readonly provider_id: string; readonly api_flavor: string }[]
    readonly usage: Counts
  }[]
}

interface Reading {
  readonly meter: (request: CallRequest) => AnswerMeter
  readonly provider: string
  readonly flavor: string
}

const READINGS = {
  anthropic: { meter: anthropic, provider: "anthropic", flavor: "default" },
  chat: { meter: chat, provider: "openai", flavor: "chat" },
  embeddings: { meter: embeddings, provider: "openai", flavor: "embeddings" },
  responses: { meter: responses, provider: "openai", flavor: "responses" },
  gemini: { meter: gemini, provider: "google", flavor: "default" },
  geminiEmbed: { meter: geminiEmbed, provider: "google", flavor: "default" },
} satisfies Readonly<Record<string, Reading>>
type ReadingName = keyof typeof READINGS

/** Which API a body is of; null: one that the gateway does not speak (Bedrock Converse, Cohere). */
const apiOf = ({ body: { usage, usageMetadata } }: Recorded): ReadingName | null => {
  if (usageMetadata !== undefined) {
    return "promptTokenDetails" in usageMetadata ? "geminiEmbed" : "gemini"
  }
  if (usage === undefined) return null
  if ("prompt_tokens" in usage) return "completion_tokens" in usage ? "chat" : "embeddings"
  if ("input_tokens_details" in usage) return "responses"
  return "input_tokens" in usage ? "anthropic" : null
}

/** The bodies of a list with their API, read once. */
const bodies = (): readonly (readonly [ReadingName | null, Recorded])[] => {
  const all: readonly Recorded[] = JSON.parse(gunzipSync(recorded(ARCHIVE)).toString("utf8"))
  return all.map((one) => [apiOf(one), one])
}

const expectedOf = ({ extracted }: Recorded, { provider, flavor }: Reading): Counts | undefined =>
  extracted.find(({ extractors }) =>
    extractors.some((by) => by.provider_id === provider && by.api_flavor === flavor),
  )?.usage

const sumOf = (parts: readonly PricedUsage[], count: (part: PricedUsage) => number): number =>
  parts.reduce((sum, part) => sum + count(part), 0)

/** Our counts in their words: their input has all that was read, their output all that was written. */
const inTheirWords = (parts: readonly PricedUsage[]): Counts => ({
  input_tokens: sumOf(
    parts,
    ({ usage }) => usage.inputTokens + usage.cacheReadTokens + usage.cacheWriteTokens,
  ),
  output_tokens: sumOf(parts, ({ usage }) => usage.outputTokens),
  cache_read_tokens: sumOf(parts, ({ usage }) => usage.cacheReadTokens),
  cache_write_tokens: sumOf(parts, ({ usage }) => usage.cacheWriteTokens),
  cache_write_1h_tokens: sumOf(parts, (part) => part.cacheWriteHourTokens),
  web_searches: sumOf(parts, (part) => part.webSearches),
})

/** Sound in what was not cached: theirs has what was cached too. */
const audioOf = (expected: Counts): number =>
  (expected.input_audio_tokens ?? 0) - (expected.cache_audio_read_tokens ?? 0)

const ZERO: Counts = {
  input_tokens: 0,
  output_tokens: 0,
  cache_read_tokens: 0,
  cache_write_tokens: 0,
  cache_write_1h_tokens: 0,
  web_searches: 0,
}

/** What others leave out: rounds beside the answer's own, and what only a total has. */
const leftOut = ({ body: { usage = {} } }: Recorded): Counts => {
  const rounds = Array.isArray(usage.iterations) ? usage.iterations : []
  const left = { ...ZERO } as Record<string, number>
  for (const round of rounds.filter(({ type }) => type !== "message")) {
    const read = round.cache_read_input_tokens
    const written = round.cache_creation_input_tokens
    left.input_tokens = (left.input_tokens ?? 0) + round.input_tokens + read + written
    left.output_tokens = (left.output_tokens ?? 0) + round.output_tokens
    left.cache_read_tokens = (left.cache_read_tokens ?? 0) + read
    left.cache_write_tokens = (left.cache_write_tokens ?? 0) + written
  }
  const { prompt_tokens: input, completion_tokens: output, total_tokens: total } = usage
  if (typeof input === "number" && typeof output === "number" && typeof total === "number") {
    left.output_tokens = (left.output_tokens ?? 0) + total - input - output
  }
  return left
}

describe.skipIf(isAbsent)("788 recorded usages (skipped without their data)", () => {
  it("are each of an API the gateway speaks, or of two that it does not", () => {
    const counts = new Map<string, number>()
    for (const [api] of bodies()) counts.set(api ?? "none", (counts.get(api ?? "none") ?? 0) + 1)
    expect(Object.fromEntries(counts)).toEqual({
      anthropic: 116,
      chat: 207,
      embeddings: 2,
      responses: 138,
      gemini: 203,
      geminiEmbed: 5,
      none: 117,
    })
  })

  it.each(Object.keys(READINGS) as readonly ReadingName[])(
    "of %s come to what is expected",
    (api) => {
      const wrong: unknown[] = []
      for (const [of, one] of bodies()) {
        if (of !== api) continue
        const reading: Reading = READINGS[api]
        const expected = expectedOf(one, reading)
        if (expected === undefined) throw new Error(`${one.body.file} has no expected counts`)
        const parts = partsOf(whole(reading.meter, one.body)) ?? []
        const ours = inTheirWords(parts)
        const left = leftOut(one)
        const theirs = Object.fromEntries(
          Object.keys(ZERO).map((name) => [name, (expected[name] ?? 0) + (left[name] ?? 0)]),
        )
        const audio = sumOf(parts, (part) => part.inputAudioTokens)
        if (JSON.stringify(ours) !== JSON.stringify(theirs) || audio !== audioOf(expected)) {
          wrong.push({ file: one.body.file, ours, theirs, audio })
        }
      }
      expect(wrong).toEqual([])
    },
  )

  it("leave something out in six bodies alone: other rounds, and thinking that a total has", () => {
    const more = bodies().filter(([api, one]) => {
      return api !== null && Object.values(leftOut(one)).some((count) => count > 0)
    })
    expect(more.map(([api]) => api).sort()).toEqual([
      ...Array.from({ length: 4 }, () => "anthropic"),
      ...Array.from({ length: 2 }, () => "chat"),
    ])
  })
})
