/**
 * What an agent accounts for itself, summed: to hold against what the gateway counted of it.
 *
 * Bounded: a call's lines come close together, so only its latest calls are remembered by id.
 */
import { addUsage, largestOfEach, NO_USAGE, subtractUsage } from "../../machines/budget/amounts.ts"
import type { Usage, UsageId } from "../../machines/vocabulary.ts"
import type { MeterName } from "../config/plan.ts"
import { openMeter } from "./by-name.ts"
import { type Meter, type MeterReading, NOTHING, type UsageReading } from "./meter.ts"
import { readAlong } from "./read-along.ts"

export interface OwnAccount {
  /** All that it says it used. */
  readonly usage: Usage
  /** The part of it that was charged without a report, or estimated. */
  readonly uncertain: Usage
  /** It has spoken, and left out no call that we know of. */
  readonly isComplete: boolean
  /** Why not: lines that could not be counted, calls that were cut, calls it never tells of. */
  readonly gaps: readonly string[]
}

export interface OwnAccounting extends Meter {
  readonly account: () => OwnAccount
}

/** The meter of that name, which also keeps the sum of what it reads. */
export const ownAccounting = (name: MeterName): OwnAccounting => {
  const meter = openMeter(name)
  const sum = new ReadingSum()
  const keep = (readings: readonly MeterReading[]): readonly MeterReading[] => {
    for (const reading of readings) sum.take(reading)
    return readings
  }
  return {
    concerns: (line) => meter.concerns(line),
    read: (line) => keep(meter.read(line)),
    ...(meter.document === undefined
      ? {}
      : { document: (text: string) => keep(meter.document?.(text) ?? NOTHING) }),
    end: () => keep(meter.end()),
    account: () => sum.account(meter.omits ?? null),
  }
}

/** Reads a child's output along for its account alone: chunks in, the sum at the end. */
export const openOwnAccount = (
  name: MeterName,
): { readonly push: (chunk: Buffer) => void; readonly end: () => OwnAccount } => {
  const accounting = ownAccounting(name)
  const along = readAlong(accounting)
  return {
    push: (chunk) => {
      along.push(chunk)
    },
    end: () => {
      along.end()
      return accounting.account()
    },
  }
}

const CALLS_REMEMBERED = 2_000

class ReadingSum {
  readonly #calls = new Map<UsageId, Usage>()
  #usage = NO_USAGE
  #uncertain = NO_USAGE
  #hasSpoken = false
  #cutCalls = 0
  #unreadableLines = 0

  take(reading: MeterReading): void {
    if (reading.kind === "unreadable") {
      this.#unreadableLines += 1
      return
    }
    this.#hasSpoken = true
    const growth = this.#growthOf(reading)
    this.#usage = addUsage(this.#usage, growth)
    if (reading.provenance === "reported") return
    this.#cutCalls += 1
    this.#uncertain = addUsage(this.#uncertain, growth)
  }

  account(omitted: string | null): OwnAccount {
    const gaps = [
      ...(this.#hasSpoken ? [] : ["it has given no account"]),
      ...(this.#cutCalls === 0 ? [] : [`${this.#cutCalls} calls without an account`]),
      ...(this.#unreadableLines === 0
        ? []
        : [`${this.#unreadableLines} lines that could not be counted`]),
      ...(omitted === null ? [] : [omitted]),
    ]
    return {
      usage: this.#usage,
      uncertain: this.#uncertain,
      isComplete: gaps.length === 0,
      gaps,
    }
  }

  /** As the supervisor counts: of one id the largest of each count. */
  #growthOf({ usageId, usage }: UsageReading): Usage {
    if (usageId === null) return usage
    const before = this.#calls.get(usageId) ?? NO_USAGE
    const now = largestOfEach(before, usage)
    this.#calls.delete(usageId)
    this.#calls.set(usageId, now)
    const [oldest] = this.#calls.keys()
    if (this.#calls.size > CALLS_REMEMBERED && oldest !== undefined) this.#calls.delete(oldest)
    return subtractUsage(now, before)
  }
}
