/** Answers for tests: requests in a word, streams in a few events, what a meter made of them. */
import { existsSync, readFileSync } from "node:fs"
import { join } from "node:path"
import type { AnswerMeter, CallRequest } from "../../src/gateway/dialects/dialect.ts"
import { EventReader } from "../../src/gateway/sse/event-reader.ts"
import type { PricedUsage } from "../../src/pricing/price-book.ts"

type MeterOf = (request: CallRequest) => AnswerMeter
type Json = Readonly<Record<string, unknown>>

export const ASKED: CallRequest = {
  model: "asked",
  streams: true,
  saysUsage: true,
  saysCap: true,
  inputBoundTokens: 0,
  outputCap: null,
  thinkingTokens: 0,
  hasOutput: true,
  answers: 1,
  unboundable: null,
}

/** A stream as its provider sends it, read along to its end. */
export const streamed = (meterOf: MeterOf, text: string | Buffer): AnswerMeter => {
  const meter = meterOf(ASKED)
  const reader = new EventReader(meter.event)
  reader.push(Buffer.from(text))
  reader.end()
  return meter
}

export const whole = (meterOf: MeterOf, body: unknown): AnswerMeter => {
  const meter = meterOf({ ...ASKED, streams: false })
  meter.whole(body)
  return meter
}

/** Events without names of their own. */
export const events = (...chunks: readonly (Json | string)[]): string =>
  chunks
    .map((chunk) => `data: ${typeof chunk === "string" ? chunk : JSON.stringify(chunk)}\n\n`)
    .join("")

/** Events named by their `type`. */
export const namedEvents = (...chunks: readonly Json[]): string =>
  chunks.map((chunk) => `event: ${chunk.type}\n${events(chunk)}`).join("")

interface Part {
  readonly model?: string | null
  readonly input?: number
  readonly output?: number
  readonly cacheWrite?: number
  readonly cacheRead?: number
  readonly hour?: number
  readonly inputAudio?: number
  readonly outputAudio?: number
  readonly searches?: number
}

/** A part of a call's usage in a few words; what is not said is 0. */
export const part = (said: Part): PricedUsage => ({
  model: said.model === undefined ? "asked" : said.model,
  usage: {
    inputTokens: said.input ?? 0,
    outputTokens: said.output ?? 0,
    cacheWriteTokens: said.cacheWrite ?? 0,
    cacheReadTokens: said.cacheRead ?? 0,
  },
  cacheWriteHourTokens: said.hour ?? 0,
  inputAudioTokens: said.inputAudio ?? 0,
  outputAudioTokens: said.outputAudio ?? 0,
  webSearches: said.searches ?? 0,
})

export const partsOf = (meter: AnswerMeter): readonly PricedUsage[] | null =>
  meter.usage()?.parts ?? null

/** Recorded answers of real providers, where they are at hand. */
const DATA = process.env.STINT_TEST_DATA ?? join(import.meta.dirname, "../../../shared/data")

export const recordedPath = (name: string): string => join(DATA, name)
export const isRecorded = (name: string): boolean => existsSync(recordedPath(name))
export const recorded = (name: string): Buffer => readFileSync(recordedPath(name))
