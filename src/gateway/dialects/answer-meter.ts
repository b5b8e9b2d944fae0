/** What all meters of answers share: what was heard so far, and reading that never throws. */
import { isName, isObject, type Json, parseObject, UnreadableField } from "../../meters/fields.ts"
import type { PricedUsage } from "../../pricing/price-book.ts"
import type { AnswerMeter, StreamEvent } from "./dialect.ts"

/** What the provider has said so far, by the dialect that understands it. */
export class Heard {
  parts: readonly PricedUsage[] | null = null
  isFinal = false
  answerBytes = 0
  answerId: string | null = null
  model: string
  error: string | null = null
  /** The last word of usage was none that can be read: what came before it is not final. */
  isUnreadable = false

  constructor(requestedModel: string) {
    this.model = requestedModel
  }

  /** The provider's own names for the answer and its model; what it does not say stays. */
  named(answerId: unknown, model: unknown): void {
    if (isName(answerId)) this.answerId = answerId
    if (isName(model)) this.model = model
  }

  said(parts: readonly PricedUsage[], isFinal: boolean): void {
    this.isUnreadable = false
    this.parts = parts
    this.isFinal = isFinal
  }

  failed(error: unknown): void {
    this.error = errorText(error)
  }
}

export interface AnswerReading {
  readonly event: (event: StreamEvent) => void
  readonly whole: (body: unknown) => void
}

/** A count that is no count is no word of the provider's: the answer then ends without a final one. */
export const meterOf = (heard: Heard, reading: AnswerReading): AnswerMeter => {
  const reads =
    <A>(read: (said: A) => void) =>
    (said: A): void => {
      try {
        read(said)
      } catch (problem) {
        if (!(problem instanceof UnreadableField)) throw problem
        heard.isUnreadable = true
      }
    }
  return {
    event: reads(reading.event),
    whole: reads(reading.whole),
    usage: () => (heard.parts === null ? null : { parts: heard.parts }),
    isFinal: () => heard.isFinal && !heard.isUnreadable,
    answerBytes: () => heard.answerBytes,
    answerId: () => heard.answerId,
    error: () => heard.error,
  }
}

/** For APIs that do not stream. */
export const noEvents = (): void => undefined

export const parsed = (data: Buffer): Json | null => parseObject(data.toString("utf8"))

export const jsonBytes = (value: unknown): number => Buffer.byteLength(JSON.stringify(value) ?? "")

const ERROR_LENGTH_MAX = 500

/** In the provider's words: its message, or else its code. */
const errorText = (error: unknown): string => {
  if (typeof error === "string") return error.slice(0, ERROR_LENGTH_MAX)
  if (!isObject(error)) return "an error without a message"
  const said = [error.message, error.type, error.status, error.code].find(
    (text) => (typeof text === "string" && text !== "") || typeof text === "number",
  )
  return said === undefined ? "an error without a message" : `${said}`.slice(0, ERROR_LENGTH_MAX)
}
