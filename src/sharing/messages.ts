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
  Mechanism,
  MicroUsd,
  ProcessIdentity,
  Provenance,
  StopReason,
  TaskId,
  Usage,
  UsageId,
} from "../../machines/vocabulary.ts"
import type { InForce } from "../config/kept.ts"
import { CallAnswered, CallSaid, Refusal } from "./call-messages.ts"

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
  ...CallSaid.members,
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
  ...CallAnswered.members,
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
