/**
 * What is said over a ledger's socket: one JSON object a line, in both directions.
 *
 * Whatever comes in is decoded before it is believed. The kinds are closed; a peer of another
 * version is told so and let go.
 */
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type { AgentSummary, Summary } from "../../machines/budget/summary.ts"
import type { Fact } from "../../machines/facts.ts"
import {
  AgentId,
  AgentKey,
  BudgetStatus,
  Credential,
  Enforcement,
  HoldId,
  Mechanism,
  MicroUsd,
  ProcessIdentity,
  Provenance,
  RefusalReason,
  StopReason,
  TaskId,
  Tokens,
  Usage,
  UsageId,
} from "../../machines/vocabulary.ts"
import type { InForce } from "../config/kept.ts"
import { LedgerUnavailable } from "../ledger/ledger.ts"

/** Raised whenever a message changes its meaning; a peer with another one is turned away. */
export const SHARING_VERSION = 3

const Exit = Schema.Struct({
  outcome: Schema.Literals(["completed", "failed"]),
  mechanism: Mechanism,
  exitCode: Schema.NullOr(Schema.Int),
  signal: Schema.NullOr(Schema.String),
  error: Schema.NullOr(Schema.String),
  treeGone: Schema.Boolean,
})

const Reading = Schema.Struct({
  usageId: UsageId,
  usage: Usage,
  provenance: Provenance,
  model: Schema.NullOr(Schema.String),
  completes: Schema.optionalKey(Schema.Boolean),
  costMicroUsd: Schema.optionalKey(Schema.NullOr(MicroUsd)),
})
export type Reading = typeof Reading.Type

const Limits = Schema.Struct({
  perAgentTokenLimit: Schema.optionalKey(Schema.Number),
  maxTaskDurationMinutes: Schema.optionalKey(Schema.Number),
  graceSeconds: Schema.optionalKey(Schema.Number),
  perAgentCostLimitMicroUsd: Schema.optionalKey(Schema.Number),
  reserveForWrapUp: Schema.optionalKey(Schema.Number),
})

const keyed = { key: AgentKey }
const numbered = { id: Schema.Int }

/** Said once, first; nothing else is heard before it. */
const Hello = Schema.Struct({
  type: Schema.Literal("hello"),
  version: Schema.Int,
  pid: Schema.Int,
})

/** Asks for an agent, or goes on with one: the same words before its admission and after a handover. */
const AgentPresented = Schema.Struct({
  type: Schema.Literal("agent"),
  ...keyed,
  agentId: AgentId,
  taskId: TaskId,
  queue: Schema.Boolean,
  waitForReset: Schema.Boolean,
  limits: Limits,
  enforcement: Schema.optionalKey(Enforcement),
  credential: Schema.optionalKey(Credential),
  /** Its work was begun here, whoever said so. */
  begun: Schema.Boolean,
})
export type AgentPresented = typeof AgentPresented.Type

const Withdrawn = Schema.Struct({ type: Schema.Literal("withdrawn"), ...keyed })

/** What its runner reports; said again after a handover, and heard once. */
const WorkReported = Schema.Union([
  Schema.Struct({
    type: Schema.Literal("started"),
    ...keyed,
    process: Schema.NullOr(ProcessIdentity),
  }),
  Schema.Struct({
    type: Schema.Literal("failed"),
    ...keyed,
    error: Schema.String,
    exitCode: Schema.NullOr(Schema.Int),
  }),
  Schema.Struct({ type: Schema.Literal("exited"), ...keyed, exit: Exit }),
  Schema.Struct({ type: Schema.Literal("reaped"), ...keyed, mechanism: Mechanism }),
])
export type WorkReported = typeof WorkReported.Type

/** Numbered by its sender, one by one for each agent; answered with `counted` once durable. */
const UsageRead = Schema.Struct({
  type: Schema.Literal("usage"),
  ...keyed,
  n: Schema.Int,
  reading: Reading,
})
export type UsageRead = typeof UsageRead.Type

const Bound = Schema.Struct({
  inputTokens: Tokens,
  outputTokens: Schema.Struct({ least: Tokens, most: Tokens }),
  answers: Tokens,
  price: Schema.NullOr(
    Schema.Struct({ inputPicoUsd: Tokens, outputPicoUsd: Tokens, perCallMicroUsd: MicroUsd }),
  ),
})

/** A call to be held; asked again after a handover under the id it had. */
const HoldAsked = Schema.Struct({
  type: Schema.Literal("hold"),
  ...keyed,
  id: HoldId,
  ask: Schema.Struct({
    bound: Bound,
    isBounded: Schema.Boolean,
    queue: Schema.Boolean,
    isTentative: Schema.Boolean,
    claims: Schema.Literals(["reserved", "metered"]),
  }),
})

const Resolution = Schema.Union([
  Schema.Struct({
    as: Schema.Literal("settle"),
    report: Schema.Struct({
      usage: Usage,
      provenance: Provenance,
      model: Schema.NullOr(Schema.String),
      costMicroUsd: Schema.NullOr(MicroUsd),
    }),
  }),
  Schema.Struct({ as: Schema.Literals(["charge", "void"]) }),
])

/**
 * How a held call ended, or that one is no longer asked for; answered with `resolved` once durable,
 * and said again to the next holder until then.
 */
const HoldResolved = Schema.Struct({
  type: Schema.Literal("resolve"),
  ...keyed,
  id: HoldId,
  resolution: Resolution,
})

/** What an agent says of its calls itself; answered with `resolved` once durable. */
const AccountCompared = Schema.Struct({
  type: Schema.Literal("compare"),
  ...keyed,
  id: Schema.String,
  account: Schema.Struct({
    meter: Schema.String,
    usage: Usage,
    model: Schema.NullOr(Schema.String),
  }),
})

const StopAsked = Schema.Struct({
  type: Schema.Literal("stop"),
  ...keyed,
  reason: StopReason,
  now: Schema.Boolean,
})

/** Anybody may ask: how things stand, that an agent stop, to hear what happens. */
const StatusAsked = Schema.Struct({ type: Schema.Literal("status"), ...numbered })
const HaltAsked = Schema.Struct({
  type: Schema.Literal("halt"),
  ...numbered,
  agentId: Schema.String,
  now: Schema.Boolean,
})
/** As written after `stint budget set`; null takes the value back. */
const KeepAsked = Schema.Struct({
  type: Schema.Literal("keep"),
  ...numbered,
  setting: Schema.String,
  text: Schema.NullOr(Schema.String),
})
const FactsAsked = Schema.Struct({ type: Schema.Literal("facts") })

export const ToHolder = Schema.Union([
  Hello,
  AgentPresented,
  Withdrawn,
  ...WorkReported.members,
  UsageRead,
  HoldAsked,
  HoldResolved,
  AccountCompared,
  StopAsked,
  StatusAsked,
  HaltAsked,
  KeepAsked,
  FactsAsked,
])
export type ToHolder = typeof ToHolder.Type

/** Made by the holder's own code and only shown here, so only its outline is looked at. */
const made = <A extends object>() =>
  Schema.declare((value): value is A => typeof value === "object" && value !== null)

const Refusal = Schema.Struct({
  reason: RefusalReason,
  limit: Schema.NullOr(Schema.Number),
  used: Schema.Number,
  held: Schema.Number,
  asked: Schema.Number,
  retryAt: Schema.NullOr(Schema.String),
  never: Schema.Boolean,
})

const Standing = Schema.Struct({
  summary: made<Summary>(),
  waiting: Schema.Int,
  budget: made<InForce>(),
  pid: Schema.Int,
})
/** How things stand at the holder's. */
export type Standing = typeof Standing.Type

export const FromHolder = Schema.Union([
  Schema.Struct({ type: Schema.Literal("welcome"), version: Schema.Int, pid: Schema.Int }),
  /** The connection ends with this. */
  Schema.Struct({ type: Schema.Literal("turned_away"), message: Schema.String }),
  Schema.Struct({ type: Schema.Literal("granted"), ...keyed }),
  Schema.Struct({
    type: Schema.Literal("refused"),
    ...keyed,
    message: Schema.String,
    /** Null for a request that was none. */
    refusal: Schema.NullOr(Refusal),
  }),
  Schema.Struct({ type: Schema.Literal("begin"), ...keyed }),
  Schema.Struct({ type: Schema.Literal("interrupt"), ...keyed, reason: Schema.String }),
  Schema.Struct({ type: Schema.Literal("kill"), ...keyed }),
  Schema.Struct({ type: Schema.Literal("warn"), ...keyed, status: BudgetStatus }),
  Schema.Struct({ type: Schema.Literal("counted"), ...keyed, n: Schema.Int }),
  Schema.Struct({
    type: Schema.Literal("held"),
    ...keyed,
    id: HoldId,
    outputTokens: Tokens,
    wrapUp: Schema.NullOr(Schema.Struct({ remainingTokens: Schema.NullOr(Tokens) })),
  }),
  Schema.Struct({
    type: Schema.Literal("hold_refused"),
    ...keyed,
    id: HoldId,
    refusal: Refusal,
  }),
  Schema.Struct({ type: Schema.Literal("resolved"), ...keyed, id: Schema.String }),
  /** Decided, and not on disk: the holder's ledger cannot be written now. */
  Schema.Struct({
    type: Schema.Literal("unwritten"),
    ...keyed,
    id: Schema.String,
    reason: LedgerUnavailable.fields.reason,
    path: Schema.String,
    message: Schema.String,
  }),
  Schema.Struct({ type: Schema.Literal("ended"), ...keyed, agent: made<AgentSummary>() }),
  Schema.Struct({ type: Schema.Literal("stands"), ...numbered, standing: Standing }),
  Schema.Struct({
    type: Schema.Literal("halted"),
    ...numbered,
    found: Schema.Boolean,
    living: Schema.Array(Schema.String),
  }),
  Schema.Struct({
    type: Schema.Literal("kept"),
    ...numbered,
    /** Why it is not kept; null when it is. */
    refused: Schema.NullOr(Schema.String),
    /** False when there was nothing to take back. */
    changed: Schema.Boolean,
    /** As it is now in either case. */
    budget: made<InForce>(),
    pid: Schema.Int,
  }),
  Schema.Struct({ type: Schema.Literal("fact"), fact: made<Fact>() }),
  Schema.Struct({ type: Schema.Literal("goodbye") }),
])
export type FromHolder = typeof FromHolder.Type

const decoder = <A>(schema: Schema.Decoder<A>) => {
  const decode = Schema.decodeUnknownOption(schema)
  return (line: string): A | null => {
    try {
      return Option.getOrNull(decode(JSON.parse(line)))
    } catch {
      return null
    }
  }
}

/** Null for a line that is no message. */
export const decodeToHolder = decoder(ToHolder)
export const decodeFromHolder = decoder(FromHolder)
