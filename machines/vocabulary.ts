/** The nouns of the house: ids, amounts, instants and the closed sets of words. No behaviour. */
import * as Schema from "effect/Schema"

const Name = Schema.NonEmptyString.pipe(Schema.check(Schema.isMaxLength(256)))

/** The name an agent is known by; unique among live agents only. */
export const AgentId = Name
export type AgentId = typeof AgentId.Type

export const TaskId = Name
export type TaskId = typeof TaskId.Type

/** One admission. Branded, because confusing it with the agent's name is the mistake to prevent. */
export const AgentKey = Name.pipe(Schema.brand("AgentKey"))
export type AgentKey = typeof AgentKey.Type

export const HoldId = Name.pipe(Schema.brand("HoldId"))
export type HoldId = typeof HoldId.Type

export const RequestId = Name.pipe(Schema.brand("RequestId"))
export type RequestId = typeof RequestId.Type

/** Names one call within one admission; chosen by the agent or its meter. */
export const UsageId = Name
export type UsageId = typeof UsageId.Type

/** A whole number of tokens, 0 ≤ n < 2^53. */
export const Tokens = Schema.Int.pipe(Schema.check(Schema.isGreaterThanOrEqualTo(0)))
export type Tokens = typeof Tokens.Type

/** Money as a whole number of millionths of a dollar, 0 ≤ n < 2^53. */
export const MicroUsd = Tokens
export type MicroUsd = typeof MicroUsd.Type

/** Milliseconds since the epoch, UTC. */
export const Instant = Schema.Int
export type Instant = typeof Instant.Type

/** The day of a window as `YYYY-MM-DD` in the budget's time zone. */
export const WindowId = Schema.String.pipe(Schema.check(Schema.isPattern(/^\d{4,6}-\d{2}-\d{2}$/)))
export type WindowId = typeof WindowId.Type

/** Four disjoint kinds of tokens; `inputTokens` is uncached input, reasoning is inside output. */
export const Usage = Schema.Struct({
  inputTokens: Tokens,
  outputTokens: Tokens,
  cacheWriteTokens: Tokens,
  cacheReadTokens: Tokens,
})
export type Usage = typeof Usage.Type

/** Where a number comes from. `estimated` and `unknown` usage counts as uncertain. */
export const Provenance = Schema.Literals(["reported", "estimated", "unknown"])
export type Provenance = typeof Provenance.Type

/** How an agent's usage is seen; only `reserved` is ever called hard. */
export const Enforcement = Schema.Literals(["reserved", "metered", "opaque", "unmetered"])
export type Enforcement = typeof Enforcement.Type

/** Whose key pays an agent's calls: one that only Stint knows, or the agent's own sign-in. */
export const Credential = Schema.Literals(["stint", "own"])
export type Credential = typeof Credential.Type

export const StopReason = Schema.Literals([
  "completed",
  "failed",
  "agent_token_limit",
  "daily_token_limit",
  "cost_limit",
  "duration_limit",
  "stalled",
  "cancelled",
  "shutdown",
  "spawn_failed",
  "lost",
])
export type StopReason = typeof StopReason.Type

export const Mechanism = Schema.Literals(["exited", "interrupted", "term", "kill", "vanished"])
export type Mechanism = typeof Mechanism.Type

export const RefusalReason = Schema.Literals([
  "concurrency_limit",
  "agent_token_limit",
  "daily_token_limit",
  "cost_limit",
  "duration_limit",
  "draining",
  "ledger_unavailable",
  "stale",
  "unboundable",
])
export type RefusalReason = typeof RefusalReason.Type

export const BudgetStatus = Schema.Literals([
  "within_budget",
  "approaching_limit",
  "at_limit",
  "exceeded",
])
export type BudgetStatus = typeof BudgetStatus.Type

export const AgentState = Schema.Literals([
  "starting",
  "running",
  "stopping",
  "unkillable",
  "ended",
])
export type AgentState = typeof AgentState.Type

/** The identity of a process: a pid alone may be a stranger's by now. */
export const ProcessIdentity = Schema.Struct({
  pid: Schema.Int,
  startTime: Schema.String,
  bootId: Schema.String,
})
export type ProcessIdentity = typeof ProcessIdentity.Type
