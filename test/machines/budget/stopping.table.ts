import { expect } from "vitest"
import type { RefusalReason, StopReason } from "../../../machines/vocabulary.ts"
import type { Checks } from "../machines.ts"
import {
  end,
  exhaust,
  exits,
  hold,
  report,
  SETTINGS,
  settle,
  soft,
  spawn,
  stop,
  stopAll,
  survivesKill,
  table,
} from "./script.ts"

export const stopping: Checks = {
  "the first cause of a stop is latched and becomes the reason of the end": table(SETTINGS, [
    [spawn("a"), "admits | day 0 | a 0"],
    [stop("a", "cancelled"), "stops | day 0 | a 0 stopping cancelled"],
    [stop("a", "shutdown"), "unknown | day 0 | a 0 stopping cancelled"],
    [stopAll("shutdown"), "unknown | day 0 | a 0 stopping cancelled"],
    [report("a", 70), "records | day 70!70 | a 70!70 stopping cancelled"],
    [end("a", "failed"), "ends | day 70!70 | a 70!70 ended cancelled"],
    [end("a", "failed"), "unknown | day 70!70 | a 70!70 ended cancelled"],
    [stop("a", "cancelled"), "unknown | day 70!70 | a 70!70 ended cancelled"],
  ]),

  "stopping all stops everybody with a slot who is not stopping yet": table(SETTINGS, [
    [stopAll("shutdown"), "unknown | day 0"],
    [spawn("a"), "admits | day 0 | a 0"],
    [spawn("b"), "admits | day 0 | a 0 | b 0"],
    [spawn("c", { slot: false }), "admits | day 0 | a 0 | b 0 | c 0"],
    [stop("b", "cancelled"), "stops | day 0 | a 0 | b 0 stopping cancelled | c 0"],
    [stopAll("shutdown"), "stops | day 0 | a 0 stopping shutdown | b 0 stopping cancelled | c 0"],
    [
      stop("c", "cancelled"),
      "unknown | day 0 | a 0 stopping shutdown | b 0 stopping cancelled | c 0",
    ],
  ]),

  "a full day stops the metered agents and leaves the reserved ones": table(
    { ...SETTINGS, perAgentTokenLimit: null, maxConcurrentAgents: 4 },
    [
      [spawn("m"), "admits | day 0 | m 0"],
      [spawn("r"), "admits | day 0 | m 0 | r 0"],
      [spawn("u"), "admits | day 0 | m 0 | r 0 | u 0"],
      [spawn("s", { slot: false }), "admits | day 0 | m 0 | r 0 | s 0 | u 0"],
      [hold("h", "r", 40), "admits | day 0+40 | m 0 | r 0+40 | s 0 | u 0"],
      [report("s", 1), "records | day 1+40!1 | m 0 | r 0+40 | s 1!1 | u 0"],
      [report("m", 58), "records | day 59+40!59 | m 58!58 | r 0+40 | s 1!1 | u 0"],
      [exhaust, "unknown | day 59+40!59 | m 58!58 | r 0+40 | s 1!1 | u 0"],
      [settle("h", 40), "resolves | day 99!59 | m 58!58 | r 40 | s 1!1 | u 0"],
      [exhaust, "unknown | day 99!59 | m 58!58 | r 40 | s 1!1 | u 0"],
      [report("m", 1), "records | day 100!60 | m 59!59 | r 40 | s 1!1 | u 0"],
      [exhaust, "stops | day 100!60 | m 59!59 stopping daily_token_limit | r 40 | s 1!1 | u 0"],
      [exhaust, "unknown | day 100!60 | m 59!59 stopping daily_token_limit | r 40 | s 1!1 | u 0"],
    ],
  ),

  "an agent that exits while its latest hold stands refused for good ends by that limit": table(
    { ...SETTINGS, perAgentTokenLimit: null, maxConcurrentAgents: 3 },
    [
      [spawn("a"), "admits | day 0 | a 0"],
      [hold("h", "a", 101), "never [daily_token_limit 0+0+101>100 for good] | day 0 | a 0"],
      [end("a"), "ends | day 0 | a 0 ended daily_token_limit"],
      [spawn("b"), "admits | day 0 | a 0 ended daily_token_limit | b 0"],
      [
        hold("i", "b", 101),
        "never [daily_token_limit 0+0+101>100 for good] | day 0 | a 0 ended daily_token_limit | b 0",
      ],
      [hold("j", "b", 1), "admits | day 0+1 | a 0 ended daily_token_limit | b 0+1"],
      [settle("j", 1), "resolves | day 1 | a 0 ended daily_token_limit | b 1"],
      [end("b"), "ends | day 1 | a 0 ended daily_token_limit | b 1 ended completed"],
    ],
  ),

  "a leader that leaves children behind latches how it ended": table(
    { ...SETTINGS, perAgentTokenLimit: null },
    [
      [spawn("a"), "admits | day 0 | a 0"],
      [exits("a", true), "unknown | day 0 | a 0"],
      [exits("a", false), "stops | day 0 | a 0 stopping completed"],
      [end("a", "failed"), "ends | day 0 | a 0 ended completed"],
      [spawn("b"), "admits | day 0 | a 0 ended completed | b 0"],
      [
        hold("h", "b", 101),
        "never [daily_token_limit 0+0+101>100 for good] | day 0 | a 0 ended completed | b 0",
      ],
      [exits("b", false), "stops | day 0 | a 0 ended completed | b 0 stopping daily_token_limit"],
    ],
  ),

  "a refusal that may be waited for is no reason to end by": table(
    { ...SETTINGS, perAgentTokenLimit: null },
    [
      [spawn("a"), "admits | day 0 | a 0"],
      [hold("h", "a", 100), "admits | day 0+100 | a 0+100"],
      [hold("i", "a", 1), "waits [daily_token_limit 0+100+1>100 on release] | day 0+100 | a 0+100"],
      [end("a"), "ends | day 100?100 | a 100?100 ended completed"],
    ],
  ),

  "an end that is no exit of its own keeps its reason": table(
    { ...SETTINGS, perAgentTokenLimit: null },
    [
      [spawn("a"), "admits | day 0 | a 0"],
      [hold("h", "a", 101), "never [daily_token_limit 0+0+101>100 for good] | day 0 | a 0"],
      [end("a", "spawn_failed"), "ends | day 0 | a 0 ended spawn_failed"],
    ],
  ),

  "what survives a kill keeps its slot and its reason until it is gone": table(
    { ...SETTINGS, maxConcurrentAgents: 1 },
    [
      [spawn("a"), "admits | day 0 | a 0"],
      [stop("a", "duration_limit"), "stops | day 0 | a 0 stopping duration_limit"],
      [survivesKill("a"), "stops | day 0 | a 0 unkillable duration_limit"],
      [survivesKill("a"), "unknown | day 0 | a 0 unkillable duration_limit"],
      [
        spawn("b"),
        "waits [concurrency_limit 1+0+1>1 on release] | day 0 | a 0 unkillable duration_limit",
      ],
      [stopAll("shutdown"), "unknown | day 0 | a 0 unkillable duration_limit"],
      [end("a"), "ends | day 0 | a 0 ended duration_limit"],
      [survivesKill("a"), "unknown | day 0 | a 0 ended duration_limit"],
    ],
  ),

  "each refusal that ends an agent names the limit it ends by": ({ stopping: m }) => {
    const table: readonly (readonly [RefusalReason, StopReason])[] = [
      ["agent_token_limit", "agent_token_limit"],
      ["daily_token_limit", "daily_token_limit"],
      ["cost_limit", "cost_limit"],
      ["duration_limit", "duration_limit"],
      ["concurrency_limit", "shutdown"],
      ["draining", "shutdown"],
      ["ledger_unavailable", "shutdown"],
      ["stale", "shutdown"],
      ["unboundable", "shutdown"],
    ]
    const reasons = table.map(([refused]) => m.stopReasonOf(refused))
    expect(reasons).toEqual(table.map(([, expected]) => expected))
  },

  "soft mode stops for time, and on request": table(soft(SETTINGS), [
    [spawn("a"), "admits | day 0 | a 0"],
    [spawn("b"), "admits | day 0 | a 0 | b 0"],
    [stop("a", "duration_limit"), "stops | day 0 | a 0 stopping duration_limit | b 0"],
    [
      stop("b", "cancelled"),
      "stops | day 0 | a 0 stopping duration_limit | b 0 stopping cancelled",
    ],
  ]),
}
