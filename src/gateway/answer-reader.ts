/**
 * One answer on its way through the gateway: every chunk goes on to the client, and is read along by
 * the dialect's meter, whatever its encoding, and whether it is a stream or one JSON body.
 */
import type { AnswerMeter } from "./dialects/dialect.ts"
import { type DecodingReader, decodingReader, type Readability } from "./encoding.ts"
import { GrowingBytes } from "./growing-bytes.ts"
import { JsonListReader } from "./json-list-reader.ts"
import { type AddedUsage, AddedUsageFilter } from "./sse/added-usage-filter.ts"
import { EventReader } from "./sse/event-reader.ts"

export interface AnswerHeaders {
  readonly contentType: string | undefined
  readonly contentEncoding: string | undefined
}

export interface AnswerReader {
  /** What may go on to the client now, in order. */
  readonly push: (chunk: Buffer) => readonly Buffer[]
  /** After the last chunk, once. */
  readonly end: () => AnswerEnd
}

export interface AnswerEnd {
  /** What is left to go on. */
  readonly rest: readonly Buffer[]
  /** Lets the meter read the rest, once, and says whether it could; a promise where that is decoded first. */
  readonly read: () => Readability | Promise<Readability>
  /** It is decoded first. */
  readonly takesTime: boolean
}

/** A longer JSON body is passed on and not metered. */
export const BODY_BYTES_MAX = 64 * 1024 * 1024

/**
 * `added`: what only the gateway asked for, and takes out of the stream again; such a call must ask the
 * provider for an answer without an encoding, because bytes that are encoded go on as they are.
 */
export const answerReader = (
  meter: AnswerMeter,
  { contentType, contentEncoding }: AnswerHeaders,
  added: AddedUsage | null,
): AnswerReader => {
  const isEventStream = mediaType(contentType) === "text/event-stream"
  if (isEventStream && added !== null && isPlain(contentEncoding)) return filtered(meter, added)
  const plain = isEventStream ? eventsOf(meter) : sniffed(meter)
  if (isPlain(contentEncoding)) return unencoded(plain)
  return alongside(decodingReader(contentEncoding, plain.push), plain)
}

/** Reads plain bytes; `end` is false when there was more than it could hold. */
interface PlainReader {
  readonly push: (piece: Buffer) => void
  readonly end: () => boolean
}

const filtered = (meter: AnswerMeter, added: AddedUsage): AnswerReader => {
  const filter = new AddedUsageFilter(added, meter.event)
  return {
    push: (chunk) => filter.push(chunk),
    end: () => ({ rest: filter.end(), read: () => "read", takesTime: false }),
  }
}

const unencoded = (plain: PlainReader): AnswerReader => ({
  push: (chunk) => {
    plain.push(chunk)
    return [chunk]
  },
  end: () => ({
    rest: [],
    read: () => (plain.end() ? "read" : "unreadable"),
    takesTime: false,
  }),
})

const alongside = (decoding: DecodingReader, plain: PlainReader): AnswerReader => ({
  push: (chunk) => {
    decoding.push(chunk)
    return [chunk]
  },
  end: () => ({
    rest: [],
    read: () => decoding.end().then((readability) => (plain.end() ? readability : "unreadable")),
    takesTime: true,
  }),
})

/** What is not called a stream of events shows by its first byte what it is. */
const sniffed = (meter: AnswerMeter): PlainReader => {
  let reader: PlainReader | null = null
  return {
    push: (piece) => {
      if (reader === null) {
        const first = piece.find((byte) => !BLANKS.has(byte))
        if (first === undefined) return
        if (first === OPENING_BRACE) reader = wholeOf(meter)
        else reader = first === OPENING_BRACKET ? elementsOf(meter) : eventsOf(meter)
      }
      reader.push(piece)
    },
    end: () => reader?.end() ?? true,
  }
}

const BLANKS = new Set([0x20, 0x09, 0x0a, 0x0d])
const OPENING_BRACE = 0x7b
const OPENING_BRACKET = 0x5b

const eventsOf = (meter: AnswerMeter): PlainReader => {
  const reader = new EventReader(meter.event)
  return {
    push: (piece) => reader.push(piece),
    end: () => {
      reader.end()
      return true
    },
  }
}

const elementsOf = (meter: AnswerMeter): PlainReader => {
  const reader = new JsonListReader((data) => meter.event({ event: null, data }))
  return { push: (piece) => reader.push(piece), end: () => true }
}

const wholeOf = (meter: AnswerMeter): PlainReader => {
  const body = new GrowingBytes()
  let isTooLong = false
  return {
    push: (piece) => {
      isTooLong ||= body.length + piece.length > BODY_BYTES_MAX
      if (isTooLong) body.clear()
      else body.add(piece)
    },
    end: () => {
      if (!isTooLong) meter.whole(parsedOrNull(body.bytes))
      return !isTooLong
    },
  }
}

const parsedOrNull = (body: Buffer): unknown => {
  try {
    return JSON.parse(body.toString("utf8"))
  } catch {
    return null
  }
}

const mediaType = (contentType: string | undefined): string =>
  (contentType ?? "").split(";", 1)[0]?.trim().toLowerCase() ?? ""

const isPlain = (contentEncoding: string | undefined): boolean =>
  contentEncoding === undefined || /^\s*(?:identity)?\s*$/i.test(contentEncoding)
