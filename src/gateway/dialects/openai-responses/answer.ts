/**
 * Answers of OpenAI's `/v1/responses`. Usage comes in the last event alone, whatever way the response
 * ended; a stream that is resumed ends with the same again, under the same id.
 */
import {
  isName,
  isObject,
  type Json,
  objectIn,
  objectsIn,
  readCount,
} from "../../../meters/fields.ts"
import { imagesIn, openAiUsage, RESPONSES_USAGE } from "../../../usage/openai.ts"
import { Heard, jsonBytes, meterOf, parsed } from "../answer-meter.ts"
import type { AnswerMeter, CallRequest, StreamEvent } from "../dialect.ts"

const DELTA_KEY: Buffer = Buffer.from('"delta":')
const WEB_SEARCH: Buffer = Buffer.from('"web_search_call"')

const ENDED = new Set(["completed", "incomplete", "failed", "cancelled"])
/** The events that say something about the whole response. */
const TELLING = new Set([
  "error",
  "response.created",
  "response.queued",
  "response.error",
  ...[...ENDED].map((status) => `response.${status}`),
])

export const meter = (request: CallRequest): AnswerMeter => {
  const heard = new Heard(request.model)
  let searchesDone = 0
  const read = (response: Json): void => {
    heard.named(response.id, response.model)
    if (isObject(response.error)) heard.failed(response.error)
    const said = objectIn(response, "usage")
    const usage = said === null ? null : openAiUsage(said, RESPONSES_USAGE, heard.model)
    if (usage === null) return
    const webSearches = webSearchesIn(response) ?? searchesDone
    const hasEnded = typeof response.status !== "string" || ENDED.has(response.status)
    heard.said([{ ...usage, webSearches }, ...imagesIn(response)], hasEnded)
  }
  const tell = (said: Json): void => {
    const response = objectIn(said, "response")
    if (response !== null) read(response)
    else if (said.type === "error" || isObject(said.error)) heard.failed(said.error ?? said)
  }
  return meterOf(heard, {
    event: (event) => {
      const name = nameOf(event)
      if (name.endsWith(".delta")) heard.answerBytes += deltaBytes(event.data)
      else if (name === "response.output_item.done") searchesDone += searchDone(event.data)
      else if (TELLING.has(name)) tell(parsed(event.data) ?? {})
    },
    whole: (body) => {
      if (!isObject(body)) return
      read(body)
      heard.answerBytes += jsonBytes(body.output ?? "")
    },
  })
}

const nameOf = ({ event, data }: StreamEvent): string => {
  if (event !== null) return event
  const type = parsed(data)?.type
  return isName(type) ? type : ""
}

/** What follows the key, at least the text itself. */
const deltaBytes = (data: Buffer): number => {
  const at = data.indexOf(DELTA_KEY)
  return at === -1 ? data.length : data.length - at - DELTA_KEY.length
}

const searchDone = (data: Buffer): number => {
  if (!data.includes(WEB_SEARCH)) return 0
  const item = objectIn(parsed(data) ?? {}, "item")
  return item !== null && isSearch(item) ? 1 : 0
}

/** Opening a page that was found, and looking in it, are calls of the same tool, and free. */
const isSearch = (item: Json): boolean => {
  if (item.type !== "web_search_call") return false
  const action = objectIn(item, "action")
  return action === null || action.type === undefined || action.type === "search"
}

/** The provider's own count, or the searches among what it did; null: it says neither. */
const webSearchesIn = (response: Json): number | null => {
  const counted = objectIn(objectIn(response, "tool_usage") ?? {}, "web_search")
  if (typeof counted?.num_requests === "number") {
    return readCount(counted.num_requests, "num_requests")
  }
  if (!Array.isArray(response.output)) return null
  return objectsIn(response, "output").filter(isSearch).length
}
