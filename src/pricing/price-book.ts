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
  /** The part of `inputAudioTokens` that was read from the cache; none where nobody says. */
  readonly cacheReadAudioTokens?: number
  /** The part of the input that was pictures or film; text where nobody says. */
  readonly inputMediaTokens?: number
  /**
   * The part of the output that was pictures or film. Where nobody says, all of what a model that
   * draws has put out is billed as drawn, which is dearer.
   */
  readonly outputMediaTokens?: number
  /** Searches that the provider made for the model, billed one by one. */
  readonly webSearches: number
}

/** A call before it is made. */
export interface BoundedCall {
  readonly provider: ProviderName
  readonly model: string
  readonly inputTokens: number
  /** Nothing but text goes in, cached or not; otherwise it may all be the dearest sound or film. */
  readonly inputIsText?: boolean
  /** When the call is sent; `costOf` wants the same, as prices change with days and hours. */
  readonly at: Instant
}

/** A call that was made. */
export interface PricedCall {
  readonly provider: ProviderName
  readonly parts: readonly PricedUsage[]
  readonly at: Instant
}

/**
 * Null is "no price is known", 0 is "costs nothing": the two never stand for each other. A model
 * costs nothing where its list says so in words or in zeros; not to be found, or found without a
 * price for tokens, is no price.
 */
export interface PriceBook {
  /**
   * The dearest each token of such a call can be, whatever tier and cache kind; null: no price.
   *
   * Searches are not in it: how many a provider makes is not known before. A model whose list has
   * no price for output, as embeddings have none, is bounded at 0 there; should it put out tokens
   * all the same, `costOf` gives null.
   */
  readonly boundOf: (call: BoundedCall) => CallPrice | null
  /** What a call came to, rounded up to a whole micro-dollar once; null: no price for a part of it. */
  readonly costOf: (call: PricedCall) => MicroUsd | null
  /** Whose address this is; null where no list knows it. */
  readonly providerAt: (baseUrl: URL) => ProviderName | null
}
