import { join } from "node:path"
import fc from "fast-check"
import { describe, expect, test } from "vitest"
import { type BudgetSettings, DEFAULT_SETTINGS } from "../../machines/budget/settings.ts"
import { openPriceBook } from "../../src/pricing/open-price-book.ts"
import { type ReplayProgress, replay } from "../../src/replay/replay.ts"
import { at, type Brief, folder, NO_LIMITS, ndjson, replayed, summaryOf } from "./recordings.ts"

const FIXTURES = join(import.meta.dirname, "fixtures/projects")

test("a folder of logs is counted by calls, not by lines, each of them once", async () => {
  const { skipped, ...summary } = await summaryOf([FIXTURES], DEFAULT_SETTINGS)
  expect(summary).toEqual({
    calls: 6,
    callsAllowed: 6,
    callsRefused: 0,
    // The shop session twice (a pause of an hour), its sub-agent, and the one resumed from it.
    agents: 4,
    peakActiveAgents: 1,
    tokens: {
      input: 3 + 10 + 5 + 6 + 1 + 100,
      output: 265 + 20 + 9 + 8 + 2 + 200,
      cacheWrite: 1000 + 500 + 100 + 3,
      cacheRead: 1000 + 50 + 150 + 4,
    },
    days: [
      {
        date: "2026-03-01",
        calls: 6,
        tokensUsed: 125 + 504 + 1603,
        rawTokens: 125 + 504 + 1603 + 1204,
        costMicroUsd: 0,
        unpricedCalls: 6,
        budgetStatus: "within_budget",
        limitReachedAt: null,
      },
    ],
    stopped: [],
    refused: [],
    skippedLines: 4,
  })
  expect(skipped.map(({ line }) => line)).toEqual([7, 14, 15, 16])
  expect(skipped[0]?.file).toContain(FIXTURES)
})

test("the keys of the summary are those of the contract, in its order", async () => {
  const summary = await replayed(
    [
      ["a", "10:00:00", 5],
      ["a", "10:01:00", 6],
      ["b", "10:02:00", 1],
    ],
    { perAgentTokenLimit: 10, maxConcurrentAgents: 10, dailyTokenLimit: 5 },
  )
  expect(Object.keys(summary)).toEqual(
    "calls callsAllowed callsRefused agents peakActiveAgents tokens days stopped refused skippedLines".split(
      " ",
    ),
  )
  expect(Object.keys(summary.tokens)).toEqual(["input", "output", "cacheWrite", "cacheRead"])
  expect(Object.keys(summary.days[0] ?? {})).toEqual(
    "date calls tokensUsed rawTokens costMicroUsd unpricedCalls budgetStatus limitReachedAt".split(
      " ",
    ),
  )
  expect(Object.keys(summary.stopped[0] ?? {})).toEqual(
    "agentId reason at tokensUsed tokensSaved".split(" "),
  )
  expect(Object.keys(summary.refused[0] ?? {})).toEqual("agentId reason at tokensSaved".split(" "))
})

test("an agent's first call beyond its limit ends it; its later calls are saved", async () => {
  const summary = await replayed(
    [
      ["a", "10:00:00", 60],
      ["a", "10:01:00", 40],
      ["a", "10:02:00", 1],
      ["a", "10:03:00", 7],
      ["b", "10:04:00", 100],
    ],
    { perAgentTokenLimit: 100 },
  )
  expect(summary).toMatchObject({
    callsAllowed: 3,
    callsRefused: 2,
    agents: 2,
    peakActiveAgents: 1,
  })
  expect(summary.stopped).toEqual([
    {
      agentId: "a",
      reason: "agent_token_limit",
      at: "2026-03-01T10:02:00.000Z",
      tokensUsed: 100,
      tokensSaved: 8,
    },
  ])
})

test("a call that could fit tomorrow ends its agent today: nobody waits in a replay", async () => {
  const summary = await replayed(
    [
      ["a", "10:00:00", 60],
      ["b", "10:01:00", 50],
      ["b", "10:02:00", 5],
      ["a", "10:03:00", 40],
      ["c", "10:04:00", 1],
    ],
    { dailyTokenLimit: 100 },
  )
  expect(summary.stopped).toMatchObject([
    { agentId: "b", reason: "daily_token_limit", tokensUsed: 0, tokensSaved: 55 },
  ])
  expect(summary.refused).toEqual([
    {
      agentId: "c",
      reason: "daily_token_limit",
      at: "2026-03-01T10:04:00.000Z",
      tokensSaved: 1,
    },
  ])
  expect(summary.days).toMatchObject([
    {
      tokensUsed: 100,
      budgetStatus: "exceeded",
      // Not when the last token went, but when there was first no room for what was asked.
      limitReachedAt: "2026-03-01T10:01:00.000Z",
    },
  ])
})

test("the day's limit is reached with its last token, if nobody asked for more before", async () => {
  const summary = await replayed(
    [
      ["a", "10:00:00", 60],
      ["a", "10:01:00", 40],
    ],
    { dailyTokenLimit: 100, thresholds: [50, 60, 120] },
  )
  expect(summary.days).toMatchObject([
    { budgetStatus: "at_limit", limitReachedAt: "2026-03-01T10:01:00.000Z" },
  ])
})

test("a slot is held from the first call to the last, and free at once after it", async () => {
  const calls: readonly Brief[] = [
    ["a", "10:00:00", 1],
    ["b", "10:05:00", 2],
    ["b", "10:06:00", 3],
    ["a", "10:10:00", 4],
    ["c", "10:10:00", 5],
  ]
  const summary = await replayed(calls, { maxConcurrentAgents: 1 })
  expect(summary).toMatchObject({ peakActiveAgents: 1, callsAllowed: 3, stopped: [] })
  expect(summary.refused).toMatchObject([
    { agentId: "b", reason: "concurrency_limit", tokensSaved: 5 },
  ])
  expect(await replayed(calls)).toMatchObject({ peakActiveAgents: 2, callsRefused: 0 })
})

test("an agent is stopped at its deadline, and its slot is free from then on", async () => {
  const summary = await replayed(
    [
      ["a", "10:00:00", 1],
      ["a", "10:20:00", 2],
      ["b", "10:29:59.999", 4],
      ["c", "10:30:00", 8],
      ["a", "10:30:00", 16],
      ["a", "10:45:00", 32],
    ],
    { maxTaskDurationMinutes: 30, maxConcurrentAgents: 1 },
  )
  expect(summary.stopped).toEqual([
    {
      agentId: "a",
      reason: "duration_limit",
      at: "2026-03-01T10:30:00.000Z",
      tokensUsed: 3,
      tokensSaved: 48,
    },
  ])
  expect(summary.refused).toMatchObject([{ agentId: "b", tokensSaved: 4 }])
})

test("a deadline that falls into a pause stops the agent then, not at its next call", async () => {
  const summary = await replayed(
    [
      ["a", "10:00:00", 1],
      ["a", "10:25:00", 2],
    ],
    { maxTaskDurationMinutes: 10.5 },
  )
  expect(summary.stopped).toMatchObject([{ at: "2026-03-01T10:10:30.000Z", tokensSaved: 2 }])
})

test("deadlines that fall into one pause are each reached at their own instant", async () => {
  const summary = await replayed(
    [
      ["a", "10:00:00", 1],
      ["b", "10:02:00", 1],
      ["a", "10:20:00", 2],
      ["b", "10:20:00", 2],
    ],
    { maxTaskDurationMinutes: 10 },
  )
  expect(summary.stopped).toMatchObject([
    { agentId: "a", at: "2026-03-01T10:10:00.000Z", tokensSaved: 2 },
    { agentId: "b", at: "2026-03-01T10:12:00.000Z", tokensSaved: 2 },
  ])
})

test("the first refusal that is foretold is one for tokens, not for a slot", async () => {
  const path = await folder({
    "u.ndjson": ndjson([
      ["a", "10:00:00", 1],
      ["b", "10:01:00", 1],
      ["a", "10:02:00", 9],
      ["a", "10:03:00", 9],
    ]),
  })
  const settings = {
    ...NO_LIMITS,
    enforceHardLimits: false,
    maxConcurrentAgents: 1,
    perAgentTokenLimit: 5,
  }
  const found = await replay({ paths: [path], settings, idleMs: 600_000 }, (it) => it.firstRefusal)
  expect(found).toEqual({
    at: "2026-03-01T10:02:00.000Z",
    agentId: "a",
    reason: "agent_token_limit",
  })
})

test("after a longer pause an agent comes anew, under a name of its own", async () => {
  const calls: readonly Brief[] = [
    ["a", "10:00:00", 9],
    ["a", "10:30:00", 9],
    ["a", "11:00:00.001", 9],
    ["a", "12:00:00", 1],
    ["a", "12:10:00", 20],
    ["a#3", "12:05:00", 20],
  ]
  const summary = await replayed(calls, { perAgentTokenLimit: 18 })
  expect(summary.agents).toBe(4)
  expect(summary.stopped.map(({ agentId }) => agentId)).toEqual(["a#3", "a#3'"])
  const shorter = await replayed(calls, { perAgentTokenLimit: 18 }, { idleMs: 30 * 60_000 - 1 })
  expect(shorter.agents).toBe(5)
})

test("soft limits stop nobody for tokens, but still for duration and concurrency", async () => {
  const summary = await replayed(
    [
      ["a", "10:00:00", 60],
      ["b", "10:01:00", 1],
      ["a", "10:02:00", 60],
      ["a", "10:10:00", 5],
    ],
    {
      enforceHardLimits: false,
      dailyTokenLimit: 100,
      perAgentTokenLimit: 50,
      maxConcurrentAgents: 1,
      maxTaskDurationMinutes: 10,
    },
  )
  expect(summary.stopped).toMatchObject([
    { reason: "duration_limit", tokensUsed: 120, tokensSaved: 5 },
  ])
  expect(summary.refused).toMatchObject([{ agentId: "b", reason: "concurrency_limit" }])
  expect(summary.days).toMatchObject([
    { tokensUsed: 120, budgetStatus: "exceeded", limitReachedAt: "2026-03-01T10:02:00.000Z" },
  ])
})

test("soft limits foretell the first refusal of hard ones exactly", async () => {
  const call = fc.tuple(
    fc.constantFrom("a", "b", "c"),
    fc
      .integer({ min: 0, max: 3_600 })
      .map((s) => new Date(Date.UTC(2026, 2, 1, 10) + s * 1_000).toISOString()),
    fc.constantFrom(0, 1, 9, 10, 11, 49, 50, 51, 100, 101),
  )
  const limits = fc.record({
    dailyTokenLimit: fc.constantFrom(0, 1, 50, 100),
    perAgentTokenLimit: fc.constantFrom(0, 1, 50, 100),
    maxConcurrentAgents: fc.constantFrom(0, 1, 2, null),
  })
  const firstOf = async (calls: readonly Brief[], settings: object) => {
    const path = await folder({ "u.ndjson": ndjson(calls) })
    const options = { paths: [path], settings: { ...NO_LIMITS, ...settings }, idleMs: 600_000 }
    return replay(options, ({ firstRefusal, calls, callsAllowed, tokensUsed, tokensSaved }) => ({
      firstRefusal,
      counts: [calls, callsAllowed],
      tokens: tokensUsed + tokensSaved,
    }))
  }
  await fc.assert(
    fc.asyncProperty(
      fc.array(call, { minLength: 1, maxLength: 15 }),
      limits,
      async (calls, given) => {
        const hard = await firstOf(calls, { ...given, enforceHardLimits: true })
        const soft = await firstOf(calls, { ...given, enforceHardLimits: false })
        expect(soft.firstRefusal).toEqual(hard.firstRefusal)
        expect(hard.tokens).toBe(calls.reduce((sum, [, , tokens]) => sum + tokens, 0))
        expect(soft.tokens).toBe(hard.tokens)
      },
    ),
    { numRuns: 60 },
  )
})

test("a limit of nothing lets nobody in", async () => {
  for (const limit of [
    "dailyTokenLimit",
    "perAgentTokenLimit",
    "maxConcurrentAgents",
    "maxTaskDurationMinutes",
  ]) {
    const summary = await replayed(
      [
        ["a", "10:00:00", 1],
        ["a", "10:01:00", 2],
      ],
      { [limit]: 0 },
    )
    expect(summary).toMatchObject({ callsAllowed: 0, peakActiveAgents: 0, stopped: [] })
    expect(summary.refused).toMatchObject([{ agentId: "a", tokensSaved: 3 }])
  }
})

test("weights decide what counts, and the raw sum stays beside it", async () => {
  const line = { at: "2026-03-01T10:00:00Z", agentId: "a", inputTokens: 1, cacheReadTokens: 1005 }
  const path = await folder({ "u.ndjson": JSON.stringify(line) })
  const weighed = await summaryOf([path], {
    tokenWeights: { input: 1, output: 1, cacheWrite: 1, cacheRead: 0.1 },
  })
  expect(weighed.days).toMatchObject([{ tokensUsed: 102, rawTokens: 1006 }])
})

test("days are those of the budget's time zone, each with a budget of its own", async () => {
  // Clocks in Berlin go forward in the night to 2026-03-29, which has 23 hours.
  const calls: readonly Brief[] = [
    ["a", "2026-03-28T22:59:59Z", 8],
    ["b", "2026-03-28T23:00:00Z", 7],
    ["c", "2026-03-29T21:59:59Z", 3],
    ["d", "2026-03-29T22:00:00Z", 6],
  ]
  const summary = await replayed(calls, { timeZone: "Europe/Berlin", dailyTokenLimit: 10 })
  expect(summary.days).toEqual([
    {
      date: "2026-03-28",
      calls: 1,
      tokensUsed: 8,
      rawTokens: 8,
      costMicroUsd: 0,
      unpricedCalls: 1,
      budgetStatus: "approaching_limit",
      limitReachedAt: null,
    },
    {
      date: "2026-03-29",
      calls: 2,
      tokensUsed: 10,
      rawTokens: 10,
      costMicroUsd: 0,
      unpricedCalls: 2,
      budgetStatus: "exceeded",
      limitReachedAt: "2026-03-29T21:59:59.000Z",
    },
    {
      date: "2026-03-30",
      calls: 1,
      tokensUsed: 6,
      rawTokens: 6,
      costMicroUsd: 0,
      unpricedCalls: 1,
      budgetStatus: "within_budget",
      limitReachedAt: null,
    },
  ])
})

test("the hour that comes twice belongs to one day", async () => {
  const calls: readonly Brief[] = [
    ["a", "2026-10-25T00:30:00Z", 1],
    ["b", "2026-10-25T01:30:00Z", 1],
    ["c", "2026-10-25T22:59:59Z", 1],
    ["d", "2026-10-25T23:00:00Z", 1],
  ]
  const { days } = await replayed(calls, { timeZone: "Europe/Berlin" })
  expect(days).toMatchObject([
    { date: "2026-10-25", calls: 3 },
    { date: "2026-10-26", calls: 1 },
  ])
})

test("an agent that works past midnight spends of both days, and of one life", async () => {
  const summary = await replayed(
    [
      ["a", "2026-03-01T23:50:00Z", 60],
      ["a", "2026-03-02T00:00:00Z", 60],
      ["a", "2026-03-02T00:10:00Z", 60],
    ],
    { dailyTokenLimit: 100, perAgentTokenLimit: 150 },
  )
  expect(summary.days).toMatchObject([
    { date: "2026-03-01", tokensUsed: 60 },
    { date: "2026-03-02", tokensUsed: 60, calls: 2 },
  ])
  expect(summary.stopped).toMatchObject([{ reason: "agent_token_limit", tokensUsed: 120 }])
})

test("an agent stopped one day is saved the next day's calls too, which still are that day's", async () => {
  const summary = await replayed(
    [
      ["a", "2026-03-01T23:50:00Z", 200],
      ["a", "2026-03-02T00:10:00Z", 3],
    ],
    { dailyTokenLimit: 100 },
  )
  expect(summary.stopped).toMatchObject([{ tokensSaved: 203 }])
  expect(summary.days).toMatchObject([
    { date: "2026-03-01", calls: 1 },
    {
      date: "2026-03-02",
      calls: 1,
      tokensUsed: 0,
      rawTokens: 3,
      budgetStatus: "within_budget",
      limitReachedAt: null,
    },
  ])
})

test("years without a call between two cost nothing and make no days", async () => {
  const { days } = await replayed([
    ["a", "1990-01-01T00:00:00Z", 1],
    ["a", "2600-12-31T23:59:59Z", 1],
  ])
  expect(days.map(({ date }) => date)).toEqual(["1990-01-01", "2600-12-31"])
})

test("the order of files and lines does not matter, only that of time", async () => {
  const calls: readonly Brief[] = [
    ["a", "10:00:00", 10],
    ["b", "10:01:00", 20],
    ["a", "10:02:00", 30],
    ["b", "10:03:00", 40],
  ]
  const settings = { dailyTokenLimit: 65 }
  expect(await replayed([...calls].reverse(), settings)).toEqual(await replayed(calls, settings))
})

test("counts that pass 2^53 together stay at the largest whole number", async () => {
  const most = Number.MAX_SAFE_INTEGER
  const summary = await replayed([
    ["a", "10:00:00", most],
    ["a", "10:01:00", most],
  ])
  expect(summary.days).toMatchObject([{ tokensUsed: most, rawTokens: most }])
  const refused = await replayed(
    [
      ["a", "10:00:00", most],
      ["a", "10:01:00", most],
    ],
    { maxConcurrentAgents: 0 },
  )
  expect(refused.refused).toMatchObject([{ tokensSaved: most }])
})

test("thousands of refused agents are all listed", async () => {
  const calls = Array.from({ length: 3_000 }, (_, index): Brief => [`a${index}`, "10:00:00", 2])
  const { refused, stopped } = await replayed(calls, { maxConcurrentAgents: 0 })
  expect(refused).toHaveLength(3_000)
  expect(stopped).toEqual([])
})

test("the costliest agents come first, stopped and refused together", async () => {
  const path = await folder({
    "u.ndjson": ndjson([
      ["a", "10:00:00", 11],
      ["b", "10:00:00", 30],
      ["c", "10:01:00", 20],
      ["d", "10:02:00", 1],
    ]),
  })
  const settings = { ...NO_LIMITS, perAgentTokenLimit: 10 }
  const options = { paths: [path], settings, idleMs: 600_000 }
  const listed = await replay(options, ({ outcomes }) => outcomes.costliest(2))
  expect(listed.map(({ agentId, kind }) => [agentId, kind])).toEqual([
    ["b", "stopped"],
    ["c", "stopped"],
  ])
})

test("what was kept on disk is let go with the replay, also when it fails", async () => {
  const path = await folder({ "u.ndjson": ndjson([["a", "10:00:00", 1]]) })
  const options = { paths: [path], settings: NO_LIMITS, idleMs: 600_000 }
  const kept = await replay(options, ({ outcomes }) => outcomes)
  expect(() => kept.totals()).toThrow("not open")
  let used: typeof kept | undefined
  const failing = replay(options, ({ outcomes }) => {
    used = outcomes
    throw new Error("no more")
  })
  await expect(failing).rejects.toThrow("no more")
  expect(() => used?.totals()).toThrow("not open")
})

test("a full disk is told as such", async () => {
  const onProgress = () => {
    throw Object.assign(new Error("database or disk is full"), { errcode: 13 })
  }
  const path = await folder({ "u.ndjson": ndjson([["a", "10:00:00", 1]]) })
  await expect(summaryOf([path], {}, { onProgress })).rejects.toMatchObject({
    _tag: "ReplayFailed",
    reason: "no_room",
  })
})

test("progress tells of bytes and calls, and ends with all of them", async () => {
  const text = ndjson(Array.from({ length: 2_500 }, (): Brief => ["a", "10:00:00", 1]))
  const path = await folder({ "u.ndjson": text })
  const told: ReplayProgress[] = []
  await summaryOf([path], {}, { onProgress: (progress) => told.push(progress) })
  const reading = told.flatMap((one) => (one.phase === "reading" ? [one] : []))
  expect(reading.at(-1)).toMatchObject({ bytesRead: text.length, bytesTotal: text.length })
  expect(told.at(-1)).toEqual({ phase: "replaying", callsDone: 2_000, callsTotal: 2_500 })
})

test("where there is no usage it says what was read", async () => {
  const path = await folder({ "u.ndjson": "{}\nno\n", "e.jsonl": "" })
  await expect(summaryOf([path])).rejects.toMatchObject({
    _tag: "ReplayFailed",
    reason: "no_usage",
    message: expect.stringContaining("no usage found (2 files read, 1 damaged lines skipped)"),
  })
})

describe("money", () => {
  const book = openPriceBook([
    { model: "m", inputUsdPerMTok: 1, outputUsdPerMTok: 1 },
    { model: "free", inputUsdPerMTok: 0, outputUsdPerMTok: 0 },
  ])
  /** A dollar a million tokens: a micro-dollar each. */
  const spent = async (
    calls: readonly (readonly [...Brief, string])[],
    settings: Partial<BudgetSettings> = {},
  ) => {
    const lines = calls.map(([agentId, when, inputTokens, model]) =>
      JSON.stringify({ at: new Date(at(when)).toISOString(), agentId, inputTokens, model }),
    )
    const made = await folder({ "usage.ndjson": lines.join("\n") })
    return summaryOf([made], settings, { prices: await book })
  }

  test("is what the allowed calls cost by their models, and calls without a price are counted", async () => {
    const { days } = await spent([
      ["a", "10:00:00", 500, "m"],
      ["a", "10:01:00", 500, "free"],
      ["b", "10:02:00", 70, "m"],
      ["b", "10:03:00", 70, "unheard-of"],
    ])
    expect(days).toMatchObject([{ costMicroUsd: 570, unpricedCalls: 1, tokensUsed: 1_140 }])
  })

  test("of an agent stops it at the call that does not fit, and saves the rest", async () => {
    const calls = ["10:00:00", "10:01:00", "10:02:00"].map((when) => ["a", when, 400, "m"] as const)
    const { days, stopped } = await spent(calls, { perAgentCostLimitMicroUsd: 1_000 })
    expect(stopped).toEqual([
      {
        agentId: "a",
        reason: "cost_limit",
        at: "2026-03-01T10:02:00.000Z",
        tokensUsed: 800,
        tokensSaved: 400,
      },
    ])
    expect(days).toMatchObject([{ costMicroUsd: 800, limitReachedAt: null }])
  })

  test("of the day is reached when a call no longer fits", async () => {
    const { days, callsRefused } = await spent(
      [
        ["a", "10:00:00", 600, "m"],
        ["b", "10:01:00", 600, "m"],
        ["c", "10:02:00", 400, "m"],
      ],
      { dailyCostLimitMicroUsd: 1_000 },
    )
    expect(callsRefused).toBe(1)
    expect(days).toMatchObject([
      { costMicroUsd: 1_000, limitReachedAt: "2026-03-01T10:01:00.000Z" },
    ])
  })

  test("refuses calls without a price under a limit, unless they are allowed", async () => {
    const calls = [["a", "10:00:00", 5, "unheard-of"]] as const
    const limit = { dailyCostLimitMicroUsd: 1_000 }
    expect((await spent(calls, limit)).callsRefused).toBe(1)
    expect((await spent(calls, { ...limit, allowUnpriced: true })).callsRefused).toBe(0)
  })

  test("makes soft mode foretell what hard mode refuses first", async () => {
    const path = await folder({
      "usage.ndjson": JSON.stringify({
        ...{ at: "2026-03-01T10:00:00.000Z", agentId: "a", inputTokens: 2_000, model: "m" },
      }),
    })
    const settings = { ...NO_LIMITS, perAgentCostLimitMicroUsd: 1_000, enforceHardLimits: false }
    const options = { paths: [path], settings, idleMs: 60_000, prices: await book }
    const { firstRefusal, callsRefused } = await replay(options, (found) => found)
    expect(callsRefused).toBe(0)
    expect(firstRefusal).toMatchObject({ agentId: "a", reason: "cost_limit" })
  })
})
