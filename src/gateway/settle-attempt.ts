/** Ends a hold by what its call came to: exactly once, whatever fails on the way. */
import type { Instant } from "../../machines/vocabulary.ts"
import type { PriceBook } from "../pricing/price-book.ts"
import type { Desk } from "./desk.ts"
import type { AnswerMeter, CallRequest } from "./dialects/dialect.ts"
import type { Attempt } from "./forward.ts"
import type { CallReport, HeldCall } from "./metered-agent.ts"
import { type CallEnd, type Outcome, outcomeOf } from "./outcome.ts"
import type { Visit } from "./reception.ts"
import { reportOf } from "./settlement.ts"

export interface Settling extends Unsettled {
  readonly meter: AnswerMeter
}

export interface Unsettled {
  readonly desk: Desk
  readonly visit: Visit
  readonly prices: PriceBook
  readonly request: CallRequest
  readonly held: HeldCall
  /** What was held for the input. */
  readonly inputTokens: number
  /** When it was held: its prices are of then. */
  readonly at: Instant
}

/** The decision is made in this turn; the promise is of its being written down. */
export const settleAttempt = async (settling: Settling, attempt: Attempt): Promise<void> => {
  const { held } = settling
  const outcome = judged(settling, attempt)
  const report = outcome.kind === "settle" ? reported(settling, outcome) : null
  log(settling, attempt, outcome, report)
  await ended(settling, async () => {
    if (outcome.kind === "void") await held.void()
    else if (report === null) await held.charge()
    else await held.settle(report)
  })
}

/** The call was not even tried. */
export const voidUnsent = (unsettled: Unsettled): Promise<void> =>
  ended(unsettled, async () => {
    await unsettled.held.void()
  })

const ended = async ({ desk, held }: Unsettled, end: () => Promise<void>): Promise<void> => {
  try {
    await end()
  } catch (error) {
    desk.log.error({ err: error, holdId: held.id }, "the end of a call could not be written")
  }
}

/** A meter that broke says nothing: nobody knows. */
const judged = (settling: Settling, attempt: Attempt): Outcome => {
  try {
    return outcomeOf(endOf(settling, attempt))
  } catch (error) {
    settling.desk.log.error({ err: error, holdId: settling.held.id }, "a meter broke")
    return { kind: "charge" }
  }
}

const endOf = ({ meter }: Settling, attempt: Attempt): CallEnd => {
  const usage = meter.usage() === null ? "none" : meter.isFinal() ? "final" : "partial"
  return {
    left: attempt.left,
    status: attempt.status,
    stop: attempt.stop,
    usage,
    hasAnswer: meter.answerBytes() > 0,
    saidError: meter.error() !== null,
  }
}

/** Null: it could not be reckoned, so it is charged. */
const reported = (
  { desk, visit, prices, request, held, inputTokens, meter, at }: Settling,
  outcome: Extract<Outcome, { kind: "settle" }>,
): CallReport | null => {
  const call = {
    provider: visit.upstream.billedBy(prices),
    request,
    inputTokens,
    outputTokens: held.outputTokens,
    usage: meter.usage(),
    answerBytes: meter.answerBytes(),
    at,
  }
  try {
    return reportOf(outcome, call, prices)
  } catch (error) {
    desk.log.error({ err: error, holdId: held.id }, "a call's cost could not be reckoned")
    return null
  }
}

const log = (
  { desk, visit, request, held, meter, at }: Settling,
  { status, stop, failure }: Attempt,
  outcome: Outcome,
  report: CallReport | null,
): void => {
  if (!desk.log.isLevelEnabled("debug")) return
  const { agentId } = visit.claims.agent
  const { provider } = visit.upstream.upstream
  const ids = { agentId, holdId: held.id, answerId: meter.answerId(), provider }
  const ended = { status, stop, failure, outcome: outcome.kind, ms: desk.now() - at }
  desk.log.debug({ ...ids, ...ended, requestModel: request.model, ...report }, "call ended")
}
