/**
 * The budget: one immutable value that every decision reads and only `fold` changes.
 *
 * It knows the open window, the live agents and the open holds. Of the past it keeps a bounded
 * tail (the last ended agents and refusals of the window, for the summary); the rest is a query
 * on the ledger.
 */
import * as HashMap from "effect/HashMap"
import type {
  AgentId,
  AgentKey,
  AgentState,
  Credential,
  Enforcement,
  HoldId,
  Instant,
  Mechanism,
  MicroUsd,
  ProcessIdentity,
  RefusalReason,
  RequestId,
  StopReason,
  TaskId,
  Tokens,
  Usage,
  UsageId,
  WindowId,
} from "../vocabulary.ts"
import { type Account, openAccount } from "./account.ts"
import type { Refusal, Window } from "./row.ts"
import type { BudgetSettings, KeptValues, TokenWeights } from "./settings.ts"
import { emptyTail, type Tail } from "./tail.ts"

/** A call already counted, to recognise its repetition. */
export interface KnownCall {
  readonly usage: Usage
  readonly tokens: Tokens
  /** The part of `tokens` that stands as uncertain. */
  readonly uncertain: Tokens
  readonly windowId: WindowId
  /** Those it was counted with; later ones do not re-weigh it. */
  readonly weights: TokenWeights
  /** What it cost, and whether that stands as uncertain; null: no price, no cost. */
  readonly costMicroUsd: MicroUsd | null
}

/**
 * The calls of one agent by id, in two generations: when the newer is full the older is
 * forgotten, so an agent that never ends stays bounded. A repeat older than that counts as a
 * new call: the safe side.
 */
export interface KnownCalls {
  readonly newer: HashMap.HashMap<UsageId, KnownCall>
  readonly older: HashMap.HashMap<UsageId, KnownCall>
}

export interface LiveAgent {
  readonly key: AgentKey
  readonly agentId: AgentId
  readonly taskId: TaskId
  readonly requestId: RequestId
  readonly state: AgentState
  readonly slot: boolean
  readonly startedAt: Instant
  readonly deadlineAt: Instant | null
  readonly graceMs: number
  readonly enforcement: Enforcement
  readonly process: ProcessIdentity | null
  /** A limit of its own, lower than the general one; null when it has none. */
  readonly ownLimit: Tokens | null
  readonly account: Account
  /** As `ownLimit` and `account`, of money in micro-dollars. */
  readonly ownCostLimit: MicroUsd | null
  readonly cost: Account
  /** Its calls of models without a price, which `cost` does not hold. */
  readonly unpricedCalls: number
  readonly credential: Credential | null
  /** What of its limit is set aside for winding down; null: the general amount. */
  readonly ownReserve: Tokens | null
  /** Only what was set aside for winding down is left, and it has been told. */
  readonly wrappingUp: boolean
  /** Its own account of its calls, read beside the gateway's; null when nobody compared. */
  readonly ownAccount: OwnAccount | null
  readonly windowTokens: Tokens
  readonly usage: Usage
  readonly holds: readonly HoldId[]
  readonly calls: KnownCalls
  /** Set once: the first cause of its end. */
  readonly reason: StopReason | null
  /** When it was asked to stop: its grace is counted from here, whoever supervises it by then. */
  readonly stoppingAt: Instant | null
  readonly refusalsInARow: number
  /** The latest hold stands refused for good, by this limit. */
  readonly refusedNever: RefusalReason | null
  readonly wouldRefuse: Refusal | null
}

export interface OwnAccount {
  readonly meter: string
  readonly usage: Usage
}

export interface EndedAgent {
  readonly agent: LiveAgent
  readonly reason: StopReason
  readonly mechanism: Mechanism
  readonly endedAt: Instant
  readonly exitCode: number | null
  readonly signal: string | null
  readonly error: string | null
}

export interface Hold {
  readonly id: HoldId
  readonly key: AgentKey
  readonly windowId: WindowId
  readonly tokens: Tokens
  readonly expiresAt: Instant | null
  /** Null: of a model without a price. */
  readonly costMicroUsd: MicroUsd | null
  /** What was asked for; `tokens` is what was granted of it. */
  readonly askedTokens: Tokens
  readonly outputTokens: Tokens
  readonly wrapUp: boolean
}

export interface RefusedRequest {
  readonly subject: "spawn" | "hold"
  readonly requestId: RequestId | HoldId
  readonly agentId: AgentId
  readonly taskId: TaskId
  readonly at: Instant
  readonly refusal: Refusal
}

export interface Budget {
  /** The last row folded. */
  readonly seq: number
  readonly settings: BudgetSettings
  /** What later runs find, where nothing nearer says otherwise. */
  readonly kept: KeptValues
  readonly window: Window
  readonly day: Account
  /** The day's money, in micro-dollars. */
  readonly dayCost: Account
  /** Calls of the day whose models have no price, which `dayCost` does not hold. */
  readonly unpricedCalls: number
  readonly agents: HashMap.HashMap<AgentKey, LiveAgent>
  readonly names: HashMap.HashMap<AgentId, AgentKey>
  readonly holds: HashMap.HashMap<HoldId, Hold>
  readonly slotsTaken: number
  /** Agents by class, for the overshoot bound; only live ones. */
  readonly liveByEnforcement: Readonly<Record<Enforcement, number>>
  readonly largestCall: Tokens | null
  /** Usage of agents of this window that the tail below no longer lists. */
  readonly ended: Tail<EndedAgent>
  readonly endedOmitted: { readonly agents: number; readonly windowTokens: Tokens }
  readonly refused: Tail<RefusedRequest>
}

/** How many ended agents and refusals of the open window the summary lists. */
export const TAIL_LENGTH = 1_000

/** How many calls one generation of `KnownCalls` holds. */
export const CALLS_PER_GENERATION = 5_000

export const NO_CALLS: KnownCalls = { newer: HashMap.empty(), older: HashMap.empty() }

export const openBudget = (settings: BudgetSettings, window: Window): Budget => ({
  seq: 0,
  settings,
  kept: {},
  window,
  day: openAccount(settings.dailyTokenLimit, settings.thresholds),
  dayCost: openAccount(settings.dailyCostLimitMicroUsd, settings.thresholds),
  unpricedCalls: 0,
  agents: HashMap.empty(),
  names: HashMap.empty(),
  holds: HashMap.empty(),
  slotsTaken: 0,
  liveByEnforcement: { reserved: 0, metered: 0, opaque: 0, unmetered: 0 },
  largestCall: null,
  ended: emptyTail(),
  endedOmitted: { agents: 0, windowTokens: 0 },
  refused: emptyTail(),
})

/** What of an agent's token limit is set aside for winding down. */
export const reserveOf = ({ settings }: Budget, { ownReserve }: LiveAgent): Tokens =>
  ownReserve ?? settings.reserveForWrapUp

export const agentOf = (budget: Budget, key: AgentKey): LiveAgent | undefined => {
  const found = HashMap.get(budget.agents, key)
  return found._tag === "Some" ? found.value : undefined
}

export const holdOf = (budget: Budget, id: HoldId): Hold | undefined => {
  const found = HashMap.get(budget.holds, id)
  return found._tag === "Some" ? found.value : undefined
}

export const keyOfName = (budget: Budget, agentId: AgentId): AgentKey | undefined => {
  const found = HashMap.get(budget.names, agentId)
  return found._tag === "Some" ? found.value : undefined
}

export const knownCall = (calls: KnownCalls, id: UsageId): KnownCall | undefined => {
  const newer = HashMap.get(calls.newer, id)
  if (newer._tag === "Some") return newer.value
  const older = HashMap.get(calls.older, id)
  return older._tag === "Some" ? older.value : undefined
}

export const rememberCall = (calls: KnownCalls, id: UsageId, call: KnownCall): KnownCalls => {
  const full = HashMap.size(calls.newer) >= CALLS_PER_GENERATION
  return full
    ? { newer: HashMap.make([id, call]), older: calls.newer }
    : { newer: HashMap.set(calls.newer, id, call), older: calls.older }
}

/** Its life is not over and nobody has asked it to stop. */
export const isActive = (agent: LiveAgent): boolean =>
  agent.state === "starting" || agent.state === "running"
