/** Turns what a call ended in into what is written down: tokens, money, and where they come from. */
import type { Instant, Usage } from "../../machines/vocabulary.ts"
import type { PriceBook, PricedUsage, ProviderName } from "../pricing/price-book.ts"
import type { CallRequest, CallUsage } from "./dialects/dialect.ts"
import type { CallReport } from "./metered-agent.ts"
import type { Outcome } from "./outcome.ts"
import type { TokenRatios } from "./token-ratios.ts"

export interface Reckoned {
  readonly provider: ProviderName
  readonly request: CallRequest
  /** What each answer was granted. */
  readonly outputTokens: number
  readonly usage: CallUsage | null
  readonly answerBytes: number
  readonly at: Instant
}

const NOTHING: Usage = { inputTokens: 0, outputTokens: 0, cacheWriteTokens: 0, cacheReadTokens: 0 }

const plus = (a: Usage, b: Usage): Usage => ({
  inputTokens: a.inputTokens + b.inputTokens,
  outputTokens: a.outputTokens + b.outputTokens,
  cacheWriteTokens: a.cacheWriteTokens + b.cacheWriteTokens,
  cacheReadTokens: a.cacheReadTokens + b.cacheReadTokens,
})

const inputOf = (usage: Usage): number =>
  usage.inputTokens + usage.cacheWriteTokens + usage.cacheReadTokens

const totalOf = (parts: readonly PricedUsage[]): Usage =>
  parts.reduce((total, part) => plus(total, part.usage), NOTHING)

export const reportOf = (
  outcome: Extract<Outcome, { kind: "settle" }>,
  call: Reckoned,
  prices: PriceBook,
  ratios: TokenRatios,
): CallReport => {
  const parts = partsOf(outcome.with, call, ratios)
  const usage = totalOf(parts)
  const model = parts[0]?.model ?? call.request.model
  if (outcome.with === "usage") ratios.learn(model, call.request.inputBytes, inputOf(usage))
  const costMicroUsd = costOf(parts, call, prices)
  return { usage, provenance: outcome.provenance, model, costMicroUsd }
}

/** By the model that answered; one without a price of its own is billed as the one asked for. */
const costOf = (
  parts: readonly PricedUsage[],
  { provider, request, at }: Reckoned,
  prices: PriceBook,
): number | null => {
  if (parts.length === 0) return 0
  const asAsked = (): readonly PricedUsage[] =>
    parts.map((part) => ({ ...part, model: request.model }))
  return prices.costOf({ provider, parts, at }) ?? prices.costOf({ provider, parts: asAsked(), at })
}

const partsOf = (
  basis: "usage" | "nothing" | "estimate",
  call: Reckoned,
  ratios: TokenRatios,
): readonly PricedUsage[] => {
  if (basis === "nothing") return []
  const said = call.usage?.parts ?? []
  return basis === "usage" ? said : estimated(said, call, ratios)
}

/** What was said stands; the answer is as long as it was seen to be, and the input as it was sent. */
const estimated = (
  said: readonly PricedUsage[],
  { request, outputTokens, answerBytes }: Reckoned,
  ratios: TokenRatios,
): readonly PricedUsage[] => {
  const total = totalOf(said)
  const seen = ratios.estimate(request.model, answerBytes) + request.thinkingTokens
  const output = Math.min(seen, outputTokens * request.answers)
  const sent = Math.min(
    request.inputBoundTokens,
    ratios.estimate(request.model, request.inputBytes),
  )
  const missing: Usage = {
    ...NOTHING,
    inputTokens: inputOf(total) === 0 ? sent : 0,
    outputTokens: Math.max(0, output - total.outputTokens),
  }
  const unsaid: PricedUsage = {
    model: said[0]?.model ?? request.model,
    usage: missing,
    cacheWriteHourTokens: 0,
    inputAudioTokens: 0,
    outputAudioTokens: 0,
    webSearches: 0,
  }
  return [...said, unsaid]
}
