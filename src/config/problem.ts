/** What is wrong with a configuration: one problem a line, all of them at once. */
import * as Schema from "effect/Schema"

export const ProblemReason = Schema.Literals([
  "invalid_value",
  "unknown_key",
  "duplicate_key",
  "unreadable",
])
export type ProblemReason = typeof ProblemReason.Type

const ProblemSchema = Schema.Struct({
  reason: ProblemReason,
  source: Schema.String,
  line: Schema.NullOr(Schema.Int),
  key: Schema.String,
  found: Schema.String,
  allowed: Schema.String,
})

/**
 * One thing that is wrong.
 *
 * `source` is a file's name or words such as `command line`; `line` counts from 1, null where
 * there are no lines; `key` is written as in that source and empty when the whole of it is meant.
 */
export type Problem = typeof ProblemSchema.Type

/** The configuration cannot be used; nothing has been started. `message` has a line per problem. */
export class ConfigurationError extends Schema.TaggedError<ConfigurationError>()(
  "ConfigurationError",
  { problems: Schema.NonEmptyArray(ProblemSchema), message: Schema.String },
) {}

/** `stint.yaml:3: dailyTokenLimit: found -5, expected a whole number …`. */
export const describeProblem = (problem: Problem): string =>
  `${describePlace(problem)}: found ${problem.found}, expected ${problem.allowed}`

/** `stint.yaml:3: dailyTokenLimit`. */
export const describePlace = ({ source, line, key }: Place): string => {
  const where = line === null ? source : `${source}:${line}`
  return key === "" ? where : `${where}: ${key}`
}

/** Where something stands that a later message may be about. */
export type Place = Pick<Problem, "source" | "line" | "key">

export const configurationError = (
  problems: readonly [Problem, ...(readonly Problem[])],
): ConfigurationError =>
  new ConfigurationError({ problems, message: problems.map(describeProblem).join("\n") })
