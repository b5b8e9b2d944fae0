/**
 * The meter of Gemini CLI: `--output-format stream-json`, and the one document of `json`.
 *
 * Its account is in the last line, also of a run that failed; what the model thought is only in the
 * total. A run that was cut gives none: it is `unknown`.
 */
import { add, NO_USAGE, rawTokens } from "../../machines/budget/amounts.ts"
import type { Usage } from "../../machines/vocabulary.ts"
import { readAgentLine, reportedCall, unknownCall } from "./agent-line.ts"
import { isName, isObject, type Json, readCount } from "./fields.ts"
import { type Meter, type MeterReading, NOTHING } from "./meter.ts"

const MARKS = ['"init"', '"stats"'].map((mark) => Buffer.from(mark))

export const mayBeGemini = (line: Buffer): boolean => MARKS.some((mark) => line.includes(mark))

export const isGemini = (line: Json): boolean =>
  typeof line.timestamp === "string" &&
  ((line.type === "init" && isName(line.session_id) && isName(line.model)) ||
    (line.type === "result" && isObject(line.stats)))

export const geminiMeter = (): Meter => new GeminiMeter()

class GeminiMeter implements Meter {
  #isRunning = false

  concerns(line: Buffer): boolean {
    return mayBeGemini(line)
  }

  read(line: string): readonly MeterReading[] {
    return readAgentLine("Gemini CLI", line, (parsed) => {
      if (parsed.type === "init") return this.#began()
      return parsed.type === "result" && isObject(parsed.stats)
        ? this.#concluded(readStreamStats(parsed.stats))
        : this.document(line)
    })
  }

  document(text: string): readonly MeterReading[] {
    return readAgentLine("Gemini CLI", text, ({ session_id: session, stats }) =>
      isName(session) && isObject(stats) && isObject(stats.models)
        ? this.#concluded(readDocumentStats(stats.models))
        : NOTHING,
    )
  }

  end(): readonly MeterReading[] {
    return this.#cut()
  }

  #began(): readonly MeterReading[] {
    const cut = this.#cut()
    this.#isRunning = true
    return cut
  }

  #concluded(models: readonly ModelAccount[]): readonly MeterReading[] {
    this.#isRunning = false
    return models
      .filter(({ usage }) => rawTokens(usage) > 0)
      .map(({ model, usage }) => reportedCall(usage, { model, completes: true }))
  }

  #cut(): readonly MeterReading[] {
    if (!this.#isRunning) return NOTHING
    this.#isRunning = false
    return [unknownCall(null)]
  }
}

interface ModelAccount {
  readonly model: string | null
  readonly usage: Usage
}

/** By model where the models add up to the whole; older versions tell too little of each. */
const readStreamStats = (stats: Json): readonly ModelAccount[] => {
  const whole = readStreamCounts(stats)
  const models = isObject(stats.models) ? Object.entries(stats.models) : []
  const accounts = models.flatMap(([model, counts]) =>
    isObject(counts) ? [{ model, usage: readStreamCounts(counts) }] : [],
  )
  const sum = accounts.reduce((total, { usage }) => total + rawTokens(usage), 0)
  const isByModel =
    sum === rawTokens(whole) &&
    accounts.reduce((total, { usage }) => total + usage.cacheReadTokens, 0) ===
      whole.cacheReadTokens
  return isByModel ? accounts : [{ model: null, usage: whole }]
}

const readStreamCounts = (counts: Json): Usage => {
  const input = readCount(counts.input_tokens, "input_tokens")
  return usageOf(
    input,
    readCount(counts.cached, "cached"),
    readCount(counts.output_tokens, "output_tokens"),
    readCount(counts.total_tokens, "total_tokens"),
  )
}

const readDocumentStats = (models: Json): readonly ModelAccount[] =>
  Object.entries(models).flatMap(([model, account]) => {
    const tokens = isObject(account) ? account.tokens : undefined
    if (!isObject(tokens)) return []
    const prompt = readCount(tokens.prompt, "tokens.prompt")
    const answered = add(
      readCount(tokens.candidates, "tokens.candidates"),
      readCount(tokens.thoughts, "tokens.thoughts"),
    )
    const cached = readCount(tokens.cached, "tokens.cached")
    return [
      { model, usage: usageOf(prompt, cached, answered, readCount(tokens.total, "tokens.total")) },
    ]
  })

/** Cached input is part of the input; what is beyond it in the total is thought or said. */
const usageOf = (input: number, cached: number, output: number, total: number): Usage => ({
  ...NO_USAGE,
  inputTokens: Math.max(input - cached, 0),
  outputTokens: Math.max(output, total - input),
  cacheReadTokens: cached,
})
