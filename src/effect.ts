/** `stint/effect`: the same supervisor and ledger as Effect services. */
export {
  BudgetSupervisor,
  type BudgetSupervisorService,
  type StartFailure,
} from "./host/service.ts"
export { layerMemory, layerSqlite } from "./ledger/layers.ts"
export { Ledger, type LedgerService, LedgerUnavailable } from "./ledger/ledger.ts"
