/** Answers of OpenAI's `/v1/embeddings`: input alone, said at the end of one JSON body. */
import { isObject, objectIn } from "../../../meters/fields.ts"
import { CHAT_USAGE, openAiUsage } from "../../../usage/openai.ts"
import { Heard, meterOf, noEvents } from "../answer-meter.ts"
import type { AnswerMeter, CallRequest } from "../dialect.ts"

export const meter = (request: CallRequest): AnswerMeter => {
  const heard = new Heard(request.model)
  return meterOf(heard, {
    event: noEvents,
    whole: (body) => {
      if (!isObject(body)) return
      heard.named(body.id, body.model)
      if (isObject(body.error)) heard.failed(body.error)
      const said = objectIn(body, "usage")
      const usage = said === null ? null : openAiUsage(said, CHAT_USAGE, heard.model)
      if (usage !== null) heard.said([usage], true)
    },
  })
}
