/** What happened, in one line for people. */
import type { Fact } from "../../../../machines/facts.ts"
import { dollars, shortFigure } from "../figures.ts"

const limitOf = (limit: number | null): string => (limit === null ? "no limit" : shortFigure(limit))

const moneyOf = (limit: number | null): string => (limit === null ? "no limit" : dollars(limit))

/** Null for a fact that the picture itself shows. */
export const toldOf = (fact: Fact): string | null => {
  const line = wordsOf(fact)
  return line === null ? null : `${new Date(fact.at).toISOString().slice(11, 19)}  ${line}`
}

const wordsOf = (fact: Fact): string | null => {
  switch (fact.type) {
    case "status.changed":
      return `day ${fact.previous} → ${fact.status} (${shortFigure(fact.dailyTokensUsed)} of ${limitOf(fact.dailyTokenLimit)})`
    case "agent.admitted":
      return `${fact.agentId} admitted`
    case "agent.refused":
      return `${fact.agentId} ${fact.subject} refused: ${fact.refusal.reason}`
    case "agent.warned":
      return `${fact.agentId} ${fact.status} (${shortFigure(fact.totalTokens)} of ${limitOf(fact.tokenLimit)})`
    case "cost.status_changed":
      return `day's money ${fact.previous} → ${fact.status} (${dollars(fact.dailyCostMicroUsd)} of ${moneyOf(fact.dailyCostLimitMicroUsd)})`
    case "agent.cost_warned":
      return `${fact.agentId} ${fact.status} (${dollars(fact.costMicroUsd)} of ${moneyOf(fact.costLimitMicroUsd)})`
    case "agent.wrapping_up":
      return `${fact.agentId} wrapping up: only its reserve is left`
    case "agent.compared":
      return fact.ownTokens === fact.countedTokens
        ? null
        : `${fact.agentId} counts ${shortFigure(fact.ownTokens)} tokens itself (${fact.meter}), counted here: ${shortFigure(fact.countedTokens)}`
    case "agent.stopping":
      return endsByItself(fact.agent.reason)
        ? null
        : `${fact.agent.agentId} stopping: ${fact.agent.reason}`
    case "agent.unkillable":
      return `${fact.agent.agentId} will not stop; its slot stays taken`
    case "agent.ended":
      return `${fact.agent.agentId} ended: ${fact.agent.reason}, ${fact.agent.mechanism}, ${shortFigure(fact.agent.totalTokens)} tokens`
    case "summary":
      return null
  }
}

/** Its leader has exited and what it left is being swept: the end says all there is to say. */
const endsByItself = (reason: string | null): boolean =>
  reason === "completed" || reason === "failed"
