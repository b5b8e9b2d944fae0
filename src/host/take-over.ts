/** Starting where another supervisor ended, whose agents may still live. */
import type { Budget, LiveAgent } from "../../machines/budget/budget.ts"
import type { BudgetSettings } from "../../machines/budget/settings.ts"
import type { AgentKey } from "../../machines/vocabulary.ts"

/** For a supervisor that may find agents whose work is still looked after by somebody. */
export interface TakeOver {
  /** Resolves with those that live on; the others end `lost`. Each is then `resume`d. */
  readonly claimed: (live: readonly LiveAgent[]) => Promise<ReadonlySet<AgentKey>>
  /** The limits to start with, now that it is known what the ledger keeps. */
  readonly settings: (found: Budget) => BudgetSettings
}

/** Stops what is left of agents that outlived their supervisor and that nobody claims. */
export type Sweep = (lost: readonly LiveAgent[]) => Promise<void>
