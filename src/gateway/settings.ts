/** Every bound the gateway keeps, with its default and why it is that. */

export interface GatewaySettings {
  /** A request must be read whole to be bounded; models' own limits lie below this. */
  readonly bodyBytesMax: number
  /** The cap put into a request that has none: what agents that send one ask for. */
  readonly defaultOutputTokens: number
  /** A cap below this, beside the thinking asked for, leaves no useful answer. */
  readonly minAnswerTokens: number
  /** How long a call waits in line; agents close a silent connection after 300 s. */
  readonly waitMs: number
  readonly connectMs: number
  /** Silence of a provider, or of a client that does not read; thinking without a stream is silent. */
  readonly idleMs: number
  /** How long, and for how many bytes, an answer that nobody waits for is read for its usage. */
  readonly drainMs: number
  readonly drainBytesMax: number
  readonly connectionsMax: number
  /** How long `close` lets open calls end by themselves. */
  readonly closeMs: number
  /** Tells the model itself, by a note in the request, that only winding down is left. */
  readonly wrapUpNote: boolean
}

export const DEFAULT_SETTINGS: GatewaySettings = {
  bodyBytesMax: 64 * 1024 * 1024,
  defaultOutputTokens: 32_000,
  minAnswerTokens: 256,
  waitMs: 240_000,
  connectMs: 15_000,
  idleMs: 600_000,
  drainMs: 60_000,
  drainBytesMax: 16 * 1024 * 1024,
  connectionsMax: 1_024,
  closeMs: 5_000,
  wrapUpNote: false,
}
