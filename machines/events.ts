/** What can happen to a supervisor: a closed set of literals; ids travel in the payload. */
import type { AgentNotice, WorkExited } from "./agent.ts"
import type { AgentOver } from "./agent-pool.ts"
import type { HoldRequest, Settlement } from "./budget/holds.ts"
import type { LateSettlement, OwnAccountReport, UsageReport } from "./budget/metering.ts"
import type { BudgetSettings, KeptValues } from "./budget/settings.ts"
import type { SpawnRequest } from "./budget/spawning.ts"
import type { DeadlineReached } from "./deadlines.ts"
import type {
  AgentKey,
  HoldId,
  Instant,
  Mechanism,
  ProcessIdentity,
  RequestId,
  StopReason,
} from "./vocabulary.ts"

interface Stamped {
  /** Wall-clock time of the happening, stamped by whoever sends it. */
  readonly at: Instant
}

export type AgentRequested = Stamped & {
  readonly type: "agent.requested"
  readonly request: SpawnRequest
}
export type HoldRequested = Stamped & {
  readonly type: "hold.requested"
  readonly request: HoldRequest
}
export type HoldSettled = Stamped & {
  readonly type: "hold.settled"
  readonly settlement: Settlement
}
export type HoldVoided = Stamped & { readonly type: "hold.voided"; readonly holdId: HoldId }
export type HoldSettledLate = Stamped & {
  readonly type: "hold.settled_late"
  readonly late: LateSettlement
}
export type UsageReported = Stamped & {
  readonly type: "usage.reported"
  readonly report: UsageReport
}
export type AccountCompared = Stamped & {
  readonly type: "account.compared"
  readonly report: OwnAccountReport
}
/** Nobody can say what its call came to: it is charged in full, as if it had expired. */
export type HoldCharged = Stamped & { readonly type: "hold.charged"; readonly holdId: HoldId }
export type HoldWithdrawn = Stamped & { readonly type: "hold.withdrawn"; readonly holdId: HoldId }
export type StopRequested = Stamped & {
  readonly type: "stop.requested"
  readonly key: AgentKey
  readonly reason: StopReason
}
export type BudgetChanged = Stamped & {
  readonly type: "budget.changed"
  readonly settings: BudgetSettings
  /** What later runs find from now on; absent where that stays as it is. */
  readonly kept?: KeptValues
}
export type WorkStarted = Stamped & {
  readonly type: "work.started"
  readonly key: AgentKey
  readonly process: ProcessIdentity | null
}
export type WorkEnded = Stamped & {
  readonly type: "work.exited"
  readonly key: AgentKey
  readonly exit: Omit<WorkExited, "type" | "at">
}
export type SpawnFailed = Stamped & {
  readonly type: "spawn.failed"
  readonly key: AgentKey
  readonly error: string
  readonly exitCode: number | null
}
export type TreeReaped = Stamped & {
  readonly type: "tree.reaped"
  readonly key: AgentKey
  readonly mechanism: Mechanism
}

export type Noticed = AgentNotice
export type AgentOverEvent = AgentOver

export type SupervisorEvent =
  | AgentRequested
  | HoldRequested
  | HoldSettled
  | HoldVoided
  | HoldCharged
  | HoldWithdrawn
  | HoldSettledLate
  | UsageReported
  | AccountCompared
  | StopRequested
  | BudgetChanged
  | WorkStarted
  | WorkEnded
  | SpawnFailed
  | TreeReaped
  | DeadlineReached
  | AgentNotice
  | AgentOver
  | (Stamped & { readonly type: "request.withdrawn"; readonly requestId: RequestId })
  | (Stamped & { readonly type: "ledger.failed" })
  | (Stamped & { readonly type: "ledger.recovered" })
  | (Stamped & { readonly type: "drain.requested" })
  | (Stamped & { readonly type: "shutdown.requested" })

/** Every type a supervisor understands, to check events at the boundary before `send`. */
export const SUPERVISOR_EVENTS: readonly SupervisorEvent["type"][] = [
  "agent.requested",
  "request.withdrawn",
  "hold.requested",
  "hold.settled",
  "hold.voided",
  "hold.charged",
  "hold.withdrawn",
  "hold.settled_late",
  "usage.reported",
  "account.compared",
  "stop.requested",
  "budget.changed",
  "work.started",
  "work.exited",
  "spawn.failed",
  "tree.reaped",
  "deadline.reached",
  "agent.killing",
  "agent.unkillable",
  "agent.over",
  "ledger.failed",
  "ledger.recovered",
  "drain.requested",
  "shutdown.requested",
]
