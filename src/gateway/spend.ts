/** A held call at the provider: forwarded, read along, and settled before its end is seen. */
import type { IncomingMessage, ServerResponse } from "node:http"
import { type AnswerHeaders, answerReader } from "./answer-reader.ts"
import { type Attempt, Forward } from "./forward.ts"
import { headerIn } from "./headers.ts"
import type { Leaving } from "./leaving.ts"
import { failureWords, refuse } from "./refusal.ts"
import type { UpstreamAnswer } from "./sending.ts"
import { type Settling, settleAttempt } from "./settle-attempt.ts"

export interface Spending extends Settling, Leaving {
  readonly req: IncomingMessage
  readonly res: ServerResponse
}

/** Resolves when the hold's end is written. */
export const spend = (call: Spending): Promise<void> =>
  new Promise((resolve) => {
    const { desk, visit, req, res, held, meter, hidesUsage } = call
    const forward = new Forward({
      req,
      res,
      upstream: visit.upstream,
      request: call.sent,
      settings: desk.settings,
      addedHeaders:
        held.wrapUp === null ? [] : ["x-stint-wrap-up", String(held.wrapUp.remainingTokens)],
      reader: (up) => answerReader(meter, headersOf(up), hidesUsage ? visit.dialect : null),
      edits: (up) => hidesUsage && headersOf(up).contentType?.startsWith(EVENTS) === true,
      knowsAll: () => meter.isFinal(),
      onEnd: (attempt) => {
        desk.underWay.delete(forward)
        settleAttempt(call, attempt).then(resolve)
        tell(call, attempt)
      },
    })
    desk.underWay.add(forward)
  })

const EVENTS = "text/event-stream"

const headersOf = (up: UpstreamAnswer): AnswerHeaders => ({
  contentType: headerIn(up, "content-type"),
  contentEncoding: headerIn(up, "content-encoding"),
})

/** A client that has heard nothing yet hears why. */
const tell = ({ visit, res }: Spending, { failure }: Attempt): void => {
  if (failure === null || res.headersSent) return
  refuse(res, visit.dialect, failureWords(visit.upstream.upstream.provider, failure, true))
}
