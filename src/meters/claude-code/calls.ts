/**
 * The calls seen since the last account: each counted once, however many lines tell of it.
 *
 * Ids are kept in two generations: when the newer is full the older is forgotten, so a run that
 * never ends stays bounded. All lines about one call come close together.
 */
import {
  addUsage,
  largestOfEach,
  NO_USAGE,
  sameUsage,
  subtractUsage,
} from "../../../machines/budget/amounts.ts"
import type { Usage, UsageId } from "../../../machines/vocabulary.ts"
import type { Totals } from "../cumulative.ts"
import type { UsageReading } from "../meter.ts"

const CALLS_PER_GENERATION = 2_000

/** A rule of thumb for text and code alike; it stands only where a run was cut. */
const CHARACTERS_PER_TOKEN = 4

/** The model's name in `Totals` where a line names none. */
export const NO_MODEL = ""

export const modelNamed = (name: string): string | null => (name === NO_MODEL ? null : name)

interface SeenCall {
  readonly model: string
  readonly usage: Usage
  /** Characters printed of its answer. */
  readonly printed: number
  /** Its output is the true count, no placeholder. */
  readonly isCounted: boolean
}

export interface ToldCall {
  readonly id: UsageId | null
  readonly model: string | null
  readonly usage: Usage
  readonly printed: number
  readonly isCounted: boolean
}

export class SeenCalls {
  #newer = new Map<UsageId, SeenCall>()
  #older = new Map<UsageId, SeenCall>()
  /** Since the last account, by model. */
  #live = new Map<string, Usage>()
  #unreportedOutput = new Map<string, number>()

  get live(): Totals {
    return this.#live
  }

  /** What is new in this, as a reading; null when nothing is. */
  tell(told: ToldCall): UsageReading | null {
    const before = told.id === null ? undefined : this.#find(told.id)
    const now = before === undefined ? firstOf(told) : laterOf(before, told)
    this.#count(before, now)
    if (told.id !== null) this.#keep(told.id, now)
    if (before !== undefined && sameUsage(before.usage, now.usage)) return null
    return {
      kind: "usage",
      usageId: told.id,
      usage: now.usage,
      model: modelNamed(now.model),
      provenance: "reported",
      completes: before !== undefined,
    }
  }

  modelOf(id: UsageId): string | undefined {
    return this.#find(id)?.model
  }

  /** Output printed beyond what is counted, in tokens, estimated. */
  unreportedOf(id: UsageId): number {
    const call = this.#find(id)
    return call === undefined ? 0 : unreportedOutput(call)
  }

  /** The same over all calls since the last account, by model. */
  get unreportedOutput(): ReadonlyMap<string, number> {
    return this.#unreportedOutput
  }

  /** An account has been given of all of these. */
  settle(): void {
    this.#live = new Map()
    this.#unreportedOutput = new Map()
  }

  #count(before: SeenCall | undefined, now: SeenCall): void {
    const growth = subtractUsage(now.usage, before?.usage ?? NO_USAGE)
    this.#live.set(now.model, addUsage(this.#live.get(now.model) ?? NO_USAGE, growth))
    const was = before === undefined ? 0 : unreportedOutput(before)
    const sum = (this.#unreportedOutput.get(now.model) ?? 0) - was + unreportedOutput(now)
    this.#unreportedOutput.set(now.model, Math.max(sum, 0))
  }

  #find(id: UsageId): SeenCall | undefined {
    return this.#newer.get(id) ?? this.#older.get(id)
  }

  #keep(id: UsageId, call: SeenCall): void {
    if (this.#newer.size >= CALLS_PER_GENERATION && !this.#newer.has(id)) {
      this.#older = this.#newer
      this.#newer = new Map()
    }
    this.#newer.set(id, call)
  }
}

const firstOf = ({ model, usage, printed, isCounted }: ToldCall): SeenCall => ({
  model: model ?? NO_MODEL,
  usage,
  printed,
  isCounted,
})

/** Each line repeats the counts, or has better ones; each block of content is told of once. */
const laterOf = (before: SeenCall, told: ToldCall): SeenCall => ({
  model: before.model,
  usage: largestOfEach(before.usage, told.usage),
  printed: before.printed + told.printed,
  isCounted: before.isCounted || told.isCounted,
})

const unreportedOutput = ({ usage, printed, isCounted }: SeenCall): number =>
  isCounted ? 0 : Math.max(Math.ceil(printed / CHARACTERS_PER_TOKEN) - usage.outputTokens, 0)
