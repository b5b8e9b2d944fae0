/**
 * Answers of Anthropic's `/v1/messages`. A stream's first word is a placeholder; `message_delta`
 * replaces it, count by count, and is never added to it.
 */
import { isObject, type Json, objectIn } from "../../../meters/fields.ts"
import { anthropicParts } from "../../../usage/anthropic.ts"
import { Heard, jsonBytes, meterOf, parsed } from "../answer-meter.ts"
import type { AnswerMeter, CallRequest, StreamEvent } from "../dialect.ts"

/** The smallest frame around a piece of text: the rest of a delta is at least the text itself. */
const DELTA_FRAME_BYTES = Buffer.byteLength(
  '{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":""}}',
)
const SERVER_TOOL_USE: Buffer = Buffer.from('"server_tool_use"')
const WEB_SEARCH: Buffer = Buffer.from('"web_search"')

export const meter = (request: CallRequest): AnswerMeter => {
  const heard = new Heard(request.model)
  let said: Json = {}
  let searchesBegun = 0
  const take = (usage: Json, isFinal: boolean): void => {
    said = { ...said, ...withoutNulls(usage) }
    heard.said(anthropicParts(said, heard.model, searchesBegun), isFinal)
  }
  const read = (told: Json): void => {
    switch (told.type) {
      case "message_start": {
        const message = objectIn(told, "message") ?? {}
        heard.named(message.id, message.model)
        const usage = objectIn(message, "usage")
        if (usage !== null) take(usage, false)
        break
      }
      case "message_delta": {
        const usage = objectIn(told, "usage")
        const stopReason = objectIn(told, "delta")?.stop_reason
        if (usage !== null) take(usage, typeof stopReason === "string")
        break
      }
      case "error":
        heard.failed(told.error)
        break
    }
  }
  return meterOf(heard, {
    event: (event) => {
      switch (nameOf(event)) {
        case "content_block_delta":
          heard.answerBytes += Math.max(0, event.data.length - DELTA_FRAME_BYTES)
          break
        case "content_block_start":
          if (isSearchBegun(event.data)) searchesBegun += 1
          break
        case "message_start":
        case "message_delta":
        case "error":
          read(parsed(event.data) ?? {})
          break
      }
    },
    whole: (body) => {
      if (!isObject(body)) return
      heard.named(body.id, body.model)
      if (body.type === "error") heard.failed(body.error)
      const usage = objectIn(body, "usage")
      if (usage !== null) take(usage, true)
      heard.answerBytes += jsonBytes(body.content ?? "")
    },
  })
}

const nameOf = ({ event, data }: StreamEvent): unknown => event ?? parsed(data)?.type

/** For a stream that is cut before its count of searches. */
const isSearchBegun = (data: Buffer): boolean =>
  data.includes(SERVER_TOOL_USE) && data.includes(WEB_SEARCH)

/** A count that is null is not said, and leaves what was said before. */
const withoutNulls = (usage: Json): Json =>
  Object.fromEntries(Object.entries(usage).filter(([, value]) => value !== null))
