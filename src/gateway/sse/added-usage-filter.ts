/**
 * A stream on its way to the client, for which the gateway asked for usage that the client did not:
 * the one event made by that is taken out, from its first field's line through its blank line.
 *
 * All else goes out as it came and at once. Only bytes of the event under way are ever held, and only
 * until its data shows that it is another.
 */
import type { StreamEvent } from "../dialects/dialect.ts"
import { GrowingBytes } from "../growing-bytes.ts"
import { EventReader, type EventSpan } from "./event-reader.ts"

/** What to take out, in the words of the dialect. */
export interface AddedUsage {
  readonly isAddedUsage: (event: StreamEvent) => boolean
  readonly mayBeAddedUsage: (begun: Buffer) => boolean
}

/** No usage fills more: a longer event is none that was added, and never held. */
const HELD_BYTES_MAX = 32 * 1024
const LF = 0x0a
const CR = 0x0d
const NOTHING: Buffer = Buffer.alloc(0)

export class AddedUsageFilter {
  readonly #added: AddedUsage
  readonly #reader: EventReader
  /** Of the stream: all before `#decided` has gone out or was taken out; then come the held bytes. */
  #decided = 0
  readonly #held = new GrowingBytes()
  /** The event under way has been seen to be another: it flows. */
  #flowing: number | null = null
  /** A taken out event ended in the last byte, a CR: a LF that follows belongs to it. */
  #isAfterHiddenCr = false
  #spans: EventSpan[] = []

  constructor(added: AddedUsage, onEvent: (event: StreamEvent) => void) {
    this.#added = added
    this.#reader = new EventReader((event, span) => {
      if (this.#isHidden(event, span)) this.#spans.push(span)
      onEvent(event)
    })
  }

  /** What may go out now, in order. All events that end in this chunk have been told before. */
  push(chunk: Buffer): readonly Buffer[] {
    const out: Buffer[] = []
    const before = this.#decided + this.#held.length
    this.#reader.push(chunk)
    if (this.#isAfterHiddenCr && chunk.length > 0) {
      this.#isAfterHiddenCr = false
      if (chunk[0] === LF) this.#decided += 1
    }
    for (const { start, end } of this.#spans) {
      this.#release(out, chunk, before, start)
      this.#held.clear()
      this.#decided = end
      this.#isAfterHiddenCr = end === before + chunk.length && chunk[chunk.length - 1] === CR
    }
    this.#spans = []
    this.#release(out, chunk, before, this.#holdFrom(before + chunk.length))
    this.#held.add(chunk, Math.max(0, this.#decided + this.#held.length - before))
    return out
  }

  /** After the last chunk; once. */
  end(): readonly Buffer[] {
    const before = this.#decided + this.#held.length
    const out: Buffer[] = []
    this.#reader.end()
    if (this.#spans.length === 0) this.#release(out, NOTHING, before, before)
    this.#held.clear()
    return out
  }

  #isHidden(event: StreamEvent, { start, blankLineAt }: EventSpan): boolean {
    return (
      blankLineAt - start <= HELD_BYTES_MAX &&
      this.#added.mayBeAddedUsage(event.data) &&
      this.#added.isAddedUsage(event)
    )
  }

  /** All before this place may go out. */
  #holdFrom(cameTo: number): number {
    const openAt = this.#reader.openAt
    if (openAt === null) return cameTo
    if (openAt === this.#flowing) return cameTo
    const isHeld =
      cameTo - openAt <= HELD_BYTES_MAX && this.#added.mayBeAddedUsage(this.#reader.begun)
    if (isHeld) return openAt
    this.#flowing = openAt
    return cameTo
  }

  /** Lets out what is undecided before `to`: held bytes, then those of the chunk, which began at `before`. */
  #release(out: Buffer[], chunk: Buffer, before: number, to: number): void {
    if (to <= this.#decided) return
    const heldPart = Math.min(this.#held.length, to - this.#decided)
    if (heldPart > 0) out.push(Buffer.from(this.#held.bytes.subarray(0, heldPart)))
    const from = Math.max(this.#decided + this.#held.length, before) - before
    if (to - before > from) out.push(chunk.subarray(from, to - before))
    this.#held.clear()
    this.#decided = to
  }
}
