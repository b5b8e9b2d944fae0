/** What a recording says: calls, and lines that could not be read. */
import type { Instant, Usage } from "../../machines/vocabulary.ts"

/** One model call as recorded. */
export interface RecordedCall {
  readonly at: Instant
  /** A session, a sub-agent of one, or the name a program gave itself. */
  readonly agentId: string
  readonly taskId: string
  /** The same in every line about the same call, whatever the file; null when each line is a call. */
  readonly callId: string | null
  readonly usage: Usage
  readonly model: string | null
}

/** A line that should have told of a call and could not be read. `line` counts from 1. */
export interface SkippedLine {
  readonly file: string
  readonly line: number
  readonly why: string
}

/** What one line turned out to be; most lines of a log are about something else than usage. */
export type Reading =
  | { readonly kind: "call"; readonly call: RecordedCall }
  | { readonly kind: "other" }
  | { readonly kind: "damaged"; readonly why: string }

export type Recorded =
  | { readonly kind: "call"; readonly call: RecordedCall }
  | { readonly kind: "skipped"; readonly skipped: SkippedLine }

export const OTHER: Reading = { kind: "other" }

export const damaged = (why: string): Reading => ({ kind: "damaged", why })
