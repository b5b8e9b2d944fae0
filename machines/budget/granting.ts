/**
 * What a hold gets: all it asks for, or as long an answer as fits, or of what was set aside for
 * winding down. Hard and soft seek alike; soft then gives everything and keeps the refusal as a
 * flag, so that soft predicts hard.
 */
import type { Instant, Tokens } from "../vocabulary.ts"
import { type HoldAsk, inEitherMode, type Judgement, judgeHold } from "./admission.ts"
import { type Budget, type LiveAgent, reserveOf } from "./budget.ts"
import { type Amounts, boundAt, longestAnswer } from "./call-bound.ts"
import type { HoldRequest } from "./holds.ts"
import type { Refusal } from "./row.ts"
import type { BudgetSettings } from "./settings.ts"

export interface Grant extends Amounts {
  /** What each answer may have; 0 for a hold that is not of a call. */
  readonly outputTokens: Tokens
  /** It uses what was set aside for winding down. */
  readonly wrapsUp: boolean
}

/** In soft mode a grant may come with the refusal that hard mode would have given. */
export type Sought =
  | { readonly grant: Grant; readonly refusal: Refusal | null }
  | { readonly grant: null; readonly refusal: Refusal }

/** What a request asks for at most. */
export const mostOf = (request: HoldRequest, settings: BudgetSettings): Amounts =>
  amountsAt(request, rangeOf(request).most, settings)

export const seekGrant = (
  budget: Budget,
  agent: LiveAgent,
  request: HoldRequest,
  at: Instant,
): Sought => {
  const { settings } = budget
  const judgeAt = (outputTokens: Tokens, wrapsUp: boolean): Judgement =>
    judgeHold(budget, agent, at, askAt(request, outputTokens, wrapsUp, settings))
  const hard = seekHard(request, budget, agent, judgeAt)
  if (settings.enforceHardLimits && hard.grant !== null) return hard
  const { always } = judgeAt(rangeOf(request).least, false)
  if (always !== null) return { grant: null, refusal: inEitherMode(always, hard.refusal) }
  if (settings.enforceHardLimits) return hard
  const wrapsUp = hard.grant?.wrapsUp ?? agent.wrappingUp
  return {
    grant: grantOf(request, rangeOf(request).most, wrapsUp, settings),
    refusal: hard.refusal,
  }
}

/** What hard mode gives: first without what is set aside, then with it. */
const seekHard = (
  request: HoldRequest,
  budget: Budget,
  agent: LiveAgent,
  judgeAt: (outputTokens: Tokens, wrapsUp: boolean) => Judgement,
): Sought => {
  const { settings } = budget
  const range = rangeOf(request)
  const seek = (wrapsUp: boolean): Grant | null => {
    const fits = (outputTokens: Tokens): boolean => isClear(judgeAt(outputTokens, wrapsUp))
    const longest = longestAnswer(range, fits)
    return longest === null
      ? null
      : grantOf(request, longest, wrapsUp || agent.wrappingUp, settings)
  }
  const grant = seek(false)
  if (grant !== null) return { grant, refusal: null }
  const refusal = refusalOf(judgeAt(range.least, false))
  if (!mayWrapUp(budget, agent, request) || !isShort(refusal)) return { grant: null, refusal }
  const last = seek(true)
  return last === null
    ? { grant: null, refusal: refusalOf(judgeAt(range.least, true)) }
    : { grant: last, refusal: null }
}

const mayWrapUp = (budget: Budget, agent: LiveAgent, { isTentative = false }: HoldRequest) =>
  reserveOf(budget, agent) > 0 && !agent.wrappingUp && !isTentative

/** Its own tokens are used up but for what is set aside: no waiting brings any back. */
const isShort = ({ reason, never }: Refusal): boolean => never && reason === "agent_token_limit"

const isClear = ({ always, whenHard }: Judgement): boolean => always === null && whenHard === null

/** Asked only where something refuses. */
const refusalOf = ({ always, whenHard }: Judgement): Refusal => {
  const refusal = inEitherMode(always, whenHard)
  if (refusal === null) throw new Error("what is refused has a refusal")
  return refusal
}

const rangeOf = (request: HoldRequest): { readonly least: Tokens; readonly most: Tokens } => {
  if (!("call" in request)) return NO_OUTPUT
  const { outputTokens } = request.call
  return request.isTentative === true ? { ...outputTokens, least: outputTokens.most } : outputTokens
}

const NO_OUTPUT = { least: 0, most: 0 }

const askAt = (
  request: HoldRequest,
  outputTokens: Tokens,
  wrapsUp: boolean,
  settings: BudgetSettings,
): HoldAsk => ({
  ...amountsAt(request, outputTokens, settings),
  isBounded: request.isBounded ?? true,
  wrapsUp,
})

const grantOf = (
  request: HoldRequest,
  outputTokens: Tokens,
  wrapsUp: boolean,
  settings: BudgetSettings,
): Grant => ({ ...amountsAt(request, outputTokens, settings), outputTokens, wrapsUp })

const amountsAt = (
  request: HoldRequest,
  outputTokens: Tokens,
  settings: BudgetSettings,
): Amounts =>
  "call" in request
    ? boundAt(request.call, outputTokens, settings.tokenWeights)
    : { tokens: request.tokens, costMicroUsd: request.costMicroUsd ?? null }
