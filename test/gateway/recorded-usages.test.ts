/**
 * Real usage bodies of many providers, where they are at hand, against counts made by others: those of
 * an API that the gateway speaks through its meters, and all of them through the library's door.
 */
import { gunzipSync } from "node:zlib"
import { describe, expect, it } from "vitest"
import type { Usage } from "../../machines/vocabulary.ts"
import { meter as anthropic } from "../../src/gateway/dialects/anthropic/answer.ts"
import type { AnswerMeter, CallRequest } from "../../src/gateway/dialects/dialect.ts"
import { meter as geminiEmbed } from "../../src/gateway/dialects/gemini-embed/answer.ts"
import { meter as gemini } from "../../src/gateway/dialects/gemini-generate/answer.ts"
import { meter as chat } from "../../src/gateway/dialects/openai-chat/answer.ts"
import { meter as embeddings } from "../../src/gateway/dialects/openai-embeddings/answer.ts"
import { meter as responses } from "../../src/gateway/dialects/openai-responses/answer.ts"
import type { PricedUsage } from "../../src/pricing/price-book.ts"
import { UnreadableUsage, usageFrom } from "../../src/usage/usage-from.ts"
import { isRecorded, partsOf, recorded, whole } from "./answers.ts"

const ARCHIVE = "usage-normalisation/usages.json.gz"
const isAbsent = !isRecorded(ARCHIVE)

type Counts = Readonly<Record<string, number>>

interface Recorded {
  readonly body: Readonly<Record<string, unknown>> & {
    readonly file: string
    readonly usage?: Readonly<Record<string, unknown>>
    readonly usageMetadata?: Readonly<Record<string, unknown>>
    readonly meta?: Readonly<Record<string, unknown>>
  }
  readonly extracted: readonly {
    readonly extractors: readonly { readonly provider_id: string; readonly api_flavor: string }[]
    readonly usage: Counts
  }[]
}

interface Reading {
  readonly provider: string
  readonly flavor: string
}

interface MeterReading extends Reading {
  readonly meter: (request: CallRequest) => AnswerMeter
}

const METERED = {
  anthropic: { meter: anthropic, provider: "anthropic", flavor: "default" },
  chat: { meter: chat, provider: "openai", flavor: "chat" },
  embeddings: { meter: embeddings, provider: "openai", flavor: "embeddings" },
  responses: { meter: responses, provider: "openai", flavor: "responses" },
  gemini: { meter: gemini, provider: "google", flavor: "default" },
  geminiEmbed: { meter: geminiEmbed, provider: "google", flavor: "default" },
} satisfies Readonly<Record<string, MeterReading>>
type MeteredName = keyof typeof METERED

const READINGS = {
  ...METERED,
  bedrock: { provider: "aws", flavor: "default" },
  cohere: { provider: "cohere", flavor: "default" },
  cohereEmbed: { provider: "cohere", flavor: "embeddings" },
} satisfies Readonly<Record<string, Reading>>
type ReadingName = keyof typeof READINGS

/** Which API a body is of. */
const apiOf = ({ body: { file, usage, usageMetadata, meta } }: Recorded): ReadingName => {
  if (usageMetadata !== undefined) {
    return "promptTokenDetails" in usageMetadata ? "geminiEmbed" : "gemini"
  }
  if (meta !== undefined) return "cohereEmbed"
  if (usage === undefined) throw new Error(`${file} has no usage`)
  if ("billed_units" in usage) return "cohere"
  if ("inputTokens" in usage) return "bedrock"
  if ("prompt_tokens" in usage) return "completion_tokens" in usage ? "chat" : "embeddings"
  if ("input_tokens_details" in usage) return "responses"
  if ("input_tokens" in usage) return "anthropic"
  throw new Error(`${file} is of no API that is known`)
}

/** The bodies of a list with their API, read once. */
const bodies = (): readonly (readonly [ReadingName, Recorded])[] => {
  const all: readonly Recorded[] = JSON.parse(gunzipSync(recorded(ARCHIVE)).toString("utf8"))
  return all.map((one) => [apiOf(one), one])
}

const expectedOf = ({ body, extracted }: Recorded, { provider, flavor }: Reading): Counts => {
  const found = extracted.find(({ extractors }) =>
    extractors.some((by) => by.provider_id === provider && by.api_flavor === flavor),
  )
  if (found === undefined) throw new Error(`${body.file} has no expected counts`)
  return found.usage
}

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

/** The same of one call's tokens, without what only prices care about. */
const tokensInTheirWords = (usage: Usage): Counts => ({
  input_tokens: usage.inputTokens + usage.cacheReadTokens + usage.cacheWriteTokens,
  output_tokens: usage.outputTokens,
  cache_read_tokens: usage.cacheReadTokens,
  cache_write_tokens: usage.cacheWriteTokens,
})

/** What is expected of these counts, with what others leave out. */
const theirs = (one: Recorded, reading: Reading, names: readonly string[]): Counts => {
  const expected = expectedOf(one, reading)
  const left = leftOut(one)
  return Object.fromEntries(names.map((name) => [name, (expected[name] ?? 0) + (left[name] ?? 0)]))
}

/** What the door makes of an answer, of its usage alone, or of a part of it. */
const throughTheDoor = (answer: unknown): Counts | string => {
  const usage = usageFrom(answer)
  return usage instanceof UnreadableUsage ? usage.message : tokensInTheirWords(usage)
}

/** Sound in what was not cached: theirs has what was cached too. */
const audioOf = (expected: Counts): number =>
  (expected.input_audio_tokens ?? 0) - (expected.cache_audio_read_tokens ?? 0)

const TOKENS = ["input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens"]

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
  it("are each of an API that is known", () => {
    const counts = new Map<string, number>()
    for (const [api] of bodies()) counts.set(api, (counts.get(api) ?? 0) + 1)
    expect(Object.fromEntries(counts)).toEqual({
      anthropic: 116,
      chat: 207,
      embeddings: 2,
      responses: 138,
      gemini: 203,
      geminiEmbed: 5,
      bedrock: 108,
      cohere: 7,
      cohereEmbed: 2,
    })
  })

  it.each(Object.keys(READINGS) as readonly ReadingName[])(
    "of %s come to what is expected through the library's door, whole and their usage alone",
    (api) => {
      const wrong: unknown[] = []
      for (const [of, one] of bodies()) {
        if (of !== api) continue
        const expected = theirs(one, READINGS[api], TOKENS)
        const { file, usage, usageMetadata, meta } = one.body
        for (const answer of [one.body, usage ?? usageMetadata ?? meta]) {
          const ours = throughTheDoor(answer)
          if (JSON.stringify(ours) !== JSON.stringify(expected))
            wrong.push({ file, ours, expected })
        }
      }
      expect(wrong).toEqual([])
    },
  )

  it("of Cohere, without what is billed, come to all that was read and written", () => {
    const all = bodies().filter(([api]) => api === "cohere")
    expect(
      all.map(([, { body }]) => throughTheDoor({ ...body.usage, billed_units: null })),
    ).toEqual(all.map(([, one]) => theirs(one, { provider: "cohere", flavor: "tokens" }, TOKENS)))
  })

  it.each(Object.keys(METERED) as readonly MeteredName[])(
    "of %s come to what is expected through the gateway's meter",
    (api) => {
      const wrong: unknown[] = []
      for (const [of, one] of bodies()) {
        if (of !== api) continue
        const reading = METERED[api]
        const parts = partsOf(whole(reading.meter, one.body)) ?? []
        const ours = inTheirWords(parts)
        const expected = theirs(one, reading, Object.keys(ZERO))
        const audio = sumOf(parts, (part) => part.inputAudioTokens)
        const isSame = JSON.stringify(ours) === JSON.stringify(expected)
        if (!isSame || audio !== audioOf(expectedOf(one, reading))) {
          wrong.push({ file: one.body.file, ours, expected, audio })
        }
      }
      expect(wrong).toEqual([])
    },
  )

  it("leave something out in six bodies alone: other rounds, and thinking that a total has", () => {
    const more = bodies().filter(([, one]) => {
      return Object.values(leftOut(one)).some((count) => count > 0)
    })
    expect(more.map(([api]) => api).sort()).toEqual([
      ...Array.from({ length: 4 }, () => "anthropic"),
      ...Array.from({ length: 2 }, () => "chat"),
    ])
  })
})
