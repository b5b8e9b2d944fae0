/**
 * Reads an answer along as its bytes pass: decodes a copy where they are compressed, tells events
 * from a whole body by the first byte (whatever the content type says), and feeds the meter.
 */
import * as zlib from "node:zlib"
import type { AnswerMeter, StreamEvent } from "./dialects/dialect.ts"
import { EventFrames } from "./event-frames.ts"

export interface AnswerReader {
  /** What of these bytes goes to the client. */
  readonly read: (chunk: Buffer) => Buffer
  /** Everything was read; `done` gets what was kept back for the client. */
  readonly end: (done: (rest: Buffer | null) => void) => void
}

export interface ReadAlong {
  readonly meter: AnswerMeter
  readonly contentEncoding: string | undefined
  /** Events that the client did not ask for; null: it gets all, byte for byte. */
  readonly isHidden: ((event: StreamEvent) => boolean) | null
}

/** A longer body is passed on unread, and its usage estimated. */
const WHOLE_BYTES_MAX = 64 * 1024 * 1024
const SPACES = new Set([0x20, 0x09, 0x0a, 0x0d, 0xef, 0xbb, 0xbf])
const OPENS_JSON = new Set([0x7b, 0x5b])

export const readAnswer = ({ meter, contentEncoding, isHidden }: ReadAlong): AnswerReader => {
  const decoder = decoderOf(contentEncoding)
  if (decoder !== null) return new EncodedReader(new PlainReader(meter, null), decoder)
  return new PlainReader(meter, isHidden)
}

class PlainReader implements AnswerReader {
  private readonly meter: AnswerMeter
  private readonly isHidden: ((event: StreamEvent) => boolean) | null
  private readonly frames = new EventFrames()
  private kind: "unknown" | "events" | "whole" | "unread" = "unknown"
  private chunks: Buffer[] = []
  private length = 0

  constructor(meter: AnswerMeter, isHidden: ((event: StreamEvent) => boolean) | null) {
    this.meter = meter
    this.isHidden = isHidden
  }

  read(chunk: Buffer): Buffer {
    if (this.kind === "unknown") this.kind = kindOf(chunk)
    if (this.kind === "events") return this.readEvents(chunk)
    if (this.kind === "whole") this.keep(chunk)
    return chunk
  }

  end(done: (rest: Buffer | null) => void): void {
    const last = this.kind === "events" ? this.frames.end() : null
    if (last?.event) this.meter.event(last.event)
    if (this.kind === "whole") this.meter.whole(parsed(Buffer.concat(this.chunks)))
    done(this.isHidden === null ? null : (last?.bytes ?? null))
  }

  private readEvents(chunk: Buffer): Buffer {
    const frames = this.frames.push(chunk)
    const { isHidden } = this
    for (const { event } of frames) if (event !== null) this.meter.event(event)
    if (isHidden === null) return chunk
    const shown = frames.filter(({ event }) => event === null || !isHidden(event))
    return Buffer.concat(shown.map(({ bytes }) => bytes))
  }

  private keep(chunk: Buffer): void {
    this.length += chunk.length
    this.chunks.push(chunk)
    if (this.length <= WHOLE_BYTES_MAX) return
    this.kind = "unread"
    this.chunks = []
  }
}

/** The client gets what came; the copy is decoded beside it. */
class EncodedReader implements AnswerReader {
  private readonly plain: PlainReader
  private readonly decoder: Decoder
  private onRead: (() => void) | null = null
  private isOver = false

  constructor(plain: PlainReader, decoder: Decoder) {
    this.plain = plain
    this.decoder = decoder
    decoder.on("data", (chunk: Buffer) => plain.read(chunk))
    decoder.on("end", () => this.over())
    decoder.on("error", () => this.over())
  }

  read(chunk: Buffer): Buffer {
    if (!this.isOver) this.decoder.write(chunk)
    return chunk
  }

  end(done: (rest: Buffer | null) => void): void {
    const finish = (): void => this.plain.end(() => done(null))
    if (this.isOver) finish()
    else {
      this.onRead = finish
      this.decoder.end()
    }
  }

  private over(): void {
    if (this.isOver) return
    this.isOver = true
    this.onRead?.()
  }
}

type Decoder = ReturnType<
  | typeof zlib.createGunzip
  | typeof zlib.createInflate
  | typeof zlib.createBrotliDecompress
  | typeof zlib.createZstdDecompress
>

/** A cut answer still gives what it had. */
const { Z_SYNC_FLUSH, BROTLI_OPERATION_FLUSH, ZSTD_e_flush } = zlib.constants
const DECODERS: Readonly<Record<string, () => Decoder>> = {
  gzip: () => zlib.createGunzip({ finishFlush: Z_SYNC_FLUSH }),
  "x-gzip": () => zlib.createGunzip({ finishFlush: Z_SYNC_FLUSH }),
  deflate: () => zlib.createInflate({ finishFlush: Z_SYNC_FLUSH }),
  br: () => zlib.createBrotliDecompress({ finishFlush: BROTLI_OPERATION_FLUSH }),
  zstd: () => zlib.createZstdDecompress({ finishFlush: ZSTD_e_flush }),
}

const decoderOf = (encoding: string | undefined): Decoder | null => {
  const name = encoding?.trim().toLowerCase() ?? "identity"
  return Object.hasOwn(DECODERS, name) ? (DECODERS[name]?.() ?? null) : null
}

const kindOf = (chunk: Buffer): "unknown" | "events" | "whole" => {
  const first = chunk.find((byte) => !SPACES.has(byte))
  if (first === undefined) return "unknown"
  return OPENS_JSON.has(first) ? "whole" : "events"
}

/** Not JSON: nothing that a meter could read. */
const parsed = (bytes: Buffer): unknown => {
  try {
    return JSON.parse(bytes.toString("utf8"))
  } catch {
    return null
  }
}
