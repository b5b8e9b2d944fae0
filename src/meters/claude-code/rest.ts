/** What an account holds beyond the calls that were seen: helper calls, and true output counts. */
import {
  addUsage,
  largestOfEach,
  NO_USAGE,
  subtractUsage,
} from "../../../machines/budget/amounts.ts"
import type { Usage } from "../../../machines/vocabulary.ts"
import type { Totals } from "../cumulative.ts"

export type Aliases = ReadonlyMap<string, string>

/**
 * The rest of each model, named as its calls were named where any was seen; `seen` and the rest
 * add up to `account`. What was seen under a name that the account does not know is taken off
 * wherever there is room, so that it is not counted a second time.
 */
export const restOf = (account: Totals, seen: Totals, aliases: Aliases): Totals => {
  const byName = renamed(account, seen, aliases)
  const rests = new Map(
    [...byName].map(([model, usage]) => [model, subtractUsage(usage, seen.get(model) ?? NO_USAGE)]),
  )
  const foreign = [...seen].filter(([model]) => !byName.has(model))
  const isUnseen = ([model]: readonly [string, Usage]): boolean => !seen.has(model)
  // A model of the account that no call was seen of is the likeliest to be meant.
  const order = [...rests].sort((a, b) => Number(isUnseen(b)) - Number(isUnseen(a)))
  return takeOff(
    order,
    foreign.reduce((sum, [, usage]) => addUsage(sum, usage), NO_USAGE),
  )
}

/** The account under the names that calls carry: `opus[1m]` there may be `opus` here. */
const renamed = (account: Totals, seen: Totals, aliases: Aliases): Totals => {
  const named = new Map<string, Usage>()
  for (const [model, usage] of account) {
    const name = seenNameOf(model, seen, aliases)
    named.set(name, addUsage(named.get(name) ?? NO_USAGE, usage))
  }
  return named
}

const seenNameOf = (model: string, seen: Totals, aliases: Aliases): string => {
  if (seen.has(model)) return model
  const names = [model, aliases.get(model) ?? model].map(plainName)
  return [...seen.keys()].find((name) => names.includes(plainName(name))) ?? model
}

/** Without the platform's prefix, the context size, the date of the release and its version. */
const plainName = (model: string): string =>
  model
    .toLowerCase()
    .replace(/^.*[/.](?=claude)/, "")
    .replace(/\[[^\]]*\]$/, "")
    .replace(/-v\d+(:\d+)?$/, "")
    .replace(/[@-]\d{8}$/, "")

const takeOff = (rests: readonly (readonly [string, Usage])[], excess: Usage): Totals => {
  let left = excess
  return new Map(
    rests.map(([model, rest]) => {
      const remaining = subtractUsage(rest, left)
      left = subtractUsage(left, rest)
      return [model, remaining]
    }),
  )
}

/** The larger of two accounts of the same time, count by count. */
export const largerInput = (a: Usage, b: Usage): number => {
  const { inputTokens, cacheWriteTokens, cacheReadTokens } = largestOfEach(a, b)
  return inputTokens + cacheWriteTokens + cacheReadTokens
}
