/** What is written down for a call: the provider's words, or estimates that stay within bounds. */
import * as fc from "fast-check"
import { describe, expect, it } from "vitest"
import type { CallRequest } from "../../src/gateway/dialects/dialect.ts"
import { withMargin } from "../../src/gateway/provider-count.ts"
import { type Reckoned, reportOf } from "../../src/gateway/settlement.ts"
import type { PricedUsage } from "../../src/pricing/price-book.ts"
import { PRICES } from "./gateway-world.ts"

const REQUEST: CallRequest = {
  model: "model-1",
  streams: true,
  saysUsage: true,
  saysCap: true,
  inputBoundTokens: 1_100,
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
  inputTokens: 700,
  outputTokens: 500,
  usage: null,
  answerBytes: 0,
  at: 0,
}

const ESTIMATE = { kind: "settle", with: "estimate", provenance: "estimated" } as const
const REPORTED = { kind: "settle", with: "usage", provenance: "reported" } as const
const NOTHING = { kind: "settle", with: "nothing", provenance: "reported" } as const
const report = (outcome: Parameters<typeof reportOf>[0], call: Partial<Reckoned>) =>
  reportOf(outcome, { ...CALL, ...call }, PRICES)

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

  it("of an answer without usage is no less than what text can be at most: a token a byte", () => {
    const request = { ...REQUEST, thinkingTokens: 30 }
    expect(report(ESTIMATE, { request, answerBytes: 200 }).usage).toEqual({
      inputTokens: 700,
      outputTokens: 230,
      cacheWriteTokens: 0,
      cacheReadTokens: 0,
    })
  })

  it("without a price has no cost", () => {
    const priceless = { ...PRICES, costOf: () => null }
    const call = { ...CALL, usage: { parts: [part({})] } }
    expect(reportOf(REPORTED, call, priceless).costMicroUsd).toBeNull()
  })

  it("that is estimated never goes beyond what was held", () => {
    const sizes = fc.nat({ max: 1_000_000 })
    fc.assert(
      fc.property(
        sizes,
        sizes,
        sizes,
        fc.integer({ min: 1, max: 8 }),
        (inputTokens, answerBytes, thinking, answers) => {
          const request = { ...REQUEST, thinkingTokens: thinking, answers }
          const { usage } = report(ESTIMATE, { request, inputTokens, answerBytes })
          expect(usage.inputTokens).toBe(inputTokens)
          expect(usage.outputTokens).toBeLessThanOrEqual(500 * answers)
        },
      ),
    )
  })
})

describe("the margin on a provider's count", () => {
  it("is a twentieth and 64 tokens", () => {
    expect(withMargin(0)).toBe(64)
    expect(withMargin(1_000)).toBe(1_114)
  })
})
