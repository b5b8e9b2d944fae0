/**
 * How many tokens a request's input can be at most, without a tokenizer.
 *
 * A token of a byte-level vocabulary stands for one byte of text or more, and the text is in the
 * body: raw characters byte for byte, escaped ones longer than they are (`\n` two bytes for one,
 * `\uXXXX` six for at most three, a pair twelve for four), numbers of a token array with a digit and
 * a comma each, base64 four for three. What reads like a special token in a prompt is either text,
 * and then as long as its bytes, or one token for all of them. Some vocabularies normalise (NFKC)
 * first, which can make one character of 3 bytes 33 bytes long: then the longer text counts.
 * Keys, quotes and brackets stand for the provider's own template around each message and tool; what
 * a template adds once is the allowance.
 */
import type { JsonBody } from "./body.ts"
import { growthIn } from "./normal-growth.ts"

/** For what a provider puts around a conversation: the prompt for tools, thinking, formats. */
export const TEMPLATE_TOKENS = 1_024
/** For a tool described by the client: the words around its schema. */
export const TOOL_TOKENS = 64
/** For a tool that a vendor describes itself (bash, editor, computer, memory) under a short name. */
export const VENDOR_TOOL_TOKENS = 2_048
/** For what is put around each text of an embedding: its marks and an instruction. */
export const EMBEDDED_TEXT_TOKENS = 64

export const textBound = ({ text }: JsonBody, bytes: Buffer): number => {
  const sent = bytes.length + growthIn(bytes)
  if (!text.includes("\\u")) return sent
  const unescaped = Buffer.from(JSON.stringify(JSON.parse(bytes.toString("utf8"))))
  return Math.max(sent, unescaped.length + growthIn(unescaped))
}
