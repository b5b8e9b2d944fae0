/**
 * Answers of the two APIs that stream chunks with `choices`: chat and completions. Usage comes once,
 * in a last chunk without a choice, or beside one, or as a running count in every chunk, or twice.
 */
import { isObject, type Json, objectIn, objectsIn } from "../../meters/fields.ts"
import { CHAT_USAGE, openAiUsage } from "../../usage/openai.ts"
import { Heard, jsonBytes, meterOf, parsed } from "./answer-meter.ts"
import type { AnswerMeter, CallRequest, StreamEvent } from "./dialect.ts"

const DONE: Buffer = Buffer.from("[DONE]")
const USAGE: Buffer = Buffer.from('"usage"')
const ERROR: Buffer = Buffer.from('"error"')
const CHOICES: Buffer = Buffer.from('"choices"')
const QUOTE = 0x22
const OPENING_BRACE = 0x7b
const OPENING_BRACKET = 0x5b
const COLON = 0x3a
const LETTER_E = 0x65
const LETTER_N = 0x6e
const LETTER_U = 0x75
/** A stream that has not named itself by then never will. */
const NAMED_WITHIN_CHUNKS = 8

/** `answerKey`: where a chunk's piece of the answer is, such as `"delta":`. */
export const chunksMeter = (request: CallRequest, answerKey: Buffer): AnswerMeter => {
  const heard = new Heard(request.model)
  const finished = new Set<unknown>()
  let unnamed = 0
  const read = (chunk: Json): void => {
    heard.named(chunk.id, chunk.model)
    if (isObject(chunk.error) || typeof chunk.error === "string") heard.failed(chunk.error)
    const said = usageIn(chunk)
    const usage = said === null ? null : openAiUsage(said, CHAT_USAGE, heard.model)
    if (usage !== null) heard.said([usage], isSettled(chunk, finished, request.answers))
  }
  return meterOf(heard, {
    event: ({ event, data }) => {
      if (data.length === DONE.length && data.equals(DONE)) {
        heard.isFinal = heard.parts !== null
        return
      }
      const { answerBytes, isTelling } = surveyed(data, answerKey)
      heard.answerBytes += answerBytes
      const isUnnamed = heard.answerId === null && unnamed < NAMED_WITHIN_CHUNKS
      if (isUnnamed) unnamed += 1
      else if (event === null && !isTelling) return
      const chunk = parsed(data)
      if (chunk === null) return
      if (event === "error" && !isObject(chunk.error)) heard.failed(chunk)
      read(chunk)
    },
    whole: (body) => {
      if (!isObject(body)) return
      read(body)
      heard.isFinal = heard.parts !== null
      heard.answerBytes += jsonBytes(body.choices ?? "")
    },
  })
}

/** Never two of them: Groq says the same twice in one chunk. Moonshot says it in a choice. */
const usageIn = (chunk: Json): Json | null =>
  objectIn(chunk, "usage") ??
  objectIn(objectIn(chunk, "x_groq") ?? {}, "usage") ??
  objectsIn(chunk, "choices")
    .map((choice) => objectIn(choice, "usage"))
    .find((usage) => usage !== null) ??
  null

/** A chunk without a choice comes last; while any choice goes on there may be a running count. */
const isSettled = (chunk: Json, finished: Set<unknown>, answers: number): boolean => {
  const choices = objectsIn(chunk, "choices")
  for (const { index = 0, finish_reason } of choices)
    if (typeof finish_reason === "string") finished.add(index)
  return choices.length === 0 || finished.size >= answers
}

/** Walks over a chunk's bytes once: that costs less than searching them for each key, or parsing. */
const surveyed = (data: Buffer, answerKey: Buffer): { answerBytes: number; isTelling: boolean } => {
  const answerInitial = answerKey[1]
  let answerAt = data.length - answerKey.length
  let isTelling = false
  for (let at = 0; at < answerAt || (at < data.length && !isTelling); at += 1) {
    if (data[at] !== QUOTE) continue
    const initial = data[at + 1]
    if (initial === LETTER_U) isTelling ||= isUsageSaid(data, at)
    else if (initial === LETTER_E) isTelling ||= isAt(data, at, ERROR)
    else if (initial === answerInitial && at < answerAt && isAt(data, at, answerKey)) answerAt = at
  }
  return { answerBytes: Math.max(0, data.length - answerAt - answerKey.length), isTelling }
}

/** `"usage":null` comes in every chunk that has none. */
const isUsageSaid = (data: Buffer, at: number): boolean =>
  isAt(data, at, USAGE) && data[afterColon(data, at + USAGE.length)] !== LETTER_N

const isAt = (data: Buffer, from: number, key: Buffer): boolean => {
  for (let at = 0; at < key.length; at += 1) if (data[from + at] !== key[at]) return false
  return true
}

/** Where a key's value starts. */
const afterColon = (data: Buffer, keyEnd: number): number => {
  const colon = skipSpace(data, keyEnd)
  return data[colon] === COLON ? skipSpace(data, colon + 1) : colon
}

const skipSpace = (data: Buffer, from: number): number => {
  let at = from
  while (at < data.length && isSpace(data[at])) at += 1
  return at
}

const isSpace = (byte: number | undefined): boolean =>
  byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09

/** The event that `stream_options.include_usage` adds: usage, and no choice. */
export const isAddedUsage = ({ data }: StreamEvent): boolean => {
  if (!data.includes(USAGE)) return false
  const chunk = parsed(data)
  if (chunk === null || isObject(chunk.error) || !isObject(chunk.usage)) return false
  return Array.isArray(chunk.choices) && chunk.choices.length === 0
}

/** A chunk with a choice, and all that is no JSON object, is another event. */
export const mayBeAddedUsage = (begun: Buffer): boolean => {
  const first = skipSpace(begun, 0)
  if (first < begun.length && begun[first] !== OPENING_BRACE) return false
  const choices = begun.indexOf(CHOICES)
  if (choices === -1) return true
  const list = afterColon(begun, choices + CHOICES.length)
  if (begun[list] !== OPENING_BRACKET) return true
  return begun[skipSpace(begun, list + 1)] !== OPENING_BRACE
}
