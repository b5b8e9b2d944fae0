/** What is said over a ledger's socket about an agent's calls: asked for, answered, resolved. */
import * as Schema from "effect/Schema"
import {
  AgentKey,
  HoldId,
  MicroUsd,
  Provenance,
  RefusalReason,
  Tokens,
  Usage,
} from "../../machines/vocabulary.ts"
import { LedgerUnavailable } from "../ledger/ledger.ts"

export const Refusal = Schema.Struct({
  reason: RefusalReason,
  limit: Schema.NullOr(Schema.Number),
  used: Schema.Number,
  held: Schema.Number,
  asked: Schema.Number,
  retryAt: Schema.NullOr(Schema.String),
  never: Schema.Boolean,
})

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
  key: AgentKey,
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
  key: AgentKey,
  id: HoldId,
  resolution: Resolution,
})

/** What an agent says of its calls itself; answered with `resolved` once durable. */
const AccountCompared = Schema.Struct({
  type: Schema.Literal("compare"),
  key: AgentKey,
  id: Schema.String,
  account: Schema.Struct({
    meter: Schema.String,
    usage: Usage,
    model: Schema.NullOr(Schema.String),
  }),
})

export const CallSaid = Schema.Union([HoldAsked, HoldResolved, AccountCompared])

export const CallAnswered = Schema.Union([
  Schema.Struct({
    type: Schema.Literal("held"),
    key: AgentKey,
    id: HoldId,
    outputTokens: Tokens,
    wrapUp: Schema.NullOr(Schema.Struct({ remainingTokens: Schema.NullOr(Tokens) })),
  }),
  Schema.Struct({
    type: Schema.Literal("hold_refused"),
    key: AgentKey,
    id: HoldId,
    refusal: Refusal,
  }),
  Schema.Struct({ type: Schema.Literal("resolved"), key: AgentKey, id: Schema.String }),
  /** Decided, and not on disk: the holder's ledger cannot be written now. Of a reading `id` is its number. */
  Schema.Struct({
    type: Schema.Literal("unwritten"),
    key: AgentKey,
    id: Schema.String,
    reason: LedgerUnavailable.fields.reason,
    path: Schema.String,
    message: Schema.String,
  }),
])
