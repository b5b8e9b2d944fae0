/** Tells a model that only winding down is left; what the telling itself can cost is held with its call. */

export const wrapUpNote = (remainingTokens: number): string =>
  `The budget of this task is nearly used up: about ${remainingTokens} tokens are left. Start nothing new; finish with a short summary of what is done and what is not.`

/** What a provider puts around one more message. */
const AROUND_TOKENS = 64

/** A token is a byte or more, as everywhere in a bound. */
export const NOTE_TOKENS = Buffer.byteLength(wrapUpNote(Number.MAX_SAFE_INTEGER)) + AROUND_TOKENS
