/** Why a replay cannot be made; nothing has been changed anywhere. */
import * as Schema from "effect/Schema"

/** The recordings cannot be replayed; `message` says what, where, and what to do. */
export class ReplayFailed extends Schema.TaggedError<ReplayFailed>()("ReplayFailed", {
  reason: Schema.Literals(["missing", "unreadable", "unknown_header", "no_usage", "no_room"]),
  path: Schema.NullOr(Schema.String),
  message: Schema.String,
}) {}

export const codeOf = (error: unknown): string =>
  error instanceof Error && "code" in error ? String(error.code) : "unknown"
