import { calcPrice, findProvider } from "@pydantic/genai-prices"
import fc from "fast-check"
import { expect, test } from "vitest"
import type { CallPrice } from "../../machines/budget/call-bound.ts"
import { openPriceBook } from "../../src/pricing/open-price-book.ts"
import type { PricedUsage } from "../../src/pricing/price-book.ts"

const book = await openPriceBook()

const PROVIDERS = [
  ...["anthropic", "openai", "google", "openrouter", "groq", "deepseek", "mistral", "azure"],
  ...["aws", "perplexity", "x-ai", "moonshotai", "minimax", "together", "fireworks", "cohere"],
]

/** Ids that a provider's list answers to; a list may know a model by other names only. */
const MODELS = PROVIDERS.flatMap((provider) =>
  (findProvider({ providerId: provider })?.models ?? []).flatMap(({ id }) =>
    calcPrice({}, id, { providerId: provider }) === null ? [] : [{ provider, model: id }],
  ),
)

const instant = fc.integer({
  min: Date.parse("2024-06-01T00:00:00Z"),
  max: Date.parse("2026-11-28T00:00:00Z"),
})

/** Sizes at and around the places where tiers begin, and any other. */
const size = fc.oneof(
  fc.integer({ min: 0, max: 3 }),
  fc
    .constantFrom(32_000, 128_000, 200_000, 256_000, 271_999, 272_000)
    .chain((edge) => fc.integer({ min: edge - 1, max: edge + 1 })),
  fc.integer({ min: 0, max: 2_000_000 }),
)

const share = fc.double({ min: 0, max: 1, noNaN: true })

/** A part whose kinds come to `input` together, in any shares. */
const partFrom = (
  model: string,
  input: number,
  outputTokens: number,
  shares: readonly number[],
): PricedUsage => {
  const [write = 0, read = 0, hour = 0, audio = 0, media = 0, outAudio = 0, outMedia = 0] = shares
  const cacheWriteTokens = Math.floor(input * write)
  const cacheReadTokens = Math.floor((input - cacheWriteTokens) * read)
  const inputTokens = input - cacheWriteTokens - cacheReadTokens
  const outputAudioTokens = Math.floor(outputTokens * outAudio)
  return {
    model,
    usage: { inputTokens, outputTokens, cacheWriteTokens, cacheReadTokens },
    cacheWriteHourTokens: Math.floor(cacheWriteTokens * hour),
    inputAudioTokens: Math.floor(inputTokens * audio),
    outputAudioTokens,
    inputMediaTokens: Math.floor(inputTokens * (1 - audio) * media),
    ...(outMedia < 0.5
      ? {}
      : { outputMediaTokens: Math.floor((outputTokens - outputAudioTokens) * outMedia) }),
    webSearches: 0,
  }
}

const part = (model: string) =>
  fc
    .tuple(
      size,
      fc.integer({ min: 0, max: 200_000 }),
      fc.array(share, { minLength: 7, maxLength: 7 }),
    )
    .map(([input, output, shares]) => partFrom(model, input, output, shares))

const inputOf = ({ usage }: PricedUsage): number =>
  usage.inputTokens + usage.cacheWriteTokens + usage.cacheReadTokens

const boundMicroUsd = (price: CallPrice, inputTokens: number, outputTokens: number): number => {
  const picoUsd =
    BigInt(price.inputPicoUsd) * BigInt(inputTokens) +
    BigInt(price.outputPicoUsd) * BigInt(outputTokens)
  return Number((picoUsd + 999_999n) / 1_000_000n) + price.perCallMicroUsd
}

test("hundreds of models of many sellers are priced", () => {
  expect(MODELS.length).toBeGreaterThan(800)
  const unpriced = MODELS.filter(
    ({ provider, model }) =>
      book.boundOf({ provider, model, inputTokens: 1, at: Date.parse("2026-11-01") }) === null,
  )
  expect(unpriced.length).toBeLessThan(25)
})

test("no call of at most the bounded size costs more than its bound, in any model at any time", () => {
  for (const { provider, model } of MODELS) {
    const calls = fc.tuple(
      part(model),
      instant,
      fc.integer({ min: 0, max: 3 }),
      fc.integer({ min: 0, max: 3 }),
    )
    fc.assert(
      fc.property(calls, ([made, at, spareInput, spareOutput]) => {
        const inputTokens = inputOf(made) + spareInput
        const price = book.boundOf({ provider, model, inputTokens, at })
        const cost = book.costOf({ provider, parts: [made], at })
        if (price === null) expect(cost).toBeNull()
        else
          expect(cost ?? 0).toBeLessThanOrEqual(
            boundMicroUsd(price, inputTokens, made.usage.outputTokens + spareOutput),
          )
      }),
      { numRuns: 15 },
    )
  }
})

test("text alone is bounded by the prices of text", () => {
  fc.assert(
    fc.property(fc.constantFrom(...MODELS), size, instant, ({ provider, model }, input, at) => {
      const call = { provider, model, inputTokens: input, at }
      const any = book.boundOf(call)
      const text = book.boundOf({ ...call, inputIsText: true })
      const whole = partFrom(model, input, 0, [])
      const cost = book.costOf({ provider, parts: [whole], at })
      if (any === null || text === null) {
        expect(text).toBe(any)
        return
      }
      expect(text.inputPicoUsd).toBeLessThanOrEqual(any.inputPicoUsd)
      expect(cost ?? 0).toBeLessThanOrEqual(boundMicroUsd(text, input, 0))
    }),
    { numRuns: 500 },
  )
  const call = { provider: "google", model: "gemini-2.5-flash", inputTokens: 9, at: 0 }
  const text = book.boundOf({ ...call, inputIsText: true })?.inputPicoUsd ?? 0
  expect(book.boundOf(call)?.inputPicoUsd).toBeGreaterThan(2 * text)
})

test("a bound knows the tiers that its input can reach, and no other", () => {
  const of = (inputTokens: number) =>
    book.boundOf({
      ...{ provider: "anthropic", model: "claude-sonnet-4-5", inputTokens },
      at: Date.parse("2026-11-01"),
    })
  const cheap = { inputPicoUsd: 6_000_000, outputPicoUsd: 15_000_000, perCallMicroUsd: 0 }
  const dear = { inputPicoUsd: 12_000_000, outputPicoUsd: 22_500_000, perCallMicroUsd: 0 }
  expect([of(200_000), of(200_001)]).toEqual([cheap, dear])
})

/** A fraction of whole numbers, by the digits as they are written. */
const rational = (price: number): readonly [over: bigint, under: bigint] => {
  const [mantissa = "", exponent = "0"] = String(price).split("e")
  const [whole = "", fraction = ""] = mantissa.split(".")
  const places = fraction.length - Number(exponent)
  const digits = BigInt(whole + fraction)
  return places >= 0 ? [digits, 10n ** BigInt(places)] : [digits * 10n ** BigInt(-places), 1n]
}

test("a stated price is multiplied exactly, for any decimal and any count", async () => {
  const price = fc.integer({ min: 0, max: 2_000_000_000 }).map((n) => n / 1_000_000)
  const count = fc.oneof(fc.integer({ min: 0, max: 10 }), fc.integer({ min: 0, max: 50_000_000 }))
  const prices = fc.tuple(price, price, price, price, price, price)
  await fc.assert(
    fc.asyncProperty(prices, fc.tuple(count, count, count, count, count), async (usd, tokens) => {
      const [input, output, read, write, hour, call] = usd
      const own = await openPriceBook([
        {
          model: "m",
          ...{ inputUsdPerMTok: input, outputUsdPerMTok: output, cacheReadUsdPerMTok: read },
          ...{ cacheWriteUsdPerMTok: write, cacheWriteHourUsdPerMTok: hour, perCallUsd: call },
        },
      ])
      const [inputTokens, outputTokens, cacheReadTokens, minuteTokens, hourTokens] = tokens
      const made: PricedUsage = {
        model: "m",
        usage: {
          inputTokens,
          outputTokens,
          cacheReadTokens,
          cacheWriteTokens: minuteTokens + hourTokens,
        },
        cacheWriteHourTokens: hourTokens,
        ...{ inputAudioTokens: 0, outputAudioTokens: 0, webSearches: 0 },
      }
      let over = 0n
      let under = 1n
      const add = (dollars: number, times: bigint): void => {
        const [o, u] = rational(dollars)
        over = over * u + o * times * under
        under *= u
      }
      for (const [index, dollars] of [input, output, read, write, hour].entries())
        add(dollars, BigInt(tokens[index] ?? 0))
      add(call, 1_000_000n)
      const expected = (over + under - 1n) / under
      const cost = own.costOf({ provider: "x", parts: [made], at: 0 })
      expect(cost).toBe(Math.min(Number(expected), Number.MAX_SAFE_INTEGER))
    }),
    { numRuns: 200 },
  )
})

test("any model's cost is what its list computes in floats, within their error", () => {
  for (const { provider, model } of MODELS) {
    fc.assert(
      fc.property(part(model), instant, (made, at) => {
        const cost = book.costOf({ provider, parts: [made], at })
        if (cost === null || made.outputMediaTokens === undefined) return
        const { usage } = made
        const floats = calcPrice(
          {
            input_tokens: inputOf(made),
            output_tokens: usage.outputTokens,
            cache_read_tokens: usage.cacheReadTokens,
            cache_write_tokens: usage.cacheWriteTokens,
            cache_write_5m_tokens: usage.cacheWriteTokens - made.cacheWriteHourTokens,
            cache_write_1h_tokens: made.cacheWriteHourTokens,
            input_audio_tokens: made.inputAudioTokens,
            cache_audio_read_tokens: made.cacheReadAudioTokens ?? 0,
            output_audio_tokens: made.outputAudioTokens,
            input_image_tokens: made.inputMediaTokens ?? 0,
            output_image_tokens: made.outputMediaTokens,
          },
          model,
          { providerId: provider, timestamp: new Date(at) },
        )
        const microUsd = (floats?.total_price ?? Number.NaN) * 1_000_000
        // Film and pictures are one to us, at the dearer of their prices; drawing never cheaper.
        expect(cost).toBeGreaterThanOrEqual(microUsd * (1 - 1e-9) - 1e-6)
        const hasFilm = Object.keys(floats?.model_price ?? {}).some((key) => key.includes("video"))
        if (!hasFilm) expect(cost).toBeLessThanOrEqual(microUsd * (1 + 1e-9) + 1 + 1e-6)
      }),
      { numRuns: 5 },
    )
  }
})
