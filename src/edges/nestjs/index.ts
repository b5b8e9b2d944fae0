/** `stint/nestjs`: the budget as a NestJS module. */
export { ConfigurationError } from "../../config/problem.ts"
export { InvalidRequest } from "../../host/errors.ts"
export { Supervisor } from "../../host/supervisor.ts"
export { LedgerUnavailable } from "../../ledger/ledger.ts"
export { type BudgetHealth, BudgetHealthIndicator } from "./budget-health.ts"
export { BUDGET_OPTIONS, BudgetModule, type BudgetModuleAsyncOptions } from "./budget-module.ts"
export { BudgetService } from "./budget-service.ts"
export type { BudgetModuleOptions } from "./options.ts"
export {
  type AgentUsageSummary,
  type BudgetStatus,
  DEFAULT_BUDGET,
  type UsageBudget,
  type UsageRecord,
  type UsageSummary,
} from "./surface.ts"
