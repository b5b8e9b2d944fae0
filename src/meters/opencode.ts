/**
 * The meter of `opencode run --format json`: one account a step, which is one call.
 *
 * The call that names the session is never told of, so its own account is always a little short.
 */
import { add } from "../../machines/budget/amounts.ts"
import type { Usage } from "../../machines/vocabulary.ts"
import { readAgentLine, reportedCall, unknownCall } from "./agent-line.ts"
import { isName, isObject, type Json, readCount } from "./fields.ts"
import { type Meter, type MeterReading, NOTHING } from "./meter.ts"

const MARKS = ['"step_', '"error"'].map((mark) => Buffer.from(mark))

export const mayBeOpencode = (line: Buffer): boolean => MARKS.some((mark) => line.includes(mark))

export const isOpencode = (line: Json): boolean =>
  (line.type === "step_start" || line.type === "step_finish") &&
  isName(line.sessionID) &&
  isObject(line.part)

export const opencodeMeter = (): Meter => new OpencodeMeter()

class OpencodeMeter implements Meter {
  readonly omits = "opencode does not tell of the call that names its session"
  #isStepping = false
  #before: Usage | null = null

  concerns(line: Buffer): boolean {
    return mayBeOpencode(line)
  }

  read(line: string): readonly MeterReading[] {
    return readAgentLine("opencode", line, (parsed) => this.#take(parsed))
  }

  end(): readonly MeterReading[] {
    return this.#cut()
  }

  #take(line: Json): readonly MeterReading[] {
    if (!isName(line.sessionID)) return NOTHING
    switch (line.type) {
      case "step_start": {
        const cut = this.#cut()
        this.#isStepping = true
        return cut
      }
      case "step_finish":
        return this.#finished(line.part)
      // A refused call never gets as far as a step.
      case "error":
        return this.#cut()
      default:
        return NOTHING
    }
  }

  #finished(part: unknown): readonly MeterReading[] {
    if (!isObject(part) || !isObject(part.tokens)) return this.#cut()
    const usage = readTokens(part.tokens)
    this.#isStepping = false
    this.#before = usage
    return [reportedCall(usage, { usageId: isName(part.id) ? part.id : null })]
  }

  #cut(): readonly MeterReading[] {
    if (!this.#isStepping) return NOTHING
    this.#isStepping = false
    return [unknownCall(this.#before)]
  }
}

/** The kinds are disjoint, reasoning is not in the output. */
const readTokens = (tokens: Json): Usage => {
  const cache = isObject(tokens.cache) ? tokens.cache : {}
  return {
    inputTokens: readCount(tokens.input, "tokens.input"),
    outputTokens: add(
      readCount(tokens.output, "tokens.output"),
      readCount(tokens.reasoning, "tokens.reasoning"),
    ),
    cacheWriteTokens: readCount(cache.write, "tokens.cache.write"),
    cacheReadTokens: readCount(cache.read, "tokens.cache.read"),
  }
}
