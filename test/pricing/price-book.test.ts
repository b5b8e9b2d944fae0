import { readFileSync } from "node:fs"
import { afterEach, describe, expect, test, vi } from "vitest"
import type { OwnPrice } from "../../src/config/prices.ts"
import { openPriceBook } from "../../src/pricing/open-price-book.ts"
import type { PricedUsage } from "../../src/pricing/price-book.ts"

const book = await openPriceBook()

const NOW = Date.parse("2026-11-01T12:00:00Z")
const NO_USAGE = { inputTokens: 0, outputTokens: 0, cacheWriteTokens: 0, cacheReadTokens: 0 }

type Counts = Partial<PricedUsage["usage"] & Omit<PricedUsage, "usage" | "model">>

const part = (model: string | null, counts: Counts = {}): PricedUsage => {
  const { inputTokens = 0, outputTokens = 0, cacheWriteTokens = 0, cacheReadTokens = 0 } = counts
  const { cacheWriteHourTokens = 0, inputAudioTokens = 0, outputAudioTokens = 0 } = counts
  return {
    ...counts,
    model,
    usage: { ...NO_USAGE, inputTokens, outputTokens, cacheWriteTokens, cacheReadTokens },
    ...{ cacheWriteHourTokens, inputAudioTokens, outputAudioTokens },
    webSearches: counts.webSearches ?? 0,
  }
}

const cost = (provider: string, model: string, counts: Counts, at = NOW, prices = book) =>
  prices.costOf({ provider, parts: [part(model, counts)], at })

const M = 1_000_000
const DOLLAR = 1_000_000

describe("what a call came to", () => {
  const MODEL = "claude-3-5-haiku-latest"

  test.each<[string, Counts, number]>([
    ["input", { inputTokens: M }, 0.8],
    ["output", { outputTokens: M }, 4],
    ["cache writes for five minutes", { cacheWriteTokens: M }, 1],
    ["cache writes for an hour", { cacheWriteTokens: M, cacheWriteHourTokens: M }, 1.6],
    ["cache writes of both", { cacheWriteTokens: M, cacheWriteHourTokens: M / 4 }, 1.15],
    ["cache reads", { cacheReadTokens: M }, 0.08],
    ["searches, by the thousand", { webSearches: 1_000 }, 10],
    ["nothing", {}, 0],
  ])("%s", (_, counts, dollars) => {
    expect(cost("anthropic", MODEL, counts)).toBe(dollars * DOLLAR)
  })

  test("is rounded up once, not once a kind or a part", () => {
    const tiny = { inputTokens: 1, cacheReadTokens: 1 } // 0.8 + 0.08
    expect(cost("anthropic", MODEL, tiny)).toBe(1)
    const three = [part(MODEL, tiny), part(MODEL, tiny), part(MODEL, tiny)] // 2.64
    expect(book.costOf({ provider: "anthropic", parts: three, at: NOW })).toBe(3)
  })

  test("no float drifts into it: ten times 0.1 is one", () => {
    const own = [{ model: "m", inputUsdPerMTok: 0.1, outputUsdPerMTok: 0.2 }]
    return openPriceBook(own).then((prices) => {
      expect(cost("x", "m", { inputTokens: 10 }, NOW, prices)).toBe(1)
      expect(cost("x", "m", { inputTokens: 1, outputTokens: 2 }, NOW, prices)).toBe(1)
      expect(cost("x", "m", { inputTokens: 3, outputTokens: 1 }, NOW, prices)).toBe(1)
    })
  })

  test("the whole call is at the tier that its input reaches, output included", () => {
    const of = (counts: Counts) => cost("anthropic", "claude-sonnet-4-5", counts)
    expect(of({ inputTokens: 200_000, outputTokens: 1_000 })).toBe(600_000 + 15_000)
    expect(of({ inputTokens: 200_001, outputTokens: 1_000 })).toBe(1_200_006 + 22_500)
    expect(of({ inputTokens: 1, cacheReadTokens: 200_000 })).toBe(6 + 120_000)
  })

  test("the price is that of the day", () => {
    const of = (day: string) => cost("openai", "o3", { inputTokens: M }, Date.parse(day))
    expect(of("2025-06-09T23:59:59.999Z")).toBe(10 * DOLLAR)
    expect(of("2025-06-10T00:00:00Z")).toBe(2 * DOLLAR)
  })

  test("the price is that of the hour", () => {
    const of = (hour: string) =>
      cost("deepseek", "deepseek-chat", { inputTokens: M }, Date.parse(`2025-08-01T${hour}Z`))
    expect(of("12:00:00")).toBeGreaterThan(of("20:00:00") ?? Number.NaN)
  })

  test("sound and pictures are dearer, and sound from the cache is not sound in full", () => {
    const of = (counts: Counts) => cost("openai", "gpt-realtime", counts)
    expect(of({ inputTokens: M, inputAudioTokens: M / 2 })).toBe(18 * DOLLAR)
    expect(of({ inputTokens: M, inputMediaTokens: M })).toBe(5 * DOLLAR)
    expect(of({ outputTokens: M, outputAudioTokens: M / 4 })).toBe(28 * DOLLAR)
    expect(of({ cacheReadTokens: M, inputAudioTokens: M })).toBe(0.4 * DOLLAR)
    const some = { inputTokens: M, cacheReadTokens: M, inputAudioTokens: M }
    expect(of(some)).toBe(32.4 * DOLLAR)
    expect(of({ ...some, cacheReadAudioTokens: M })).toBe(4.4 * DOLLAR)
  })

  test("where nobody says what a model that draws has put out, it has drawn", () => {
    const of = (counts: Counts) => cost("google", "gemini-2.5-flash-image", counts)
    expect(of({ outputTokens: M })).toBe(30 * DOLLAR)
    expect(of({ outputTokens: M, outputMediaTokens: 0 })).toBe(2.5 * DOLLAR)
  })

  test("a call has its own price where the list says so", () => {
    expect(cost("perplexity", "sonar", { inputTokens: 1_000, outputTokens: 1_000 })).toBe(14_000)
  })

  test("parts that claim more than the whole are not billed twice", () => {
    const much = { cacheWriteHourTokens: M, inputAudioTokens: M, outputAudioTokens: M }
    expect(cost("anthropic", MODEL, { inputTokens: M, outputTokens: M, ...much })).toBe(4_800_000)
  })
})

describe("no price is not a price of 0", () => {
  test.each([
    ["a model that nobody knows", "openai", "gpt-of-tomorrow"],
    ["a provider that nobody knows", "acme", "gpt-5"],
    ["a model that is billed by the hour", "openai", "whisper-1"],
    ["a model that is billed by the page", "mistral", "mistral-ocr-2503"],
    ["a model that is in the list without a price", "cerebras", "qwen-3-coder-480b"],
    ["a model that is billed by the song", "openrouter", "google/lyria-3-pro-preview"],
  ])("%s", (_, provider, model) => {
    expect(book.boundOf({ provider, model, inputTokens: 1_000, at: NOW })).toBeNull()
    expect(cost(provider, model, { inputTokens: 1 })).toBeNull()
    expect(cost(provider, model, {})).toBeNull()
  })

  test.each([
    ["openrouter", "deepseek/deepseek-r1:free"],
    ["google", "gemma-3-27b-it"],
    ["google", "gemma-4-31b-it"],
    ["github-copilot", "gpt-4o"],
    ["openai", "omni-moderation-latest"],
  ])("%s says that %s costs nothing", (provider, model) => {
    const free = { inputPicoUsd: 0, outputPicoUsd: 0, perCallMicroUsd: 0 }
    expect(book.boundOf({ provider, model, inputTokens: 1_000, at: NOW })).toEqual(free)
    expect(cost(provider, model, { inputTokens: M, outputTokens: M, webSearches: 1 })).toBe(0)
  })

  test("one part without a price leaves the whole without", () => {
    const parts = [part("claude-haiku-4-5", { inputTokens: 1 }), part("claude-of-tomorrow")]
    const known = parts.slice(0, 1)
    expect(book.costOf({ provider: "anthropic", parts: known, at: NOW })).toBe(1)
    for (const unknown of [parts, [part("claude-haiku-4-5"), part(null)]])
      expect(book.costOf({ provider: "openai", parts: unknown, at: NOW })).toBeNull()
  })

  test("output of a model that has no price for output, and searches without one", () => {
    const of = (counts: Counts) => cost("openai", "text-embedding-3-small", counts)
    expect(of({ inputTokens: M })).toBe(20_000)
    expect(of({ inputTokens: M, outputTokens: 1 })).toBeNull()
    expect(of({ inputTokens: M, webSearches: 1 })).toBeNull()
  })
})

describe("whose prices", () => {
  test.each([
    ["https://api.anthropic.com/", "anthropic"],
    ["https://api.openai.com/v1", "openai"],
    ["https://generativelanguage.googleapis.com/", "google"],
    ["https://openrouter.ai/api/v1", "openrouter"],
    ["https://api.groq.com/openai/v1", "groq"],
    ["https://api.deepseek.com/", "deepseek"],
    ["https://api.mistral.ai/v1", "mistral"],
    ["https://team.openai.azure.com/openai/v1", "azure"],
    ["https://bedrock-runtime.eu-west-1.amazonaws.com/openai/v1", "aws"],
    ["http://127.0.0.1:4000/", null],
  ])("at %s those of %s", (url, provider) => {
    expect(book.providerAt(new URL(url))).toBe(provider)
  })

  test("a model costs what its seller asks", () => {
    const asks = { inputTokens: M }
    expect(cost("bedrock", "anthropic.claude-opus-4-6-v1:0", asks)).toBe(5.5 * DOLLAR)
    expect(cost("anthropic", "claude-opus-4-6", asks)).toBe(5 * DOLLAR)
  })
})

describe("stated prices", () => {
  const flat = (model: string, usd: number, rest: Partial<OwnPrice> = {}): OwnPrice => ({
    model,
    inputUsdPerMTok: usd,
    outputUsdPerMTok: usd,
    ...rest,
  })

  test("come before the list's, the closest of them first", async () => {
    const prices = await openPriceBook([
      flat("*", 1),
      flat("gpt-*", 2),
      flat("gpt-5*", 3),
      flat("gpt-5*", 4, { provider: "azure" }),
      flat("gpt-5", 5),
      flat("gpt-5", 6, { provider: "OpenAI" }),
    ])
    const of = (provider: string, model: string) =>
      (cost(provider, model, { inputTokens: M }, NOW, prices) ?? 0) / DOLLAR
    expect(of("acme", "llama")).toBe(1)
    expect(of("acme", "gpt-4")).toBe(2)
    expect(of("acme", "gpt-5-mini")).toBe(3)
    expect(of("azure", "gpt-5-mini")).toBe(4)
    expect(of("azure", "gpt-5")).toBe(5)
    expect(of("openai", "gpt-5")).toBe(6)
  })

  test("a provider is known by any of its names", async () => {
    const prices = await openPriceBook([flat("m", 2, { provider: "bedrock" })])
    expect(cost("aws", "m", { inputTokens: 1 }, NOW, prices)).toBe(2)
    expect(cost("openai", "m", { inputTokens: 1 }, NOW, prices)).toBeNull()
  })

  test("what they leave out costs as input does, and an hour as five minutes", async () => {
    const bare = await openPriceBook([flat("m", 3)])
    expect(cost("x", "m", { cacheReadTokens: 1, cacheWriteTokens: 1 }, NOW, bare)).toBe(6)
    const own = flat("m", 3, { cacheReadUsdPerMTok: 1, cacheWriteUsdPerMTok: 4, perCallUsd: 0.5 })
    const full = await openPriceBook([own])
    const hour = { cacheReadTokens: 1, cacheWriteTokens: 2, cacheWriteHourTokens: 1 }
    expect(cost("x", "m", hour, NOW, full)).toBe(500_009)
    expect(full.boundOf({ provider: "x", model: "m", inputTokens: 1, at: NOW })).toEqual({
      inputPicoUsd: 4_000_000,
      outputPicoUsd: 3_000_000,
      perCallMicroUsd: 500_000,
    })
  })

  test("searches cost what the list says, or have no price", async () => {
    const prices = await openPriceBook([flat("claude-haiku-4-5", 0), flat("m", 0)])
    expect(cost("anthropic", "claude-haiku-4-5", { webSearches: 1 }, NOW, prices)).toBe(10_000)
    expect(cost("anthropic", "m", { webSearches: 1 }, NOW, prices)).toBeNull()
    expect(cost("anthropic", "m", { inputTokens: 1 }, NOW, prices)).toBe(0)
  })
})

describe("the list", () => {
  afterEach(() => vi.unstubAllGlobals())

  test("is never fetched", async () => {
    const fetched = vi.fn(() => Promise.reject(new Error("no network")))
    vi.stubGlobal("fetch", fetched)
    vi.resetModules()
    const { openPriceBook: openAnew } = await import("../../src/pricing/open-price-book.ts")
    const anew = await openAnew()
    expect(cost("anthropic", "claude-haiku-4-5", { inputTokens: 1 }, NOW, anew)).toBe(1)
    expect(fetched).not.toHaveBeenCalled()
  })

  test("is loaded by nobody who does not open the book", () => {
    for (const file of ["price-book", "rates", "exact", "own-prices", "open-price-book"]) {
      const text = readFileSync(new URL(`../../src/pricing/${file}.ts`, import.meta.url), "utf8")
      expect(text).not.toContain("@pydantic/genai-prices")
    }
    const list = readFileSync(new URL("../../src/pricing/price-list.ts", import.meta.url), "utf8")
    expect(list).not.toMatch(/^import .*genai-prices/m)
  })
})
