/** A health indicator in the shape of `@nestjs/terminus`, which it does not need to be there. */
import { Inject, Injectable } from "@nestjs/common"
import { statusOf } from "../../../machines/budget/account.ts"
import type { BudgetStatus } from "../../../machines/vocabulary.ts"
import { RunningBudget } from "./running-budget.ts"

/** Terminus reads `status`; the rest is shown. A full budget is no illness. */
export type BudgetHealth<Key extends string = string> = Record<
  Key,
  {
    readonly status: "up" | "down"
    readonly ledger: "writable" | "unwritable"
    readonly acceptsAgents: boolean
    readonly budgetStatus: BudgetStatus
    readonly activeAgents: number
  }
>

export class BudgetHealthIndicator {
  private readonly running: RunningBudget

  constructor(running: RunningBudget) {
    this.running = running
  }

  /** Up while the ledger can be written and the application is not shutting down. */
  isHealthy<Key extends string = "budget">(key?: Key): BudgetHealth<Key> {
    this.running.now()
    const { budget, stateValue } = this.running.host
    const writable = stateValue.ledger === "writable"
    return {
      [key ?? "budget"]: {
        status: writable && stateValue.life === "open" ? "up" : "down",
        ledger: writable ? "writable" : "unwritable",
        acceptsAgents: this.running.supervisor.canSpawn().allowed,
        budgetStatus: statusOf(budget.day),
        activeAgents: budget.slotsTaken + this.running.anonymous.waiting(),
      },
    } as BudgetHealth<Key>
  }
}

Injectable()(BudgetHealthIndicator)
Inject(RunningBudget)(BudgetHealthIndicator, undefined, 0)
