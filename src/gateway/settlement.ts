/** Turns what a call ended in into what is written down: tokens, money, and where they come from. */
import type { Instant, Usage } from "../../machines/vocabulary.ts"
import type { PriceBook, PricedUsage, ProviderName } from "../pricing/price-book.ts"
import type { CallRequest, CallUsage } from "./dialects/dialect.ts"
import type { CallReport } from "./metered-agent.ts"
import type { Outcome } from "./outcome.ts"

export interface Reckoned {
  readonly provider: ProviderName
  readonly request: CallRequest
  /** What was held for the input. */
  readonly inputTokens: number
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

const totalOf = (parts: readonly PricedUsage[]): Usage =>
  parts.reduce((total, part) => plus(total, part.usage), NOTHING)

export const reportOf = (
  outcome: Extract<Outcome, { kind: "settle" }>,
  call: Reckoned,
  prices: PriceBook,
): CallReport => {
  const parts = partsOf(outcome.with, call)
  const usage = totalOf(parts)
  const model = parts[0]?.model ?? call.request.model
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
): readonly PricedUsage[] => {
  if (basis === "nothing") return []
  return basis === "usage" ? (call.usage?.parts ?? []) : [atMost(call)]
}

/** The input as it was held; of the answer, a token stands for a byte of text or more. */
const atMost = ({ request, inputTokens, outputTokens, answerBytes }: Reckoned): PricedUsage => ({
  model: request.model,
  usage: {
    ...NOTHING,
    inputTokens,
    outputTokens: Math.min(answerBytes + request.thinkingTokens, outputTokens * request.answers),
  },
  cacheWriteHourTokens: 0,
  inputAudioTokens: 0,
  outputAudioTokens: 0,
  webSearches: 0,
})
