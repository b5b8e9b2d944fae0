/**
 * One metered call: read, hold, forward, settle. The hold is durable before the first byte leaves
 * and ends exactly once, in the turn in which the client gets the end of its answer.
 */
import type { IncomingMessage, ServerResponse } from "node:http"
import type { RefusalReport } from "../host/errors.ts"
import type { PriceBook } from "../pricing/price-book.ts"
import { boundOf } from "./call-bound.ts"
import type { Desk } from "./desk.ts"
import type { CallPath, CallRequest, MalformedRequest, RefusalWords } from "./dialects/dialect.ts"
import { type Placed, placeHold, unanswered } from "./holding.ts"
import { PresumedRequest, requestOf } from "./leaving.ts"
import { type CountAsk, countApiOf, countInput } from "./provider-count.ts"
import type { Visit } from "./reception.ts"
import { budgetWords, REFUSALS, refuse } from "./refusal.ts"
import { decodeBody, readBody } from "./request-body.ts"
import { type Unsettled, voidUnsent } from "./settle-attempt.ts"
import { spend } from "./spend.ts"
import type { UpstreamRequest } from "./upstream.ts"
import { NOTE_TOKENS } from "./wrap-up-note.ts"

export interface Exchange {
  readonly desk: Desk
  readonly visit: Visit
  readonly callPath: CallPath
  readonly prices: PriceBook
  readonly req: IncomingMessage
  readonly res: ServerResponse
}

/** A request that was read whole and understood. */
export interface CallRead {
  readonly request: CallRequest
  /** As it came, to be sent on as it is where nothing must be put in. */
  readonly original: Buffer
  /** Without its content encoding. */
  readonly body: Buffer
}

export const exchange = async (call: Exchange): Promise<void> => {
  const { desk, visit, res } = call
  const gone = goneSignal(res)
  const read = await readCall(call)
  if (read === "gone") return
  if ("status" in read) return refuse(res, visit.dialect, read)
  const at = desk.now()
  const placing = hold(call, read, at, gone)
  const presumed = new PresumedRequest(call, read)
  const { answer, inputTokens } = await placing
  if (!answer.granted) return refuseHold(call, read, answer.refusal)
  await spendHeld(call, read, { held: answer.held, inputTokens, at }, presumed, gone)
}

/** From here on there is a hold, and each way out ends it. */
const spendHeld = async (
  call: Exchange,
  read: CallRead,
  hold: Pick<Unsettled, "held" | "inputTokens" | "at">,
  presumed: PresumedRequest,
  gone: AbortSignal,
): Promise<void> => {
  const { desk, visit, prices, req, res } = call
  const settling = { desk, visit, prices, request: read.request, ...hold }
  try {
    if (gone.aborted) return await voidUnsent(settling)
    const meter = visit.dialect.meter(read.request)
    return await spend({ ...settling, meter, req, res, ...presumed.as(hold.held) })
  } catch (error) {
    await voidUnsent(settling)
    throw error
  }
}

/** Aborted when the client goes before it is answered. */
const goneSignal = (res: ServerResponse): AbortSignal => {
  const gone = new AbortController()
  res.on("close", () => {
    if (!res.writableFinished) gone.abort()
  })
  return gone.signal
}

const readCall = async (call: Exchange): Promise<CallRead | RefusalWords | "gone"> => {
  const { desk, visit, callPath, req, res } = call
  const { bodyBytesMax } = desk.settings
  const read = await readBody(req, res, bodyBytesMax)
  if (read.kind === "gone") return "gone"
  if (read.kind === "tooLarge") return REFUSALS.tooLarge(bodyBytesMax)
  const decoded = await decodeBody(read.bytes, req.headers["content-encoding"], bodyBytesMax)
  if (decoded.kind === "tooLarge") return REFUSALS.tooLarge(bodyBytesMax)
  if (decoded.kind === "unreadable") return REFUSALS.malformed(decoded.why)
  const request = visit.dialect.read(decoded.bytes, callPath)
  return isMalformed(request)
    ? REFUSALS.malformed(request.malformed)
    : { request, original: read.bytes, body: decoded.bytes }
}

const isMalformed = (request: CallRequest | MalformedRequest): request is MalformedRequest =>
  "malformed" in request

const hold = async (
  call: Exchange,
  { request, body }: CallRead,
  at: number,
  gone: AbortSignal,
): Promise<Placed> => {
  const { desk, visit, prices } = call
  const noteTokens = desk.settings.wrapUpNote ? NOTE_TOKENS : 0
  const bounded = (askedTokens: number) => {
    const inputTokens = askedTokens + noteTokens
    const provider = visit.upstream.billedBy(prices)
    const price = prices.boundOf({ provider, model: request.model, inputTokens, at })
    return boundOf(request, inputTokens, price, desk.settings)
  }
  const bound = bounded(request.inputBoundTokens)
  const count = countAsk(call, request, body)
  const counted = async () => {
    const tokens = count === null ? null : await countInput(count, gone)
    if (tokens === null) return null
    // Bytes bound text for certain; what they do not bound is taken at the provider's word.
    const isText = request.unboundable === null
    return bounded(isText ? Math.min(tokens, request.inputBoundTokens) : tokens)
  }
  try {
    return await placeHold({
      agent: visit.claims.agent,
      unboundable: request.unboundable,
      bound,
      queue: visit.claims.queue,
      waitMs: desk.settings.waitMs,
      counted: count === null ? null : counted,
      gone,
    })
  } catch (error) {
    desk.log.error({ err: error, agentId: visit.claims.agent.agentId }, "a hold was not answered")
    const { inputTokens } = bound
    return { answer: { granted: false, refusal: unanswered(inputTokens) }, inputTokens }
  }
}

const countAsk = (call: Exchange, request: CallRequest, body: Buffer): CountAsk | null => {
  const { desk, visit } = call
  const api = countApiOf(visit.dialect.name)
  if (api === null) return null
  const asked = (path: string, bytes: Buffer): UpstreamRequest =>
    requestOf(call, { path, body: bytes, decoded: true, plainAnswer: true })
  const { upstream } = visit
  return { api, upstream, model: request.model, body, withinMs: desk.settings.connectMs, asked }
}

const refuseHold = (
  { desk, visit, res }: Exchange,
  { request }: CallRead,
  refusal: RefusalReport,
): void => {
  const { agentId } = visit.claims.agent
  desk.log.debug({ agentId, model: request.model, refusal }, "call refused")
  const unboundable = request.unboundable?.why ?? null
  refuse(res, visit.dialect, budgetWords(visit.dialect, { agentId, refusal, unboundable }))
}
