/**
 * The budget of whoever holds a ledger: where each value came from, and what it becomes when a
 * value is kept for later runs while this one goes on.
 */
import { isDeepStrictEqual } from "node:util"
import * as Result from "effect/Result"
import type { Budget } from "../../machines/budget/budget.ts"
import { type BudgetSettings, DEFAULT_SETTINGS } from "../../machines/budget/settings.ts"
import {
  type InForce,
  inForceOver,
  type KeptChange,
  keeping,
  type RunSources,
} from "../config/kept.ts"
import type { Origin } from "../config/resolve.ts"

type Inherited = Partial<BudgetSettings>

const ENDED_RUN: Origin = { from: "run", name: "a run that has ended" }

export class HeldBudget {
  private readonly sources: RunSources
  private readonly inherits: boolean
  /** Limits of the run before this one, which go on until somebody changes them. */
  private inherited: Inherited = {}

  /** `inherits`: its own flags, variables and plan never counted, and do not begin to now. */
  constructor(sources: RunSources, inherits: boolean) {
    const { file } = sources
    this.sources = !inherits ? sources : file === undefined ? {} : { file }
    this.inherits = inherits
  }

  /** Throws `ConfigurationError` when what is kept cannot be used. */
  start(found: Budget): BudgetSettings {
    const own = Result.getOrThrow(inForceOver(this.sources, found.kept)).settings
    if (!this.inherits) return own
    this.inherited = differing(found.settings, own)
    return found.settings
  }

  inForce(kept: Budget["kept"]): InForce {
    const own = Result.getOrThrow(inForceOver(this.sources, kept))
    const origins = Object.fromEntries(Object.keys(this.inherited).map((key) => [key, ENDED_RUN]))
    return {
      settings: { ...own.settings, ...this.inherited },
      origins: { ...own.origins, ...origins },
      kept,
    }
  }

  /** What is in force once `change` is kept: the limits of a run that has ended yield to it. */
  keep(kept: Budget["kept"], change: KeptChange): InForce {
    const { [change.key as keyof Inherited]: _, ...inherited } = this.inherited
    this.inherited = inherited
    return this.inForce(keeping(kept, change))
  }
}

const differing = (inForce: BudgetSettings, own: BudgetSettings): Inherited => {
  const keys = (Object.keys(DEFAULT_SETTINGS) as (keyof BudgetSettings)[]).filter(
    (key) => !isDeepStrictEqual(inForce[key], own[key]),
  )
  return Object.fromEntries(keys.map((key) => [key, inForce[key]]))
}
