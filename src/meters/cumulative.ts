/**
 * Differences of counters that only grow, until their owner starts anew, repeats itself or forks.
 *
 * One owner may keep several counts by name (its models, say): they grow and start anew together.
 * Pure. The sum of all growth is what was spent, whatever the owner repeats.
 */
import { addUsage, NO_USAGE, sameUsage, subtractUsage } from "../../machines/budget/amounts.ts"
import type { Usage } from "../../machines/vocabulary.ts"

export type Totals = ReadonlyMap<string, Usage>

export interface Cumulative {
  /** As last read. */
  readonly totals: Totals
  /** A fork that may still be repeating the history of the counter it came from. */
  readonly isReplaying: boolean
}

export const FROM_ZERO: Cumulative = { totals: new Map(), isReplaying: false }

/** A counter that begins with all that `parent` has counted, and may first repeat how it got there. */
export const forkOf = (parent: Cumulative): Cumulative => ({ ...parent, isReplaying: true })

/** What is known from elsewhere about the time between two readings. */
export interface Witness {
  /** Tokens of input seen spent meanwhile, cached ones included; 0 when nobody looked. */
  readonly seenInput: number
  /** Whether the owner calls itself by the same name as at the last reading. */
  readonly isSameOwner: boolean
}

const NO_WITNESS: Witness = { seenInput: 0, isSameOwner: true }

export interface Advance {
  readonly after: Cumulative
  /** What was spent since the last reading, by name. */
  readonly growth: Totals
  /** The owner had started anew: all of `totals` is growth. */
  readonly isRebased: boolean
}

export const advance = (
  before: Cumulative,
  totals: Totals,
  witness: Witness = NO_WITNESS,
): Advance => {
  if (before.isReplaying && isWithin(totals, before.totals))
    return { after: before, growth: new Map(), isRebased: false }
  const isRebased = hasStartedAnew(before.totals, totals, witness)
  return {
    after: { totals, isReplaying: false },
    growth: isRebased ? totals : differences(before.totals, totals),
    isRebased,
  }
}

/**
 * A count that fell proves it. One that grew may hide it, when the new owner has already spent more
 * than the old: then the reading is believed that lies nearer to what was seen.
 */
const hasStartedAnew = (before: Totals, now: Totals, witness: Witness): boolean => {
  if (before.size === 0) return false
  if (!isWithin(before, now)) return true
  const grown = inputOf(differences(before, now))
  const whole = inputOf(now)
  const doubtOfGrown = Math.abs(grown - witness.seenInput)
  const doubtOfWhole = Math.abs(whole - witness.seenInput)
  if (witness.seenInput === 0 || doubtOfGrown === doubtOfWhole) return !witness.isSameOwner
  return doubtOfWhole < doubtOfGrown
}

/** Whether no count of `part` is above that of `whole`. */
const isWithin = (part: Totals, whole: Totals): boolean =>
  [...part].every(([name, usage]) =>
    sameUsage(subtractUsage(usage, whole.get(name) ?? NO_USAGE), NO_USAGE),
  )

const differences = (before: Totals, now: Totals): Totals =>
  new Map(
    [...now].map(([name, usage]) => [name, subtractUsage(usage, before.get(name) ?? NO_USAGE)]),
  )

/** Output is left out: it is what a live reading knows least of. */
const inputOf = (totals: Totals): number => {
  const { inputTokens, cacheWriteTokens, cacheReadTokens } = sumOf(totals)
  return inputTokens + cacheWriteTokens + cacheReadTokens
}

export const sumOf = (totals: Totals): Usage => [...totals.values()].reduce(addUsage, NO_USAGE)
