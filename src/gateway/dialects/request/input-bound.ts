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

/** For what a provider puts around a conversation: the prompt for tools, thinking, formats. */
export const TEMPLATE_TOKENS = 1_024
/** For a tool described by the client: the words around its schema. */
export const TOOL_TOKENS = 64
/** For a tool that a vendor describes itself (bash, editor, computer, memory) under a short name. */
export const VENDOR_TOOL_TOKENS = 2_048
/** For what is put around each text of an embedding: its marks and an instruction. */
export const EMBEDDED_TEXT_TOKENS = 64

export const textBound = ({ decoded, value }: JsonBody, bytes: Buffer): number => {
  const sent = bytes.length + growth(decoded)
  if (!decoded.includes("\\u")) return sent
  const unescaped = JSON.stringify(value)
  return Math.max(sent, Buffer.byteLength(unescaped) + growth(unescaped))
}

const BEYOND_ASCII = /[^\0-\x7f]+/g

/** Short pieces: the time to normalise marks in the wrong order grows with the square of their number. */
const PIECE = /.{1,64}/gsu

/** A letter cut off from its marks may compose with others of them, which saves 6 bytes at most. */
const SEAM_BYTES = 8

/** By how many bytes normalisation makes a text longer; pieces it shortens count 0. */
const growth = (text: string): number => {
  let bytes = 0
  for (const [run] of text.matchAll(BEYOND_ASCII)) {
    const pieces = run.match(PIECE) ?? []
    bytes += (pieces.length - 1) * SEAM_BYTES
    for (const piece of pieces)
      bytes += Math.max(0, Buffer.byteLength(piece.normalize("NFKC")) - Buffer.byteLength(piece))
  }
  return bytes
}
