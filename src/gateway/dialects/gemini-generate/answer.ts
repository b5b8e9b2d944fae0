/**
 * Answers of Gemini's `:generateContent` and `:streamGenerateContent`. Every chunk has running usage,
 * whose counts may also fall: the last one counts.
 */
import { isObject, type Json, objectIn, objectsIn } from "../../../meters/fields.ts"
import { geminiUsage } from "../../../usage/gemini.ts"
import { Heard, jsonBytes, meterOf, parsed } from "../answer-meter.ts"
import type { AnswerMeter, CallRequest } from "../dialect.ts"

export const meter = (request: CallRequest): AnswerMeter => {
  const heard = new Heard(request.model)
  const finished = new Set<unknown>()
  const searches = new Map<unknown, number>()
  let isBlocked = false
  const read = (chunk: Json): void => {
    heard.named(chunk.responseId, chunk.modelVersion)
    if (isObject(chunk.error)) heard.failed(chunk.error)
    if (typeof objectIn(chunk, "promptFeedback")?.blockReason === "string") isBlocked = true
    for (const candidate of objectsIn(chunk, "candidates")) {
      const index = candidate.index ?? 0
      if (typeof candidate.finishReason === "string") finished.add(index)
      searches.set(index, Math.max(searches.get(index) ?? 0, searchesIn(candidate)))
      heard.answerBytes += contentBytes(candidate)
    }
    const said = objectIn(chunk, "usageMetadata")
    if (said !== null) heard.said([geminiUsage(said, heard.model, sum(searches))], false)
    const isOver = isBlocked || finished.size >= Math.max(1, request.answers)
    heard.isFinal = isOver && heard.parts !== null
  }
  return meterOf(heard, {
    event: ({ data }) => {
      const chunk = parsed(data)
      if (chunk !== null) read(chunk)
    },
    // Asked to stream without `alt=sse`, the API sends its chunks as one list.
    whole: (body) => {
      for (const chunk of Array.isArray(body) ? body : [body]) if (isObject(chunk)) read(chunk)
    },
  })
}

/** Each query that the answer is grounded on; some models are charged once for all of them. */
const searchesIn = (candidate: Json): number => {
  const queries = objectIn(candidate, "groundingMetadata")?.webSearchQueries
  return Array.isArray(queries) ? queries.length : 0
}

/** What a model wrote: text, thoughts, calls and code, without what tools answered. */
const contentBytes = (candidate: Json): number =>
  objectsIn(objectIn(candidate, "content") ?? {}, "parts").reduce(
    (bytes, part) => bytes + partBytes(part),
    0,
  )

const partBytes = (part: Json): number => {
  if (typeof part.text === "string") return Buffer.byteLength(part.text)
  if (part.codeExecutionResult !== undefined) return 0
  const { thoughtSignature: _, ...written } = part
  return jsonBytes(written)
}

const sum = (counts: ReadonlyMap<unknown, number>): number =>
  [...counts.values()].reduce((total, count) => total + count, 0)
