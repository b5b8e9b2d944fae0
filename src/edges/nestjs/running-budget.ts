/** The budget while the application runs: opened before anything is injected, closed at its end. */
import type { Instant } from "../../../machines/vocabulary.ts"
import type { Host } from "../../host/host.ts"
import { type SupervisorOptions, startHost } from "../../host/start.ts"
import { Supervisor } from "../../host/supervisor.ts"
import { AnonymousAgents } from "./anonymous-agents.ts"
import { UsageAccounts } from "./usage-accounts.ts"

export class RunningBudget {
  readonly host: Host
  readonly supervisor: Supervisor
  readonly accounts: UsageAccounts
  readonly anonymous: AnonymousAgents

  /** Resolves when the ledger is open and what it remembers is counted. */
  static async open(options: SupervisorOptions): Promise<RunningBudget> {
    return new RunningBudget(await startHost(options))
  }

  private constructor(host: Host) {
    this.host = host
    this.supervisor = new Supervisor(host)
    this.accounts = new UsageAccounts(host)
    this.anonymous = new AnonymousAgents(host)
  }

  /** The present instant. The day's timer may be late by a moment; a caller never sees yesterday. */
  now(): Instant {
    const { host } = this
    const at = host.now()
    const day = { of: "day" } as const
    if (at >= host.budget.window.endsAt) host.send({ type: "deadline.reached", deadline: day, at })
    return at
  }

  drain(): void {
    this.host.send({ type: "drain.requested", at: this.now() })
  }

  close(): Promise<void> {
    return this.supervisor.close()
  }
}
