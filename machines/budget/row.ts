/**
 * What the ledger keeps: one immutable row for each change of the budget.
 *
 * The budget is `fold(rows)`, at run time and at recovery alike; nothing else changes it.
 * Every row carries all that folding it needs (weighed tokens, the window it belongs to),
 * so later settings never re-weigh or move what was recorded.
 *
 * What an optional field leaves out is nothing: no money, no clamp, no wrap-up. So rows of calls
 * without a price stay as small as they were, and those of older ledgers still fold.
 */
import type {
  AgentId,
  AgentKey,
  Credential,
  Enforcement,
  HoldId,
  Instant,
  Mechanism,
  MicroUsd,
  ProcessIdentity,
  Provenance,
  RefusalReason,
  RequestId,
  StopReason,
  TaskId,
  Tokens,
  Usage,
  UsageId,
  WindowId,
} from "../vocabulary.ts"
import type { BudgetSettings, KeptValues } from "./settings.ts"

/** One day of one time zone: `startsAt ≤ t < endsAt`. */
export interface Window {
  readonly id: WindowId
  readonly startsAt: Instant
  readonly endsAt: Instant
  readonly timeZone: string
}

/** Why a request was not granted, with the numbers that decided it. `limit` null: none of them. */
export interface Refusal {
  readonly reason: RefusalReason
  readonly limit: number | null
  readonly used: number
  readonly held: number
  readonly asked: number
  readonly retryAt: Instant | null
  /** True: it cannot fit however long one waits. False: asking again later may succeed. */
  readonly never: boolean
}

interface Stamp {
  /** Position in the ledger, from 1, without holes. */
  readonly seq: number
  readonly at: Instant
}

export interface WindowOpened extends Stamp {
  readonly kind: "window_opened"
  readonly window: Window
}

export interface BudgetSet extends Stamp {
  readonly kind: "budget_set"
  readonly settings: BudgetSettings
}

/** What is kept for later runs, whole: it is in force only where `budget_set` says so. */
export interface DefaultsKept extends Stamp {
  readonly kind: "defaults_kept"
  readonly values: KeptValues
}

export interface Admitted extends Stamp {
  readonly kind: "admitted"
  readonly key: AgentKey
  readonly agentId: AgentId
  readonly taskId: TaskId
  readonly requestId: RequestId
  readonly windowId: WindowId
  readonly tokenLimit: Tokens | null
  /** The limit it was given for itself, if any; `tokenLimit` is the narrower of both. */
  readonly ownLimit: Tokens | null
  readonly deadlineAt: Instant | null
  readonly graceMs: number
  readonly enforcement: Enforcement
  /** False for an account that only counts (an id that reports usage but was never started). */
  readonly slot: boolean
  /** The refusal that hard mode would have given; soft mode admits and keeps it here. */
  readonly wouldRefuse: Refusal | null
  readonly costLimitMicroUsd?: MicroUsd | null
  /** The cost limit it was given for itself, if any. */
  readonly ownCostLimitMicroUsd?: MicroUsd | null
  /** Whose key pays its calls, where they pass the gateway. */
  readonly credential?: Credential
  /** What is set aside for winding down, in place of the general amount. */
  readonly reserveForWrapUp?: Tokens
}

export interface Refused extends Stamp {
  readonly kind: "refused"
  readonly subject: "spawn" | "hold"
  readonly requestId: RequestId | HoldId
  readonly key: AgentKey | null
  readonly agentId: AgentId
  readonly taskId: TaskId
  readonly windowId: WindowId
  readonly refusal: Refusal
  /** The tokens asked for, where the refusal counts something else. */
  readonly askedTokens?: Tokens
}

export interface Started extends Stamp {
  readonly kind: "started"
  readonly key: AgentKey
  readonly process: ProcessIdentity | null
}

export interface HoldPlaced extends Stamp {
  readonly kind: "hold_placed"
  readonly holdId: HoldId
  readonly key: AgentKey
  readonly windowId: WindowId
  readonly tokens: Tokens
  /** Null: while its connection is open or its agent lives, however long that takes. */
  readonly expiresAt: Instant | null
  readonly wouldRefuse: Refusal | null
  /** Not set: of a model without a price, which is not the same as one that costs nothing. */
  readonly costMicroUsd?: MicroUsd
  /** What was asked for, where less was granted. */
  readonly askedTokens?: Tokens
  /** What each answer of the call may have. */
  readonly outputTokens?: Tokens
  /** It uses what was set aside for winding down. */
  readonly wrapUp?: true
  /** The class its call is enforced in; `reserved` where nothing else is said. */
  readonly claims?: "metered"
}

export interface HoldSettled extends Stamp {
  readonly kind: "hold_settled"
  readonly holdId: HoldId
  readonly key: AgentKey
  readonly windowId: WindowId
  /** What the hold was; the difference to `tokens` is given back, or is overrun. */
  readonly heldTokens: Tokens
  readonly usage: Usage
  readonly tokens: Tokens
  readonly provenance: Provenance
  readonly model: string | null
  readonly heldCostMicroUsd?: MicroUsd
  /** Null: of a model without a price. */
  readonly costMicroUsd?: MicroUsd | null
}

/** Only for a call that provably never left. */
export interface HoldVoided extends Stamp {
  readonly kind: "hold_voided"
  readonly holdId: HoldId
  readonly key: AgentKey
  readonly windowId: WindowId
  readonly heldTokens: Tokens
  readonly heldCostMicroUsd?: MicroUsd
}

/** An expired hold is charged in full, as uncertain. */
export interface HoldExpired extends Stamp {
  readonly kind: "hold_expired"
  readonly holdId: HoldId
  readonly key: AgentKey
  readonly windowId: WindowId
  readonly heldTokens: Tokens
  readonly heldCostMicroUsd?: MicroUsd
}

export interface UsageRecorded extends Stamp {
  readonly kind: "usage_recorded"
  readonly key: AgentKey
  readonly usageId: UsageId | null
  readonly windowId: WindowId
  readonly usage: Usage
  readonly tokens: Tokens
  readonly provenance: Provenance
  readonly model: string | null
  /** Null: of a model without a price. */
  readonly costMicroUsd?: MicroUsd | null
}

/**
 * A later, better number for a call already counted: a repeated usage id that grew, or a
 * settle that came after its hold had expired. Belongs to the window of the call's first row.
 */
export interface Corrected extends Stamp {
  readonly kind: "corrected"
  readonly key: AgentKey
  readonly ref: { readonly usageId: UsageId } | { readonly holdId: HoldId }
  readonly windowId: WindowId
  /** The call's counts as known now. */
  readonly usage: Usage
  /** Weighed tokens before and now. */
  readonly tokensBefore: Tokens
  readonly tokens: Tokens
  /** How much of `tokensBefore` stood as uncertain; it is confirmed by this row. */
  readonly uncertainBefore: Tokens
  readonly usageBefore: Usage
  /** The call's cost before and now, and how much of it stood as uncertain; before null: no price. */
  readonly cost?: {
    readonly beforeMicroUsd: MicroUsd | null
    readonly uncertainMicroUsd: MicroUsd
    readonly nowMicroUsd: MicroUsd
  }
}

/** What an agent's own account of its calls came to, beside what was counted of them here. */
export interface OwnAccountRead extends Stamp {
  readonly kind: "own_account_read"
  readonly key: AgentKey
  /** Which meter read it. */
  readonly meter: string
  readonly usage: Usage
}

export interface StopRequested extends Stamp {
  readonly kind: "stop_requested"
  readonly key: AgentKey
  readonly reason: StopReason
}

/** Its tree survived SIGKILL: the slot stays taken and somebody must look. */
export interface Unkillable extends Stamp {
  readonly kind: "unkillable"
  readonly key: AgentKey
}

export interface Ended extends Stamp {
  readonly kind: "ended"
  readonly key: AgentKey
  readonly reason: StopReason
  readonly mechanism: Mechanism
  readonly exitCode: number | null
  readonly signal: string | null
  readonly error: string | null
}

/** The clock reads more than a day before the open window, and somebody accepted it. */
export interface ClockStepped extends Stamp {
  readonly kind: "clock_stepped"
  readonly from: Instant
  readonly window: Window
  /** What the day now opened had already used, by the ledger. */
  readonly confirmedTokens: Tokens
  readonly uncertainTokens: Tokens
  readonly confirmedMicroUsd?: MicroUsd
  readonly uncertainMicroUsd?: MicroUsd
}

export type Row =
  | WindowOpened
  | BudgetSet
  | DefaultsKept
  | Admitted
  | Refused
  | Started
  | HoldPlaced
  | HoldSettled
  | HoldVoided
  | HoldExpired
  | UsageRecorded
  | Corrected
  | OwnAccountRead
  | StopRequested
  | Unkillable
  | Ended
  | ClockStepped

/** A row before the ledger's order is known. */
export type Unnumbered<R extends Row = Row> = R extends Row ? Omit<R, "seq" | "at"> : never
