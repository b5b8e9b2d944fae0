import { expect, test } from "vitest"
import { DEFAULT_SETTINGS } from "../../../machines/budget/settings.ts"
import { replayProgressLine } from "../../../src/edges/cli/replay-progress.ts"
import { type ReportedReplay, replayReport } from "../../../src/edges/cli/replay-report.ts"
import type { ReplayedDay } from "../../../src/replay/replayed.ts"

const day = (date: string, given: Partial<ReplayedDay> = {}): ReplayedDay => ({
  date,
  calls: 1_443,
  tokensUsed: 5_406_598,
  rawTokens: 123_067_288,
  costMicroUsd: 0,
  unpricedCalls: 1_443,
  budgetStatus: "within_budget",
  limitReachedAt: null,
  ...given,
})

const QUIET: ReportedReplay = {
  settings: DEFAULT_SETTINGS,
  files: 27,
  extent: {
    calls: 1_443,
    agents: 43,
    firstAt: Date.parse("2026-02-09T01:16:38.435Z"),
    lastAt: Date.parse("2026-02-09T23:07:27.110Z"),
  },
  calls: 1_443,
  callsAllowed: 1_443,
  callsRefused: 0,
  agents: 43,
  peakActiveAgents: 5,
  tokens: { input: 33_272, output: 79_631, cacheWrite: 5_293_695, cacheRead: 117_660_690 },
  tokensUsed: 5_406_598,
  tokensSaved: 0,
  days: [day("2026-02-09")],
  skippedLines: 0,
  firstRefusal: null,
  totals: { stopped: 0, refused: 0 },
  costliest: [],
}

const BUSY: ReportedReplay = {
  ...QUIET,
  extent: { ...QUIET.extent, lastAt: Date.parse("2026-02-12T05:00:00.000Z") },
  callsAllowed: 1_169,
  callsRefused: 274,
  tokensSaved: 1_406_890,
  skippedLines: 3,
  days: [
    day("2026-02-09", {
      tokensUsed: 9_950_000,
      budgetStatus: "at_limit",
      limitReachedAt: "2026-02-09T17:33:02.511Z",
    }),
    day("2026-02-10", { tokensUsed: 8_400_000, budgetStatus: "approaching_limit", calls: 12 }),
    day("2026-02-11", { tokensUsed: 12_300_000, budgetStatus: "exceeded" }),
    day("2026-02-12", { tokensUsed: 0, rawTokens: 812 }),
  ],
  totals: { stopped: 11, refused: 2 },
  costliest: [
    {
      kind: "stopped",
      agentId: "2b4b616f-fbe3-5c96-954a-45e8f93d015e#3",
      reason: "daily_token_limit",
      at: "2026-02-09T17:33:02.511Z",
      tokensUsed: 0,
      tokensSaved: 602_055,
    },
    {
      kind: "refused",
      agentId: "279834ca-d06b-5eaf-a9de-62053c02b3ac/a81ed44",
      reason: "concurrency_limit",
      at: "2026-02-09T06:42:08.654Z",
      tokensUsed: 0,
      tokensSaved: 80_190,
    },
    {
      kind: "stopped",
      agentId: "a-name-that-is-longer-than-there-is-room-for-it-at-eighty",
      reason: "duration_limit",
      at: "2026-02-10T00:00:00.000Z",
      tokensUsed: 394_684,
      tokensSaved: 12,
    },
  ],
}

const shown = (replay: ReportedReplay, width: number): string =>
  replayReport(replay, { width, colour: false }).join("\n")

test("a quiet day at 80 columns", () => {
  expect(shown(QUIET, 80)).toBe(`\
◆ stint replay  what would this budget have done? hard limits, UTC
1,443 calls by 43 agents in 27 files, 2026-02-09 01:16 to 23:07
10.0M a day · 2.00M an agent · 10 agents at once · 120 min each

DAY         TOKENS                        USED / LIMIT      %  STATUS
2026-02-09  ██████████████▋······│·····  5.41M / 10.0M    54%  within budget

This budget would have let every call through; its fullest day used 54% of the
limit.
123M tokens went by, 95% of them cache reads; weighed as this budget does they
are 5.41M.
Every day and agent as JSON: add --summary FILE`)
})

test("busy days at 80 columns: when each limit was reached, who was stopped, what was saved", () => {
  expect(shown(BUSY, 80)).toBe(`\
◆ stint replay  what would this budget have done? hard limits, UTC
1,443 calls by 43 agents in 27 files, 2026-02-09 01:16 to 2026-02-12 05:00
10.0M a day · 2.00M an agent · 10 agents at once · 120 min each

DAY         TOKENS                        USED / LIMIT      %  STATUS
2026-02-09  ██████████████████████████▉  9.95M / 10.0M    99%  reached at 17:33
2026-02-10  ██████████████████████▋····  8.40M / 10.0M    84%  approaching limit
2026-02-11  ███████████████████████████  12.3M / 10.0M   123%  exceeded
2026-02-12  ·····················│·····      0 / 10.0M     0%  within budget

AGENT                             WHY                WHEN           USED   SAVED
2b4b616f…#3              stopped  daily token limit  02-09 17:33       0    602k
279834ca…/a81ed44        refused  concurrency limit  02-09 06:42       0   80.2k
a-name-that…t-at-eighty  stopped  duration limit     02-10 00:00    395k      12
… and 10 others

This budget would have stopped 11 agents and refused 2 agents: 274 of 1,443
calls not made, 1.41M tokens saved (20%).
123M tokens went by, 95% of them cache reads; weighed as this budget does they
are 6.81M.
3 damaged lines skipped.
Every day and agent as JSON: add --summary FILE`)
})

test("busy days at 150 columns: names in full, calls and raw tokens beside", () => {
  expect(shown(BUSY, 150)).toBe(`\
◆ stint replay  what would this budget have done? hard limits, UTC
1,443 calls by 43 agents in 27 files, 2026-02-09 01:16 to 2026-02-12 05:00
10.0M a day · 2.00M an agent · 10 agents at once · 120 min each

DAY         TOKENS                                                                          USED / LIMIT      %      CALLS      RAW  STATUS
2026-02-09  ████████████████████████████████████████████████████████████████████████████▋  9.95M / 10.0M    99%      1,443     123M  reached at 17:33
2026-02-10  ████████████████████████████████████████████████████████████████▋············  8.40M / 10.0M    84%         12     123M  approaching limit
2026-02-11  █████████████████████████████████████████████████████████████████████████████  12.3M / 10.0M   123%      1,443     123M  exceeded
2026-02-12  ·····························································│···············      0 / 10.0M     0%      1,443      812  within budget

AGENT                                                               WHY                WHEN           USED   SAVED
2b4b616f-fbe3-5c96-954a-45e8f93d015e#3                     stopped  daily token limit  02-09 17:33       0    602k
279834ca-d06b-5eaf-a9de-62053c02b3ac/a81ed44               refused  concurrency limit  02-09 06:42       0   80.2k
a-name-that-is-longer-than-there-is-room-for-it-at-eighty  stopped  duration limit     02-10 00:00    395k      12
… and 10 others

This budget would have stopped 11 agents and refused 2 agents: 274 of 1,443 calls not made, 1.41M tokens saved (20%).
123M tokens went by, 95% of them cache reads; weighed as this budget does they are 6.81M.
3 damaged lines skipped.
Every day and agent as JSON: add --summary FILE`)
})

test("no line is wider than the terminal", () => {
  for (const width of [80, 100, 109, 110, 120, 150, 400])
    for (const replay of [QUIET, BUSY])
      for (const line of shown(replay, width).split("\n"))
        expect([...line].length, line).toBeLessThanOrEqual(width)
})

test("what is unlimited says so, and has no percentage", () => {
  const settings = {
    ...DEFAULT_SETTINGS,
    dailyTokenLimit: null,
    perAgentTokenLimit: null,
    maxConcurrentAgents: null,
    maxTaskDurationMinutes: null,
  }
  const lines = replayReport({ ...QUIET, settings }, { width: 80, colour: false })
  expect(lines[2]).toBe("no limit a day · no limit an agent · no limit at once · no limit of time")
  expect(lines[5]).toBe(
    "2026-02-09  ························  5.41M / no limit      –  within budget",
  )
  expect(lines.join("\n")).toContain("let every call through.")
})

test("soft limits say what hard ones would have done first", () => {
  const settings = { ...DEFAULT_SETTINGS, enforceHardLimits: false, timeZone: "Asia/Tokyo" }
  const firstRefusal = {
    at: "2026-02-09T17:33:02.511Z",
    agentId: "a",
    reason: "daily_token_limit",
  } as const
  const text = shown({ ...QUIET, settings, firstRefusal }, 150)
  expect(text).toContain("soft limits, Asia/Tokyo")
  expect(text).toContain(
    "hard ones would first have refused at 2026-02-10 02:33 (daily token limit).",
  )
  expect(shown({ ...QUIET, firstRefusal }, 150)).not.toContain("would first have refused")
})

test("times are those of the budget's time zone", () => {
  const text = shown({ ...BUSY, settings: { ...DEFAULT_SETTINGS, timeZone: "Asia/Kolkata" } }, 80)
  expect(text).toContain("2026-02-09 06:46 to 2026-02-12 10:30")
  expect(text).toContain("reached at 23:03")
  expect(text).toContain("02-10 05:30")
})

test("many days: the latest hundred, and how many came before", () => {
  const days = Array.from({ length: 130 }, (_, index) =>
    day(new Date(Date.UTC(2026, 0, 1 + index)).toISOString().slice(0, 10)),
  )
  const lines = replayReport({ ...QUIET, days }, { width: 80, colour: false })
  expect(lines[5]).toBe("… and 30 earlier days")
  expect(lines.filter((line) => /^2026-\d\d-\d\d {2}/.test(line))).toHaveLength(100)
})

test("colours follow the status, and are there only when asked for", () => {
  const escapeCode = String.fromCharCode(27)
  const lines = replayReport(BUSY, { width: 80, colour: true })
  const of = (date: string) => lines.find((line) => line.startsWith(date)) ?? ""
  expect(of("2026-02-09")).toContain(`${escapeCode}[31m█`)
  expect(of("2026-02-10")).toContain(`${escapeCode}[33m█`)
  expect(of("2026-02-11")).toContain(`${escapeCode}[31m█`)
  const plain = lines.map((line) => line.replaceAll(new RegExp(`${escapeCode}\\[\\d+m`, "g"), ""))
  expect(plain.join("\n")).toBe(shown(BUSY, 80))
})

test("the progress line tells of bytes and calls", () => {
  expect(
    replayProgressLine({ phase: "reading", bytesRead: 5e8, bytesTotal: 1e9, calls: 41_230 }),
  ).toBe("reading    ████████████············  500 MB of 1.00 GB, 41,230 calls")
  expect(replayProgressLine({ phase: "reading", bytesRead: 0, bytesTotal: 0, calls: 0 })).toBe(
    "reading    ························  0 B of 0 B, 0 calls",
  )
  expect(replayProgressLine({ phase: "replaying", callsDone: 750, callsTotal: 1_000 })).toBe(
    "replaying  ██████████████████······  1,000 calls",
  )
})

test("money has a column and a sentence where there is any, and its limits are named", () => {
  const days = [
    day("2026-02-09", { costMicroUsd: 4_200_000, unpricedCalls: 0 }),
    day("2026-02-10", { costMicroUsd: 800_000, unpricedCalls: 3 }),
  ]
  const settings = { ...DEFAULT_SETTINGS, dailyCostLimitMicroUsd: 5_000_000 }
  const lines = replayReport({ ...QUIET, settings, days }, { width: 80, colour: false })
  expect(lines[2]).toContain("2.00M an agent · $5.00 a day · ")
  const head = lines.find((line) => line.startsWith("DAY")) ?? ""
  const end = head.indexOf("COST") + "COST".length
  const costs = lines.filter((line) => line.startsWith("2026-")).map((line) => line.slice(0, end))
  expect(costs.map((line) => line.split(" ").at(-1))).toEqual(["$4.20", "≥$0.80"])
  expect(lines).toContain("What it lets through costs $5.00, 3 calls without a known price aside.")
  expect(lines.filter((line) => line.length > 80)).toEqual([])
  const without = replayReport(QUIET, { width: 80, colour: false }).join("\n")
  expect(without).not.toMatch(/\$|COST/)
})
