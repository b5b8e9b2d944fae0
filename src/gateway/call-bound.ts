/** Bounds a call before it is made, from what its request says and the dearest it can cost. */
import type { CallBound, CallPrice } from "../../machines/budget/call-bound.ts"
import type { CallRequest } from "./dialects/dialect.ts"
import type { GatewaySettings } from "./settings.ts"

type Caps = Pick<GatewaySettings, "defaultOutputTokens" | "minAnswerTokens">

export const boundOf = (
  request: CallRequest,
  inputTokens: number,
  price: CallPrice | null,
  caps: Caps,
): CallBound => ({
  inputTokens,
  outputTokens: outputOf(request, caps),
  answers: request.answers,
  price,
})

/** The whole of a small cap is wanted: nothing below it is asked for. */
const outputOf = (request: CallRequest, caps: Caps): { least: number; most: number } => {
  if (!request.hasOutput) return { least: 0, most: 0 }
  const useful = request.thinkingTokens + caps.minAnswerTokens
  const most = request.outputCap ?? Math.max(caps.defaultOutputTokens, useful)
  return { least: Math.min(most, useful), most }
}
