/**
 * Histories told by hand, each for what chance meets rarely or never: together they reach every
 * verdict there is. They begin half an hour before midnight.
 */
import type { BudgetSettings } from "../../machines/budget/settings.ts"
import { type Command, NOBODY } from "./reference-commands.ts"
import type { Ask, ModelUsage } from "./reference-model.ts"

export interface Story {
  readonly name: string
  readonly settings: Partial<BudgetSettings>
  readonly commands: readonly Command[]
  /** What it is told for. */
  readonly reaches: readonly string[]
}

const MINUTE_MS = 60_000

const spawn: Command = { do: "spawn", who: NOBODY }
const spawnAgain: Command = { do: "spawn", who: 0 }
const set = (change: Partial<BudgetSettings>): Command => ({ do: "set", change })
const wait = (minutes: number): Command => ({ do: "wait", ms: minutes * MINUTE_MS })

/** By the first who lives, of a model whose token costs a micro-dollar. */
const hold = (input: number, more: Partial<Ask & { readonly who: number }> = {}): Command => {
  const { who = 0, ...ask } = more
  const plain = { queue: false, bounded: true, price: 1, input, least: 0, most: 0 }
  return { do: "hold", who, ask: { ...plain, ...ask } }
}

/** Of the second who lives, and it waits in line if need be. */
const second = (input: number, more: Partial<Ask> = {}): Command =>
  hold(input, { queue: true, who: 1, ...more })

const usage = (inputTokens: number): ModelUsage => ({
  ...{ inputTokens, outputTokens: 0 },
  ...{ cacheWriteTokens: 0, cacheReadTokens: 0 },
})

/** Of the holds asked for and not settled, the latest; or the one so many before it. */
const settle = (tokens: number, before = 0): Command => ({
  ...{ do: "settle", hold: before, usage: usage(tokens), cost: tokens },
})

const voidLatest: Command = { do: "void", hold: 0 }
const report = (tokens: number): Command => ({
  ...{ do: "report", who: 0, id: "a", usage: usage(tokens), cost: tokens },
})
const stop = (who: number, reason: "cancelled" | "stalled"): Command => ({
  ...{ do: "stop", who, reason },
})
const exit = (who = 0, outcome: "completed" | "failed" = "completed"): Command => ({
  ...{ do: "exit", who, outcome },
})

/** The same of the day's tokens and of its money: refused for good, for now, until tomorrow. */
const dayFills = (limit: Partial<BudgetSettings>, reason: string): Story => ({
  name: `a day fills up to its ${reason}, and who asks three times in vain is stopped`,
  settings: { dailyTokenLimit: null, perAgentTokenLimit: null, ...limit },
  commands: [
    ...[spawn, spawn, hold(101), hold(60), hold(60, { who: 1 }), settle(60, 1)],
    ...[hold(60, { who: 1 }), hold(60, { who: 1 }), exit(1)],
    ...[hold(40), spawn, settle(40), spawn],
  ],
  reaches: [
    `hold ${reason} never`,
    `hold ${reason} wait`,
    `hold ${reason} wait until the window's end`,
    `stopping by ${reason}`,
    `ended by ${reason}`,
    `spawn ${reason} wait until the window's end`,
  ],
})

/** The second waits for what the first holds; then something happens. */
const inLine = (
  name: string,
  settings: Partial<BudgetSettings>,
  then: Command,
  outcome: string,
  ask: Partial<Ask> = {},
): Story => ({
  name,
  settings: { dailyTokenLimit: 100, ...settings },
  commands: [spawn, spawn, hold(60, ask), second(60, ask), then],
  reaches: ["waits in line", outcome],
})

export const STORIES: readonly Story[] = [
  {
    name: "one slot is taken, given back, and taken away",
    settings: { maxConcurrentAgents: 1, dailyTokenLimit: 100 },
    commands: [
      ...[spawn, spawnAgain, spawn, hold(100), settle(100), spawn],
      ...[set({ maxConcurrentAgents: 0 }), spawn, exit()],
    ],
    reaches: [
      "spawn granted",
      "spawn stale never",
      "spawn concurrency_limit wait",
      "spawn concurrency_limit wait until the window's end",
      "spawn concurrency_limit never",
      "hold granted",
      "ended by completed",
    ],
  },
  {
    name: "nobody may start where nothing is allowed",
    settings: { perAgentTokenLimit: 0 },
    commands: [
      ...[spawn, set({ perAgentTokenLimit: null, dailyTokenLimit: 0 })],
      ...[spawn, set({ dailyTokenLimit: null, perAgentCostLimitMicroUsd: 0 })],
      ...[spawn, set({ perAgentCostLimitMicroUsd: null, maxTaskDurationMinutes: 0 }), spawn],
    ],
    reaches: [
      "spawn agent_token_limit never",
      "spawn daily_token_limit never",
      "spawn cost_limit never",
      "spawn duration_limit never",
    ],
  },
  {
    name: "soft mode starts whom hard mode would not",
    settings: { enforceHardLimits: false, perAgentTokenLimit: 0 },
    commands: [
      ...[spawn, set({ perAgentTokenLimit: null, dailyTokenLimit: 0 })],
      ...[spawn, set({ dailyTokenLimit: null, perAgentCostLimitMicroUsd: 0 }), spawn],
    ],
    reaches: [
      "spawn granted, hard refuses agent_token_limit",
      "spawn granted, hard refuses daily_token_limit",
      "spawn granted, hard refuses cost_limit",
    ],
  },
  {
    name: "soft mode grants the calls that hard mode would not",
    settings: {
      ...{ enforceHardLimits: false, perAgentTokenLimit: 100 },
      ...{ dailyTokenLimit: 50, perAgentCostLimitMicroUsd: 30 },
    },
    commands: [
      ...[spawn, hold(101, { price: 0 }), voidLatest, hold(60, { price: 0 }), voidLatest],
      ...[hold(40), voidLatest, hold(1, { price: null })],
    ],
    reaches: [
      "hold granted, hard refuses agent_token_limit",
      "hold granted, hard refuses daily_token_limit",
      "hold granted, hard refuses cost_limit",
      "hold granted, hard refuses unboundable",
      "voided",
    ],
  },
  dayFills({ dailyTokenLimit: 100 }, "daily_token_limit"),
  dayFills({ dailyCostLimitMicroUsd: 100 }, "cost_limit"),
  {
    name: "nobody starts while all that is left of the day is held",
    settings: { dailyTokenLimit: 100 },
    commands: [
      ...[spawn, hold(100), spawn],
      ...[set({ dailyTokenLimit: null, dailyCostLimitMicroUsd: 100 }), spawn],
    ],
    reaches: ["spawn daily_token_limit wait", "spawn cost_limit wait"],
  },
  {
    name: "an agent's own tokens are held, and a call that is too large ends it",
    settings: { perAgentTokenLimit: 100 },
    commands: [spawn, hold(60), hold(60), hold(101), exit()],
    reaches: [
      "hold agent_token_limit wait",
      "hold agent_token_limit never",
      "stopping by agent_token_limit",
      "ended by agent_token_limit",
    ],
  },
  {
    name: "what an agent waits for in its own account the day has not left either",
    settings: { perAgentTokenLimit: 100, dailyTokenLimit: 300 },
    commands: [spawn, spawn, hold(10), hold(60, { who: 1 }), settle(250, 1), hold(60, { who: 1 })],
    reaches: ["hold agent_token_limit wait until the window's end", "settled above its hold"],
  },
  {
    name: "an answer is cut, and what was set aside is used to wind down",
    settings: { perAgentTokenLimit: 100, reserveForWrapUp: 30 },
    commands: [spawn, hold(10, { most: 300 }), settle(10), hold(80)],
    reaches: ["an answer cut", "settled below its hold", "wrapping up"],
  },
  {
    name: "under a cost limit calls of a model without a price are asked for in vain",
    settings: { perAgentCostLimitMicroUsd: 1_000 },
    commands: [spawn, ...[1, 2, 3].map((input) => hold(input, { price: null })), exit()],
    reaches: ["hold unboundable never", "stopping by shutdown", "ended by shutdown"],
  },
  {
    name: "whoever was asked to leave, or has left, is granted nothing",
    settings: { maxTaskDurationMinutes: 10 },
    commands: [
      ...[spawn, spawn, spawn, stop(0, "cancelled"), hold(1), stop(1, "stalled"), wait(10)],
      ...[hold(1, { who: 2 }), exit(), exit(), exit(), hold(1, { who: NOBODY })],
      ...[spawn, exit(0, "failed")],
    ],
    reaches: [
      ...["stopping by cancelled", "stopping by stalled", "stopping by duration_limit"],
      ...["hold draining never", "hold duration_limit never", "hold stale never"],
      ...["ended by cancelled", "ended by stalled", "ended by duration_limit", "ended by failed"],
    ],
  },
  inLine("who waits is granted what another leaves", {}, settle(10, 1), "granted from the line"),
  inLine("who waits changes its mind", {}, { do: "withdraw", which: 0 }, "withdrawn from the line"),
  {
    name: "who waits for its own call has no room when that has ended",
    settings: { perAgentTokenLimit: 100 },
    commands: [spawn, hold(60), hold(60, { queue: true }), settle(60, 1)],
    reaches: ["refused from the line: agent_token_limit"],
  },
  inLine(
    "who waits for the day's tokens sees them spent",
    {},
    settle(60, 1),
    "refused from the line: daily_token_limit",
  ),
  inLine(
    "who waits for the day's money sees it spent",
    { dailyTokenLimit: null, dailyCostLimitMicroUsd: 100 },
    settle(60, 1),
    "refused from the line: cost_limit",
  ),
  inLine(
    "who waits runs out of time",
    { maxTaskDurationMinutes: 10 },
    wait(10),
    "refused from the line: duration_limit",
  ),
  inLine("who waits is stopped", {}, stop(1, "cancelled"), "refused from the line: draining"),
  inLine("who waits leaves", {}, exit(1), "refused from the line: stale"),
  inLine(
    "who waits has no price when money is limited",
    {},
    set({ dailyCostLimitMicroUsd: 1_000 }),
    "refused from the line: unboundable",
    { price: null },
  ),
  {
    name: "a hold runs out, is reported late, and the clock is set back before midnight",
    settings: { holdTimeoutMinutes: 15 },
    commands: [
      ...[spawn, hold(60), wait(15), settle(10), report(10), report(20)],
      ...([
        { do: "setBack", ms: MINUTE_MS },
        { do: "waitUntilMidnight", off: 0 },
      ] as const),
    ],
    reaches: [
      ...["expired", "settled late", "report repeated and grown"],
      ...["a clock set back", "a new day"],
    ],
  },
  {
    name: "a crash loses everybody and charges what is held",
    settings: {},
    commands: [spawn, hold(60), { do: "crash", checkpoint: 2 }],
    reaches: ["crash with an open hold", "ended by lost"],
  },
  {
    name: "the status follows what is used",
    settings: { dailyTokenLimit: 100 },
    commands: [spawn, ...[79, 1, 15, 5].flatMap((tokens) => [hold(tokens), settle(tokens)])],
    reaches: ["within_budget", "approaching_limit", "at_limit", "exceeded"].map(
      (status) => `status ${status}`,
    ),
  },
]
