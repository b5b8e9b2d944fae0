/** What the host says no with. A refusal is a value with its numbers; the rest are mistakes to mend. */
import * as Schema from "effect/Schema"
import type { Refusal } from "../../machines/budget/row.ts"
import { isoOf } from "../../machines/budget/summary.ts"
import { RefusalReason } from "../../machines/vocabulary.ts"

const RefusalSchema = Schema.Struct({
  reason: RefusalReason,
  limit: Schema.NullOr(Schema.Number),
  used: Schema.Number,
  held: Schema.Number,
  asked: Schema.Number,
  retryAt: Schema.NullOr(Schema.String),
  never: Schema.Boolean,
})

/** A refusal as it leaves the house: the same numbers, `retryAt` as ISO 8601 UTC. */
export interface RefusalReport extends Omit<Refusal, "retryAt"> {
  readonly retryAt: string | null
}

export const reportOf = (refusal: Refusal): RefusalReport => ({
  ...refusal,
  retryAt: refusal.retryAt === null ? null : isoOf(refusal.retryAt),
})

/** `daily_token_limit: asked 10, used 95 and held 0 of 100; try again at …`. */
export const explain = (refusal: RefusalReport): string => {
  const numbers =
    refusal.limit === null
      ? ""
      : `: asked ${refusal.asked}, used ${refusal.used} and held ${refusal.held} of ${refusal.limit}`
  const next = refusal.never
    ? "it can never fit under this limit"
    : refusal.retryAt === null
      ? "try again when something ends"
      : `try again at ${refusal.retryAt}`
  return `${refusal.reason}${numbers}; ${next}`
}

/** The agent may not start; `refusal` says why and whether waiting helps. */
export class AdmissionRefused extends Schema.TaggedError<AdmissionRefused>()("AdmissionRefused", {
  agentId: Schema.String,
  refusal: RefusalSchema,
  message: Schema.String,
}) {}

/** The call may not be made; `refusal` says why and whether waiting helps. */
export class HoldRefused extends Schema.TaggedError<HoldRefused>()("HoldRefused", {
  agentId: Schema.String,
  refusal: RefusalSchema,
  message: Schema.String,
}) {}

/** A value at the door is not one: names the field, what was found, and what is allowed. */
export class InvalidRequest extends Schema.TaggedError<InvalidRequest>()("InvalidRequest", {
  field: Schema.String,
  found: Schema.String,
  allowed: Schema.String,
  message: Schema.String,
}) {}

/** The clock reads more than 26 h before the day the ledger has open. */
export class ClockStepped extends Schema.TaggedError<ClockStepped>()("ClockStepped", {
  now: Schema.String,
  windowStartsAt: Schema.String,
  message: Schema.String,
}) {}

/** A request that must be refused was let through: the limiter is not switched on. */
export class CanaryAdmitted extends Schema.TaggedError<CanaryAdmitted>()("CanaryAdmitted", {
  limits: Schema.Array(Schema.String),
  message: Schema.String,
}) {}

export const nameTaken = (agentId: string): InvalidRequest =>
  new InvalidRequest({
    field: "agentId",
    found: JSON.stringify(agentId),
    allowed: "a name no live or waiting agent has",
    message: `agentId ${JSON.stringify(agentId)} is taken by a live or waiting agent; wait for its end or choose another name`,
  })

/** The same id for something else. */
export const conflict = (id: string, found: string): InvalidRequest =>
  new InvalidRequest({
    field: "id",
    found: JSON.stringify(id),
    allowed: "an id not used for anything else",
    message: `id ${JSON.stringify(id)} was already used for ${found}; ask under a new id`,
  })

export const admissionRefused = (agentId: string, refusal: Refusal): AdmissionRefused => {
  const report = reportOf(refusal)
  const message = `agent ${JSON.stringify(agentId)} was not admitted: ${explain(report)}`
  return new AdmissionRefused({ agentId, refusal: report, message })
}

export const holdRefused = (agentId: string, refusal: Refusal): HoldRefused => {
  const report = reportOf(refusal)
  const message = `hold of agent ${JSON.stringify(agentId)} was refused: ${explain(report)}`
  return new HoldRefused({ agentId, refusal: report, message })
}
