/** The door of the library: what callers hand in is checked before anything happens. */
import { isAmount, MAX_AMOUNT } from "../../machines/budget/amounts.ts"
import type { Provenance, Usage } from "../../machines/vocabulary.ts"
import { InvalidRequest } from "./errors.ts"

/** One call's usage as callers write it: missing kinds are 0; without an `id` it is a call of its own. */
export interface UsageInput {
  readonly id?: string
  readonly inputTokens?: number
  readonly outputTokens?: number
  readonly cacheWriteTokens?: number
  readonly cacheReadTokens?: number
  readonly model?: string
  readonly provenance?: Provenance
  /** In millionths of a dollar; null or not set where no price is known, which a cost limit refuses. */
  readonly costMicroUsd?: number | null
}

const KINDS = ["inputTokens", "outputTokens", "cacheWriteTokens", "cacheReadTokens"] as const
const USAGE_FIELDS: readonly string[] = [...KINDS, "id", "model", "provenance", "costMicroUsd"]
const PROVENANCES: readonly string[] = ["reported", "estimated", "unknown"]
export const NAME_LENGTH_MAX = 256

const AMOUNT = `a whole number from 0 to ${MAX_AMOUNT}`
const NAME = `a text of 1 to ${NAME_LENGTH_MAX} characters`

const invalid = (field: string, found: unknown, allowed: string): InvalidRequest => {
  const shown = typeof found === "string" ? JSON.stringify(found.slice(0, 80)) : String(found)
  const message = `${field}: found ${shown}, expected ${allowed}`
  return new InvalidRequest({ field, found: shown, allowed, message })
}

export const checkAmount = (field: string, value: unknown): number => {
  if (!isAmount(value)) throw invalid(field, value, AMOUNT)
  return value
}

export const checkName = (field: string, value: unknown): string => {
  if (typeof value === "string" && value.length > 0 && value.length <= NAME_LENGTH_MAX) return value
  throw invalid(field, value, NAME)
}

const checkRecord = (field: string, value: unknown): Readonly<Record<string, unknown>> => {
  if (typeof value === "object" && value !== null && !Array.isArray(value))
    return value as Readonly<Record<string, unknown>>
  throw invalid(field, value, "an object")
}

export interface CheckedUsage {
  readonly usageId: string | null
  readonly usage: Usage
  readonly model: string | null
  readonly provenance: Provenance
  readonly costMicroUsd: number | null
}

/** Null for what has no known price. */
export const checkCost = (field: string, value: unknown): number | null =>
  value === undefined || value === null ? null : checkAmount(field, value)

/** Throws `InvalidRequest` naming the field; nothing is recorded of a call that is wrong in part. */
export const checkUsage = (input: unknown): CheckedUsage => {
  const record = checkRecord("usage", input)
  for (const field of Object.keys(record))
    if (!USAGE_FIELDS.includes(field))
      throw invalid(`usage.${field}`, record[field], `one of ${USAGE_FIELDS.join(", ")}`)
  const count = (kind: (typeof KINDS)[number]): number =>
    record[kind] === undefined ? 0 : checkAmount(`usage.${kind}`, record[kind])
  const provenance = record.provenance ?? "reported"
  if (typeof provenance !== "string" || !PROVENANCES.includes(provenance))
    throw invalid("usage.provenance", provenance, `one of ${PROVENANCES.join(", ")}`)
  return {
    usageId: record.id === undefined ? null : checkName("usage.id", record.id),
    model: record.model === undefined ? null : checkName("usage.model", record.model),
    provenance: provenance as Provenance,
    costMicroUsd: checkCost("usage.costMicroUsd", record.costMicroUsd),
    usage: {
      inputTokens: count("inputTokens"),
      outputTokens: count("outputTokens"),
      cacheWriteTokens: count("cacheWriteTokens"),
      cacheReadTokens: count("cacheReadTokens"),
    },
  }
}

/** An agent's own limits: they may only lower the general ones. */
export interface OwnLimits {
  readonly perAgentTokenLimit?: number
  readonly maxTaskDurationMinutes?: number
  readonly graceSeconds?: number
  readonly perAgentCostLimitMicroUsd?: number
  /** The part of its tokens that is set aside for winding down, in place of the general one. */
  readonly reserveForWrapUp?: number
}

const OWN_LIMITS: readonly (keyof OwnLimits)[] = [
  "perAgentTokenLimit",
  "maxTaskDurationMinutes",
  "graceSeconds",
  "perAgentCostLimitMicroUsd",
  "reserveForWrapUp",
]

const checkSpan = (field: string, value: unknown, max: number): number => {
  if (typeof value === "number" && Number.isFinite(value) && value >= 0 && value <= max)
    return value
  throw invalid(field, value, `a number from 0 to ${max}`)
}

/** A century: past that a deadline is no deadline. */
const MINUTES_MAX = 52_560_000
const GRACE_SECONDS_MAX = 86_400

export const checkOwnLimits = (input: unknown) => {
  const record = checkRecord("limits", input ?? {})
  for (const field of Object.keys(record))
    if (!OWN_LIMITS.some((known) => known === field))
      throw invalid(`limits.${field}`, record[field], `one of ${OWN_LIMITS.join(", ")}`)
  const { maxTaskDurationMinutes, graceSeconds } = record
  const amountOf = (field: keyof OwnLimits): number | null =>
    record[field] === undefined ? null : checkAmount(`limits.${field}`, record[field])
  return {
    ownTokenLimit: amountOf("perAgentTokenLimit"),
    ownCostLimitMicroUsd: amountOf("perAgentCostLimitMicroUsd"),
    ownReserveForWrapUp: amountOf("reserveForWrapUp"),
    ownDurationMinutes:
      maxTaskDurationMinutes === undefined
        ? null
        : checkSpan("limits.maxTaskDurationMinutes", maxTaskDurationMinutes, MINUTES_MAX),
    ownGraceSeconds:
      graceSeconds === undefined
        ? null
        : checkSpan("limits.graceSeconds", graceSeconds, GRACE_SECONDS_MAX),
  }
}
