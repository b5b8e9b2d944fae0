/** Answers of Gemini's embedding methods. Most say nothing of usage: then there is no final word. */
import { isObject, objectIn } from "../../../meters/fields.ts"
import { geminiUsage } from "../../../usage/gemini.ts"
import { Heard, meterOf, noEvents } from "../answer-meter.ts"
import type { AnswerMeter, CallRequest } from "../dialect.ts"

export const meter = (request: CallRequest): AnswerMeter => {
  const heard = new Heard(request.model)
  return meterOf(heard, {
    event: noEvents,
    whole: (body) => {
      if (!isObject(body)) return
      heard.named(body.responseId, body.modelVersion)
      if (isObject(body.error)) heard.failed(body.error)
      const said = objectIn(body, "usageMetadata")
      if (said !== null) heard.said([geminiUsage(said, heard.model, 0)], true)
    },
  })
}
