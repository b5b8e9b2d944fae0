/** What is written down for a call: the provider's words, or estimates that stay within bounds. */
import * as fc from "fast-check"
import { describe, expect, it } from "vitest"
import type { CallRequest } from "../../src/gateway/dialects/dialect.ts"
import { withMargin } from "../../src/gateway/provider-count.ts"
import { type Reckoned, reportOf } from "../../src/gateway/settlement.ts"
import { TokenRatios } from "../../src/gateway/token-ratios.ts"
import type { PricedUsage } from "../../src/pricing/price-book.ts"
import { PRICES } from "./gateway-world.ts"

const REQUEST: CallRequest = {
  model: "model-1",
  streams: true,
  saysUsage: true,
  saysCap: true,
  inputBoundTokens: 1_100,
  inputBytes: 1_000,
  outputCap: 500,
  thinkingTokens: 0,
  hasOutput: true,
  answers: 1,
  unboundable: null,
}

const part = (
  usage: Partial<PricedUsage["usage"]>,
  model: string | null = "model-1",
): PricedUsage => ({
  model,
  usage: { inputTokens: 0, outputTokens: 0, cacheWriteTokens: 0, cacheReadTokens: 0, ...usage },
  cacheWriteHourTokens: 0,
  inputAudioTokens: 0,
  outputAudioTokens: 0,
  webSearches: 0,
})

const CALL: Reckoned = {
  provider: "anthropic",
  request: REQUEST,
  outputTokens: 500,
  usage: null,
  answerBytes: 0,
  at: 0,
}

const ESTIMATE = { kind: "settle", with: "estimate", provenance: "estimated" } as const
const REPORTED = { kind: "settle", with: "usage", provenance: "reported" } as const
const NOTHING = { kind: "settle", with: "nothing", provenance: "reported" } as const
const report = (
  outcome: Parameters<typeof reportOf>[0],
  call: Partial<Reckoned>,
  ratios = new TokenRatios(),
) => reportOf(outcome, { ...CALL, ...call }, PRICES, ratios)

describe("a report", () => {
  it("is the provider's words, all models of the call together", () => {
    const usage = {
      parts: [part({ inputTokens: 5, cacheReadTokens: 7 }), part({ outputTokens: 3 }, "other")],
    }
    expect(report(REPORTED, { usage })).toEqual({
      usage: { inputTokens: 5, outputTokens: 3, cacheWriteTokens: 0, cacheReadTokens: 7 },
      provenance: "reported",
      model: "model-1",
      costMicroUsd: 3 * 5 + 15 * 3,
    })
  })

  it("of a call that was not billed is nothing, and costs nothing", () => {
    const { usage, costMicroUsd } = report(NOTHING, { answerBytes: 900 })
    expect(Object.values(usage)).toEqual([0, 0, 0, 0])
    expect(costMicroUsd).toBe(0)
  })

  it("keeps what was said and estimates the rest of the answer", () => {
    const usage = { parts: [part({ inputTokens: 9, cacheReadTokens: 40, outputTokens: 1 })] }
    expect(report(ESTIMATE, { usage, answerBytes: 200 }).usage).toEqual({
      inputTokens: 9,
      outputTokens: 100,
      cacheWriteTokens: 0,
      cacheReadTokens: 40,
    })
  })

  it("without a price has no cost", () => {
    const priceless = { ...PRICES, costOf: () => null }
    expect(
      reportOf(REPORTED, { ...CALL, usage: { parts: [part({})] } }, priceless, new TokenRatios())
        .costMicroUsd,
    ).toBeNull()
  })

  it("that is estimated never goes beyond what was held", () => {
    const sizes = fc.nat({ max: 1_000_000 })
    fc.assert(
      fc.property(
        sizes,
        sizes,
        sizes,
        fc.integer({ min: 1, max: 8 }),
        (bytes, answerBytes, thinking, answers) => {
          const request = {
            ...REQUEST,
            inputBytes: bytes,
            inputBoundTokens: bytes + 100,
            thinkingTokens: thinking,
            answers,
          }
          const { usage } = report(ESTIMATE, { request, answerBytes })
          expect(usage.inputTokens).toBeLessThanOrEqual(bytes + 100)
          expect(usage.outputTokens).toBeLessThanOrEqual(500 * answers)
        },
      ),
    )
  })
})

describe("the ratio of tokens to bytes", () => {
  it("is learned by model from what was reported, with a margin", () => {
    const ratios = new TokenRatios()
    expect(ratios.estimate("model-1", 1_000)).toBe(500)
    report(
      REPORTED,
      { usage: { parts: [part({ inputTokens: 200, cacheReadTokens: 50 })] } },
      ratios,
    )
    expect(ratios.estimate("model-1", 1_000)).toBe(300)
    expect(ratios.estimate("model-2", 1_000)).toBe(500)
  })

  it("is never more than a token a byte", () => {
    const ratios = new TokenRatios()
    ratios.learn("model-1", 10, 1_000)
    expect(ratios.estimate("model-1", 100)).toBe(100)
  })

  it("is kept for a bounded number of models", () => {
    const ratios = new TokenRatios()
    for (let at = 0; at < 1_000; at += 1) ratios.learn(`model-${at}`, 1_000, 100)
    expect(ratios.estimate("model-0", 1_000)).toBe(500)
    expect(ratios.estimate("model-999", 1_000)).toBe(120)
  })
})

describe("the margin on a provider's count", () => {
  it("is a twentieth and 64 tokens", () => {
    expect(withMargin(0)).toBe(64)
    expect(withMargin(1_000)).toBe(1_114)
  })
})
