/** The port of every meter: lines of a child's output in, what they say about usage out. */
import type { Provenance, Usage, UsageId } from "../../machines/vocabulary.ts"

export interface UsageReading {
  readonly kind: "usage"
  /** Readings with the same id are about the same call; null: a call of its own. */
  readonly usageId: UsageId | null
  readonly usage: Usage
  readonly model: string | null
  readonly provenance: Provenance
  /**
   * True when it only completes calls told of before: a correction, the rest of a final total, or
   * what a cut call is charged. False for the first word about a call, which in grace is spending.
   */
  readonly completes: boolean
}

/** A line that was meant for the meter and cannot be counted; nothing of it is recorded. */
export interface UnreadableReading {
  readonly kind: "unreadable"
  readonly why: string
}

export type MeterReading = UsageReading | UnreadableReading

/** Reads the lines of one child, in order. Never throws, whatever the child prints. */
export interface Meter {
  /**
   * Whether bytes, a line or several, can be this meter's at all: true of several where it is of one of
   * them. Most lines are never decoded.
   */
  readonly concerns: (bytes: Buffer) => boolean
  /** What one line says; nothing for a line that is the child's own text. */
  readonly read: (line: string) => readonly MeterReading[]
  /** What a JSON document over many lines says; only for a child that may print one. */
  readonly document?: (text: string) => readonly MeterReading[]
  /** Calls that the agent is known to make and never tells of, however well it ends. */
  readonly omits?: string | null
  /** What is still to be charged now that the child has printed its last. */
  readonly end: () => readonly MeterReading[]
}

export const NOTHING: readonly MeterReading[] = []

export const unreadableLine = (why: string): readonly MeterReading[] => [
  { kind: "unreadable", why },
]
