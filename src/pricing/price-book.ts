/** What calls cost: the port between providers' price lists and whoever holds and settles money. */
import type { CallPrice } from "../../machines/budget/call-bound.ts"
import type { Instant, MicroUsd, Usage } from "../../machines/vocabulary.ts"

/** Whose price list: the provider an upstream belongs to, or was told to be. */
export type ProviderName = string

/** One model's part of a call, in the four disjoint kinds, with what only prices care about. */
export interface PricedUsage {
  /** As the provider names it in its answer; the request's when it does not. */
  readonly model: string | null
  readonly usage: Usage
  /** The part of `usage.cacheWriteTokens` that was written for an hour; 0 where nobody says. */
  readonly cacheWriteHourTokens: number
  /** Parts of input and output that were sound, which is dearer. */
  readonly inputAudioTokens: number
  readonly outputAudioTokens: number
  /** Searches that the provider made for the model, billed one by one. */
  readonly webSearches: number
}

export interface PriceBook {
  /** The dearest each token of such a call can be, whatever tier and cache kind; null: no price. */
  readonly boundOf: (call: {
    readonly provider: ProviderName
    readonly model: string
    readonly inputTokens: number
    readonly at: Instant
  }) => CallPrice | null
  /** What a call came to, rounded up to a whole micro-dollar once; null: no price for a part of it. */
  readonly costOf: (call: {
    readonly provider: ProviderName
    readonly parts: readonly PricedUsage[]
    readonly at: Instant
  }) => MicroUsd | null
}
