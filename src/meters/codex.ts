/**
 * The meter of `codex exec --json`.
 *
 * Its account comes at a turn's end and counts from the thread's beginning, so turns are the
 * differences. A turn that failed or was cut has no account: it is `unknown`. A resumed thread's
 * first account holds the turns of earlier runs as well, which nothing in the output tells apart.
 */
import { NO_USAGE, sameUsage } from "../../machines/budget/amounts.ts"
import type { Usage } from "../../machines/vocabulary.ts"
import { readAgentLine, reportedCall, unknownCall } from "./agent-line.ts"
import { advance, type Cumulative, FROM_ZERO, sumOf } from "./cumulative.ts"
import { isName, isObject, type Json, readCount } from "./fields.ts"
import { type Meter, type MeterReading, NOTHING } from "./meter.ts"

const MARKS = ['"thread.started"', '"turn.'].map((mark) => Buffer.from(mark))

/** The thread's one counter. */
const THREAD = "thread"

export const mayBeCodex = (line: Buffer): boolean => MARKS.some((mark) => line.includes(mark))

/** Others have threads and turns too, but not these fields with them. */
export const isCodex = (line: Json): boolean =>
  (line.type === "thread.started" && isName(line.thread_id)) ||
  (line.type === "turn.completed" &&
    isObject(line.usage) &&
    typeof line.usage.cached_input_tokens === "number")

export const codexMeter = (): Meter => new CodexMeter()

class CodexMeter implements Meter {
  #counter: Cumulative = FROM_ZERO
  #threadId: unknown = null
  #countedThreadId: unknown = null
  #isTurning = false

  concerns(line: Buffer): boolean {
    return mayBeCodex(line)
  }

  read(line: string): readonly MeterReading[] {
    return readAgentLine("Codex", line, (parsed) => this.#take(parsed))
  }

  end(): readonly MeterReading[] {
    return this.#cut()
  }

  #take(line: Json): readonly MeterReading[] {
    switch (line.type) {
      case "thread.started": {
        const cut = this.#cut()
        this.#threadId = line.thread_id
        return cut
      }
      case "turn.started": {
        const cut = this.#cut()
        this.#isTurning = true
        return cut
      }
      case "turn.failed":
        this.#isTurning = true
        return this.#cut()
      case "turn.completed":
        return this.#completed(line.usage)
      default:
        return NOTHING
    }
  }

  #completed(usage: unknown): readonly MeterReading[] {
    if (!isObject(usage)) return this.#cut()
    const totals = new Map([[THREAD, readThreadUsage(usage)]])
    this.#isTurning = false
    const { after, growth } = advance(this.#counter, totals, {
      seenInput: 0,
      isSameOwner: this.#threadId === this.#countedThreadId,
    })
    this.#counter = after
    this.#countedThreadId = this.#threadId
    const turn = sumOf(growth)
    return sameUsage(turn, NO_USAGE) ? NOTHING : [reportedCall(turn, { completes: true })]
  }

  #cut(): readonly MeterReading[] {
    if (!this.#isTurning) return NOTHING
    this.#isTurning = false
    return [unknownCall(null)]
  }
}

/** Cached input is part of the input, reasoning part of the output. */
const readThreadUsage = (usage: Json): Usage => {
  const cacheReadTokens = readCount(usage.cached_input_tokens, "cached_input_tokens")
  const cacheWriteTokens = readCount(usage.cache_write_input_tokens, "cache_write_input_tokens")
  const input = readCount(usage.input_tokens, "input_tokens")
  return {
    inputTokens: Math.max(input - cacheReadTokens - cacheWriteTokens, 0),
    outputTokens: readCount(usage.output_tokens, "output_tokens"),
    cacheWriteTokens,
    cacheReadTokens,
  }
}
