/**
 * By how many bytes normalisation (NFKC) makes a text longer. Nearly every character is left as it is
 * by it, alone and beside others; only what lies between such characters is really normalised.
 */
import { isAscii } from "node:buffer"

/** For bytes that are UTF-8; pieces that normalisation shortens count 0. */
export const growthIn = (bytes: Buffer): number => {
  if (isAscii(bytes)) return 0
  let growth = 0
  for (let at = pastAscii(bytes, 0); at < bytes.length; ) {
    const end = runEnd(bytes, at)
    if (!isSteadyRun(bytes, at, end)) growth += growthOf(bytes.toString("utf8", at, end))
    at = pastAscii(bytes, end)
  }
  return growth
}

const pastAscii = (bytes: Buffer, from: number): number => {
  let at = from
  while (at < bytes.length && (bytes[at] ?? 0) < 0x80) at += 1
  return at
}

const runEnd = (bytes: Buffer, from: number): number => {
  let at = from
  while ((bytes[at] ?? 0) >= 0x80) at += 1
  return at
}

const isSteadyRun = (bytes: Buffer, from: number, to: number): boolean => {
  for (let at = from; at < to; ) {
    const length = lengthFrom(bytes[at] ?? 0)
    if (!isSteady(codeAt(bytes, at, length))) return false
    at += length
  }
  return true
}

/** Of the character that begins with this byte. */
const lengthFrom = (first: number): number => (first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4)

const codeAt = (bytes: Buffer, at: number, length: number): number => {
  let code = (bytes[at] ?? 0) & (0x7f >> length)
  for (let next = at + 1; next < at + length; next += 1)
    code = (code << 6) | ((bytes[next] ?? 0) & 0x3f)
  return code
}

const UNKNOWN = 0
const STEADY = 1
const UNSTEADY = 2
/** What was found of each character so far; its pages are taken from the system as they are used. */
const found = new Uint8Array(0x110000)

const isSteady = (code: number): boolean => {
  const known = found[code]
  if (known !== UNKNOWN) return known === STEADY
  const character = String.fromCodePoint(code)
  const steady = !JOINS.test(character) && character.normalize("NFKC") === character
  found[code] = steady ? STEADY : UNSTEADY
  return steady
}

/** Marks, and the letters of Hangul that are put together: what may join with what stands before it. */
const JOINS = /[\p{M}\u1100-\u11ff\ua960-\ua97f\ud7b0-\ud7ff]/u

/** Short pieces: the time to normalise marks in the wrong order grows with the square of their number. */
const PIECE = /.{1,64}/gsu

/** A letter cut off from its marks may compose with others of them, which saves 6 bytes at most. */
const SEAM_BYTES = 8

const growthOf = (run: string): number => {
  const pieces = run.match(PIECE) ?? []
  return pieces
    .map((piece) =>
      Math.max(0, Buffer.byteLength(piece.normalize("NFKC")) - Buffer.byteLength(piece)),
    )
    .reduce((sum, bytes) => sum + bytes, (pieces.length - 1) * SEAM_BYTES)
}
