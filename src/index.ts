/** `stint`: the library. */
export type { BudgetSettings, TokenWeights } from "../machines/budget/settings.ts"
export { DEFAULT_SETTINGS } from "../machines/budget/settings.ts"
export type { AgentSummary, RefusedSummary, Summary } from "../machines/budget/summary.ts"
export type { Fact } from "../machines/facts.ts"
export type {
  BudgetStatus,
  Enforcement,
  Mechanism,
  RefusalReason,
  StopReason,
} from "../machines/vocabulary.ts"
export type { BudgetOptions } from "./config/decode.ts"
export { ConfigurationError } from "./config/problem.ts"
export { Agent, type Held, type Reckoning } from "./host/agent.ts"
export { type Clock, systemClock, type VirtualClock, virtualClock } from "./host/clock.ts"
export type { AgentContext } from "./host/context.ts"
export type { OwnLimits, UsageInput } from "./host/door.ts"
export {
  AdmissionRefused,
  CanaryAdmitted,
  ClockStepped,
  HoldRefused,
  InvalidRequest,
  type RefusalReport,
} from "./host/errors.ts"
export type { SpawnOptions } from "./host/spawn-options.ts"
export { type SupervisorOptions, startSupervisor } from "./host/start.ts"
export { Supervisor } from "./host/supervisor.ts"
export { type LedgerService, LedgerUnavailable } from "./ledger/ledger.ts"
export { type AnswerUsage, UnreadableUsage, usageFrom } from "./usage/usage-from.ts"
