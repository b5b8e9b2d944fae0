/** Changing one live agent of a budget, and counting the live by class. */
import * as HashMap from "effect/HashMap"
import type { AgentKey, Enforcement } from "../vocabulary.ts"
import { agentOf, type Budget, type LiveAgent } from "./budget.ts"

/** Nothing changes for an agent that lives no more. */
export const changeAgent = (
  budget: Budget,
  key: AgentKey,
  change: (agent: LiveAgent) => LiveAgent,
): Budget => {
  const agent = agentOf(budget, key)
  return agent === undefined
    ? budget
    : { ...budget, agents: HashMap.set(budget.agents, key, change(agent)) }
}

export const recount = (
  budget: Budget,
  from: Enforcement | null,
  to: Enforcement | null,
): Budget["liveByEnforcement"] => {
  if (from === to) return budget.liveByEnforcement
  const counts = { ...budget.liveByEnforcement }
  if (from !== null) counts[from] -= 1
  if (to !== null) counts[to] += 1
  return counts
}
