/** The canary: requests that must be refused, asked of the budget as it stands, without a row. */
import { canary } from "../../../../machines/budget/admission.ts"
import type { Budget } from "../../../../machines/budget/budget.ts"
import { decideBudget } from "../../../../machines/budget/limits.ts"
import { emptyBudget } from "../../../../machines/budget/recovery.ts"
import type { BudgetSettings } from "../../../../machines/budget/settings.ts"
import type { Instant } from "../../../../machines/vocabulary.ts"
import { bad, type Finding, good, note } from "./finding.ts"

export const limiterFindings = (
  settings: BudgetSettings,
  budget: Budget | null,
  now: Instant,
): readonly Finding[] => {
  const admitted = canary(decideBudget(budget ?? emptyBudget(), settings, now).after)
  const canaryFinding =
    admitted.length === 0
      ? good("canary", "a request beyond each limit is refused")
      : bad("canary", `a request over ${admitted.join(", ")} was admitted: nothing would start`)
  return [canaryFinding, ...unlimited(settings), ...heldInput(settings)]
}

const unlimited = (settings: BudgetSettings): readonly Finding[] => {
  const names = (["dailyTokenLimit", "perAgentTokenLimit", "maxConcurrentAgents"] as const).filter(
    (name) => settings[name] === null,
  )
  const soft = settings.enforceHardLimits ? [] : [note("limits", "soft: flagged, not enforced")]
  return names.length === 0 ? soft : [...soft, note("limits", `unlimited: ${names.join(", ")}`)]
}

/** Why a call may be refused that would have fitted. */
const heldInput = ({ tokenWeights: { input, cacheRead } }: BudgetSettings): readonly Finding[] =>
  cacheRead < input
    ? [
        note(
          "holds",
          "input is held at its full weight: whether it hits a cache is known only afterwards",
        ),
      ]
    : []
