/** Wires the budget into an application: opened before anything is injected, closed with it. */
import {
  type DynamicModule,
  type FactoryProvider,
  Inject,
  Module,
  type ModuleMetadata,
} from "@nestjs/common"
import { ConfigModule } from "@nestjs/config"
import { Supervisor } from "../../host/supervisor.ts"
import { BudgetHealthIndicator } from "./budget-health.ts"
import { BudgetService } from "./budget-service.ts"
import { type BudgetModuleOptions, type Origin, supervisorOptions } from "./options.ts"
import { FROM_CONFIG, OrchestratorConfig } from "./orchestrator-config.ts"
import { RunningBudget } from "./running-budget.ts"

/** The options the budget is opened with; override it in tests. */
export const BUDGET_OPTIONS = Symbol("stint/nestjs/BUDGET_OPTIONS")

interface Reach {
  /** Makes the budget visible in every module; import it once. */
  readonly isGlobal?: boolean
}

export interface BudgetModuleAsyncOptions
  extends Reach,
    Pick<ModuleMetadata, "imports">,
    Pick<
      FactoryProvider<BudgetModuleOptions | Promise<BudgetModuleOptions>>,
      "inject" | "useFactory"
    > {}

/** Imported as it is, it reads `orchestrator.budget.*` from the `ConfigService`. */
export class BudgetModule {
  private readonly running: RunningBudget

  constructor(running: RunningBudget) {
    this.running = running
  }

  static forRoot({
    isGlobal = false,
    ...options
  }: BudgetModuleOptions & Reach = {}): DynamicModule {
    return {
      module: GivenBudgetModule,
      global: isGlobal,
      providers: [
        { provide: BUDGET_OPTIONS, useValue: options },
        ...providersOf({ name: "BudgetModule.forRoot" }),
      ],
      exports: EXPORTS,
    }
  }

  static forRootAsync(options: BudgetModuleAsyncOptions): DynamicModule {
    const { isGlobal = false, imports = [], inject = [], useFactory } = options
    return {
      module: GivenBudgetModule,
      global: isGlobal,
      imports,
      providers: [
        { provide: BUDGET_OPTIONS, inject, useFactory },
        ...providersOf({ name: "BudgetModule.forRootAsync" }),
      ],
      exports: EXPORTS,
    }
  }

  /** Nest's first hook: from here on nobody is admitted; who runs may go on reporting. */
  onModuleDestroy(): void {
    this.running.drain()
  }

  /** Nest's last hook: stops every agent, waits for their ends, writes everything, closes. */
  async onApplicationShutdown(): Promise<void> {
    await this.running.close()
  }
}

/** Has none of the plain import's own: options that are given leave the `ConfigService` alone. */
class GivenBudgetModule extends BudgetModule {}

const providersOf = (origin: Origin) => [
  {
    provide: RunningBudget,
    inject: [BUDGET_OPTIONS],
    useFactory: (options: BudgetModuleOptions) =>
      RunningBudget.open(supervisorOptions(options, origin)),
  },
  {
    provide: Supervisor,
    inject: [RunningBudget],
    useFactory: ({ supervisor }: RunningBudget) => supervisor,
  },
  BudgetService,
  BudgetHealthIndicator,
]

const EXPORTS = [BudgetService, Supervisor, BudgetHealthIndicator]

Inject(RunningBudget)(BudgetModule, undefined, 0)
Module({
  imports: [ConfigModule],
  providers: [
    OrchestratorConfig,
    {
      provide: BUDGET_OPTIONS,
      inject: [OrchestratorConfig],
      useFactory: ({ options }: OrchestratorConfig) => options,
    },
    ...providersOf(FROM_CONFIG),
  ],
  exports: EXPORTS,
})(BudgetModule)
// Each named, or it would be the parent's.
Module({ imports: [], providers: [], exports: [] })(GivenBudgetModule)
