/**
 * The meter of `pi --mode json`: one account a call, at the end of each assistant message, also of
 * one that broke off. The ends of turns and runs repeat it.
 */
import { rawTokens } from "../../machines/budget/amounts.ts"
import type { Usage } from "../../machines/vocabulary.ts"
import { readAgentLine, reportedCall, unknownCall } from "./agent-line.ts"
import { isName, isObject, type Json, readCount } from "./fields.ts"
import { type Meter, type MeterReading, NOTHING } from "./meter.ts"

const MARKS = ['"message_end"', '"turn_start"', '"compaction_'].map((mark) => Buffer.from(mark))
const SESSION = Buffer.from('"type":"session"')

export const mayBePi = (line: Buffer): boolean => line.includes(SESSION) || isCounted(line)

const isCounted = (line: Buffer): boolean => MARKS.some((mark) => line.includes(mark))

export const isPi = (line: Json): boolean =>
  (line.type === "session" &&
    typeof line.version === "number" &&
    isName(line.id) &&
    typeof line.cwd === "string") ||
  (line.type === "message_end" && isObject(line.message) && isPiUsage(line.message.usage))

const isPiUsage = (usage: unknown): boolean =>
  isObject(usage) && typeof usage.cacheRead === "number" && typeof usage.cacheWrite === "number"

export const piMeter = (): Meter => new PiMeter()

class PiMeter implements Meter {
  #isAsking = false
  #before: Usage | null = null

  concerns(line: Buffer): boolean {
    return isCounted(line)
  }

  read(line: string): readonly MeterReading[] {
    return readAgentLine("pi", line, (parsed) => this.#take(parsed))
  }

  end(): readonly MeterReading[] {
    return this.#cut()
  }

  #take(line: Json): readonly MeterReading[] {
    switch (line.type) {
      case "turn_start":
      case "compaction_start": {
        const cut = this.#cut()
        this.#isAsking = true
        return cut
      }
      case "message_end":
        return isObject(line.message) ? this.#answered(line.message) : NOTHING
      case "compaction_end":
        return this.#compacted(line.result)
      default:
        return NOTHING
    }
  }

  #answered(message: Json): readonly MeterReading[] {
    if (message.role !== "assistant" || !isObject(message.usage)) return NOTHING
    const usage = readPiUsage(message.usage)
    const model = isName(message.model) ? message.model : null
    if (rawTokens(usage) === 0) return isRefusal(message) ? this.#refused() : this.#cut(model)
    this.#isAsking = false
    this.#before = usage
    const usageId = isName(message.responseId) ? message.responseId : null
    return [reportedCall(usage, { usageId, model })]
  }

  /** What it summarised earlier messages with was a call of its own. */
  #compacted(result: unknown): readonly MeterReading[] {
    if (!isObject(result) || !isObject(result.usage)) return this.#cut()
    this.#isAsking = false
    return [reportedCall(readPiUsage(result.usage))]
  }

  #refused(): readonly MeterReading[] {
    this.#isAsking = false
    return NOTHING
  }

  #cut(model: string | null = null): readonly MeterReading[] {
    if (!this.#isAsking) return NOTHING
    this.#isAsking = false
    return [unknownCall(this.#before, model)]
  }
}

/** Nothing is spent by a request that was answered with a status of 400 to 499. */
const isRefusal = ({ stopReason, errorMessage }: Json): boolean =>
  stopReason === "error" && typeof errorMessage === "string" && /^4\d\d\b/.test(errorMessage)

const readPiUsage = (usage: Json): Usage => ({
  inputTokens: readCount(usage.input, "usage.input"),
  outputTokens: readCount(usage.output, "usage.output"),
  cacheWriteTokens: readCount(usage.cacheWrite, "usage.cacheWrite"),
  cacheReadTokens: readCount(usage.cacheRead, "usage.cacheRead"),
})
