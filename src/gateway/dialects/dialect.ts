/**
 * A dialect: one API of a provider, as the gateway must understand it. Requests are bounded before
 * they leave, answers are read along for their usage, refusals are told in the vendor's own words.
 *
 * A dialect is pure: bytes and values in, values out. It knows no budget and no network.
 */
import type { PricedUsage, ProviderName } from "../../pricing/price-book.ts"

export type DialectName =
  | "anthropic-messages"
  | "openai-chat"
  | "openai-completions"
  | "openai-responses"
  | "openai-embeddings"
  | "gemini-generate"
  | "gemini-embed"

export type Json = Readonly<Record<string, unknown>>

/** What the path already says; Gemini names model and streaming there. */
export interface CallPath {
  readonly model: string | null
  readonly streams: boolean
}

/** Why a call's cost cannot be told from its body; `rule` is its row of the documented table. */
export interface Unboundable {
  readonly rule: string
  readonly why: string
  /** The provider's own count of the input settles it (media and the like), the answer is bounded. */
  readonly countSettles: boolean
}

/** What one request asks a model to do. */
export interface CallRequest {
  /** As the provider will bill it. */
  readonly model: string
  readonly streams: boolean
  /** The answer will say its usage as the request stands; false: `askUsage` is needed for it. */
  readonly saysUsage: boolean
  /**
   * UTF-8 bytes of the body plus the provider's template: no tokenizer makes more tokens of it.
   * A bound only where `unboundable` is null.
   */
  readonly inputBoundTokens: number
  /** The answer's own cap, per answer; null: the request has none. */
  readonly outputCap: number | null
  /** False: the cap is only what the API is known to do without one, and holds once it is put in. */
  readonly saysCap: boolean
  /** A cap below this leaves no useful answer beside the thinking that was asked for. 0: no output. */
  readonly thinkingTokens: number
  /** False where the API has no cap to put in, and no output to bound (embeddings). */
  readonly hasOutput: boolean
  /** Answers asked for at once: `n`, `best_of`, `candidateCount`, prompts in one request. */
  readonly answers: number
  readonly unboundable: Unboundable | null
}

/** A body the gateway cannot vouch for: not JSON, a key twice, a count that is no count. */
export interface MalformedRequest {
  readonly malformed: string
}

export interface RequestChange {
  /**
   * The most an answer may have: lowers the request's own cap, or is put in where it had none, and
   * raises none. Needed wherever `saysCap` is false: a server's own default need not be the API's.
   */
  readonly outputCap: number | null
  /** Asks for usage at the stream's end, where that must be asked for. */
  readonly askUsage: boolean
  /** A note for the model, where the API has a place for one. */
  readonly note: string | null
}

/** What a call came to, by the provider's own words. One part a model; most calls have one. */
export interface CallUsage {
  readonly parts: readonly PricedUsage[]
}

/** One event of a stream: most are passed by unread, so its text stays bytes. */
export interface StreamEvent {
  /** Null: the event has no name of its own. */
  readonly event: string | null
  /** Its `data` lines joined as the standard says, in UTF-8; a view, valid until the reader returns. */
  readonly data: Buffer
}

/** Reads one answer along. Never throws, whatever the provider says. */
export interface AnswerMeter {
  readonly event: (event: StreamEvent) => void
  /** A whole answer that was no stream. */
  readonly whole: (body: unknown) => void
  /** What the provider has said so far; null while it has said nothing. */
  readonly usage: () => CallUsage | null
  /** The provider has said all: what `usage` gives is final. */
  readonly isFinal: () => boolean
  /** UTF-8 bytes of answer seen, for an estimate when the final word never comes. */
  readonly answerBytes: () => number
  /** The provider's own id of this answer; null while unknown. */
  readonly answerId: () => string | null
  /** What an error inside a 200 stream says; null while there is none. */
  readonly error: () => string | null
}

/** A refusal as the gateway tells it, whatever the vendor: the numbers are in `message` and `details`. */
export interface RefusalWords {
  readonly status: number
  /** A word for programs: `budget_exceeded`, `unboundable`, `not_metered`, `upstream_failed` … */
  readonly code: string
  readonly message: string
  readonly details: Json
}

export interface Dialect {
  readonly name: DialectName
  /** The provider whose price list and shapes these are, unless the upstream says otherwise. */
  readonly provider: ProviderName
  /** Reads a request's bytes, decoded of any content encoding; `path` as routed. */
  readonly read: (body: Buffer, path: CallPath) => CallRequest | MalformedRequest
  /** The same bytes but for what `change` puts in. Only for a body that `read` has let through. */
  readonly rewrite: (body: Buffer, change: RequestChange) => Buffer
  /** True where an added `askUsage` makes the provider send an event that the client did not ask for. */
  readonly isAddedUsage: (event: StreamEvent) => boolean
  /** False as soon as an event's data, begun, shows that it is not that one: its bytes need not wait. */
  readonly mayBeAddedUsage: (begun: Buffer) => boolean
  readonly meter: (request: CallRequest) => AnswerMeter
  /** The body of an error in the vendor's own shape. */
  readonly refusal: (words: RefusalWords) => Json
}
