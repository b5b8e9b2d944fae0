/**
 * Reads along through content encodings: the client gets the encoded bytes, the meter the plain ones,
 * as soon as they can be told. What a small body can grow into is bounded.
 */

import type { Transform } from "node:stream"
import { lateZlib } from "./late-zlib.ts"

/** `unreadable`: an unknown coding, damaged bytes, or more of them than anybody reads. */
export type Readability = "read" | "unreadable"

export interface DecodingReader {
  /** A chunk as it came; it is copied where it is needed later. */
  readonly push: (chunk: Buffer) => void
  /** After the last chunk, once: resolves when all that came was told. A cut body is `read` so far. */
  readonly end: () => Promise<Readability>
}

export const DECODED_BYTES_MAX = 256 * 1024 * 1024
/** Encoded bytes that wait for a decoder; a decoder so far behind is given up. */
const WAITING_BYTES_MAX = 16 * 1024 * 1024
/** More codings on top of each other than anybody has a reason for. */
const CODINGS_MAX = 3
/** What the standard lets a zstd body ask for (RFC 9659): 8 MiB. */
const ZSTD_WINDOW_LOG_MAX = 23

/** The codings of a header in the order in which they were applied; `identity` is none. */
const codingsIn = (contentEncoding: string | undefined): readonly string[] =>
  (contentEncoding ?? "")
    .split(",")
    .map((coding) => coding.trim().toLowerCase())
    .filter((coding) => coding !== "" && coding !== "identity")

/** `onPlain` gets each piece as a view, valid until it returns. */
export const decodingReader = (
  contentEncoding: string | undefined,
  onPlain: (piece: Buffer) => void,
  maxBytes: number = DECODED_BYTES_MAX,
): DecodingReader => {
  const codings = codingsIn(contentEncoding)
  if (codings.length === 0) return { push: onPlain, end: () => Promise.resolve("read") }
  if (codings.length > CODINGS_MAX || !codings.every((coding) => DECODERS.has(coding))) {
    return { push: () => undefined, end: () => Promise.resolve("unreadable") }
  }
  return decode(codings.toReversed(), onPlain, maxBytes)
}

const decode = (
  codings: readonly string[],
  onPlain: (piece: Buffer) => void,
  maxBytes: number,
): DecodingReader => {
  let state: "begun" | Readability = "begun"
  let stages: readonly Transform[] = []
  let told = 0
  const done = Promise.withResolvers<Readability>()
  const settle = (readability: Readability): void => {
    if (state !== "begun") return
    state = readability
    for (const stage of stages) stage.destroy()
    done.resolve(readability)
  }
  const tell = (piece: Buffer): void => {
    if (state !== "begun") return
    told += piece.length
    if (told > maxBytes) settle("unreadable")
    else onPlain(piece)
  }
  const begin = (first: Buffer): void => {
    stages = codings
      .map((coding, place) => DECODERS.get(coding)?.(place === 0 ? first : null))
      .filter((stage) => stage !== undefined)
    for (const [place, stage] of stages.entries()) {
      stage.on("error", () => settle("unreadable"))
      const next = stages[place + 1]
      if (next !== undefined) stage.pipe(next)
      else stage.on("data", tell).on("end", () => settle("read"))
    }
  }
  return {
    push: (chunk) => {
      if (state !== "begun" || chunk.length === 0) return
      if (stages.length === 0) begin(chunk)
      const waiting = stages.reduce((sum, stage) => sum + stage.writableLength, chunk.length)
      if (waiting > WAITING_BYTES_MAX) settle("unreadable")
      else stages[0]?.write(Buffer.from(chunk))
    },
    end: () => {
      const first = stages[0]
      if (first === undefined) settle("read")
      else first.end()
      return done.promise
    },
  }
}

/** So that a cut body gives what came, and is no error. */
const cutShort = () => ({ finishFlush: lateZlib().constants.Z_SYNC_FLUSH })

const gzip = (): Transform => lateZlib().createGunzip(cutShort())

/** Named after the format without a frame, sent mostly with it; the first byte tells which. */
const deflate = (first: Buffer | null): Transform =>
  first === null || ((first[0] ?? 0) & 0x0f) === 0x08
    ? lateZlib().createInflate(cutShort())
    : lateZlib().createInflateRaw(cutShort())

const brotli = (): Transform => {
  const { createBrotliDecompress, constants } = lateZlib()
  return createBrotliDecompress({ finishFlush: constants.BROTLI_OPERATION_FLUSH })
}

const zstd = (): Transform => {
  const { createZstdDecompress, constants } = lateZlib()
  return createZstdDecompress({
    finishFlush: constants.ZSTD_e_flush,
    params: { [constants.ZSTD_d_windowLogMax]: ZSTD_WINDOW_LOG_MAX },
  })
}

const DECODERS: ReadonlyMap<string, (first: Buffer | null) => Transform> = new Map([
  ["gzip", gzip],
  ["x-gzip", gzip],
  ["deflate", deflate],
  ["br", brotli],
  ["zstd", zstd],
])
