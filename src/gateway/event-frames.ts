/** Cuts an event stream into its events, with the very bytes of each. Lines end in LF or CRLF. */
import type { StreamEvent } from "./dialects/dialect.ts"

export interface Frame {
  readonly bytes: Buffer
  /** Null: a comment, or nothing at all. */
  readonly event: StreamEvent | null
}

const LF = 10
const CR = 13
/** Longer than this without a blank line is no event stream that anybody could follow. */
const FRAME_BYTES_MAX = 32 * 1024 * 1024

export class EventFrames {
  /** Bytes of an event whose end has not come. */
  private rest: Buffer[] = []
  private restLength = 0
  /** Where the current line began: an empty one, up to a CR, ends the event. */
  private lineBytes = 0
  private lineIsCr = false
  private isBlind = false

  /** The events that these bytes complete; each byte is in exactly one frame, now or later. */
  push(chunk: Buffer): readonly Frame[] {
    if (this.isBlind) return [{ bytes: chunk, event: null }]
    const frames: Frame[] = []
    let from = 0
    for (let at = 0; at < chunk.length; ) {
      const lf = chunk.indexOf(LF, at)
      if (lf < 0) {
        this.growLine(chunk, at, chunk.length)
        break
      }
      this.growLine(chunk, at, lf)
      const isBlank = this.lineBytes === 0 || (this.lineBytes === 1 && this.lineIsCr)
      this.lineBytes = 0
      at = lf + 1
      if (!isBlank) continue
      frames.push(this.frameWith(chunk.subarray(from, at)))
      from = at
    }
    if (from < chunk.length) this.keep(chunk.subarray(from), frames)
    return frames
  }

  /** What came after the last blank line. */
  end(): Frame | null {
    return this.restLength === 0 ? null : this.frameWith(Buffer.alloc(0))
  }

  private growLine(chunk: Buffer, from: number, to: number): void {
    if (to === from) return
    this.lineBytes += to - from
    this.lineIsCr = chunk[to - 1] === CR
  }

  private frameWith(last: Buffer): Frame {
    const bytes = this.restLength === 0 ? last : Buffer.concat([...this.rest, last])
    this.rest = []
    this.restLength = 0
    this.lineBytes = 0
    return { bytes, event: eventOf(bytes) }
  }

  private keep(bytes: Buffer, frames: Frame[]): void {
    this.rest.push(bytes)
    this.restLength += bytes.length
    if (this.restLength <= FRAME_BYTES_MAX) return
    this.isBlind = true
    frames.push({ bytes: Buffer.concat(this.rest), event: null })
    this.rest = []
    this.restLength = 0
  }
}

const fieldValue = (line: string, from: number): string =>
  line.slice(line[from] === " " ? from + 1 : from)

const eventOf = (bytes: Buffer): StreamEvent | null => {
  let event: string | null = null
  let data: string | null = null
  for (const line of bytes.toString("utf8").split(/\r?\n/)) {
    if (line.startsWith("data:")) {
      const value = fieldValue(line, 5)
      data = data === null ? value : `${data}\n${value}`
    } else if (line.startsWith("event:")) event = fieldValue(line, 6)
  }
  return data === null ? null : { event, data }
}
