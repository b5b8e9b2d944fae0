import { readdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, it } from "vitest"
import { historyCommand } from "../../../src/edges/cli/history.ts"
import { openSqliteLedger } from "../../../src/ledger/sqlite.ts"
import { admitted, numbered, usageRecorded, windowOpened } from "../../ledger/sample-rows.ts"
import { emptyFolder, type Given, hear } from "./heard.ts"

const history = (argv: readonly string[], given: Given) =>
  hear((io) => historyCommand(argv, io), given)

const TWO_DAYS = numbered(0, [
  windowOpened("2026-01-01"),
  admitted("a"),
  admitted('b, "the second"'),
  usageRecorded("1", "a", { tokens: 400_000 }),
  usageRecorded("1", 'b, "the second"', { tokens: 100_000, model: "model-b" }),
  windowOpened("2026-01-02"),
  usageRecorded("2", "a", { tokens: 1_200_000, windowId: "2026-01-02", model: null }),
])

/** `usageOf(n)` is n uncached, 2n output, 3 written, 4 read. */
const raw = (tokens: number) => 3 * tokens + 7

const heldLedger = async (folder: string, rows = TWO_DAYS) => {
  const ledger = await openSqliteLedger(join(folder, "stint.db"))
  ledger.append(rows)
  await ledger.durable(rows.length)
  return ledger
}

const priced = (windowId: string, tokens: number, costMicroUsd: number) =>
  usageRecorded(null, "a", { windowId, tokens, costMicroUsd })

/** $1.20 and a call without a price; one without a price; $12.5. */
const THREE_DAYS_WITH_MONEY = numbered(0, [
  windowOpened("2026-01-01"),
  admitted("a"),
  priced("2026-01-01", 1_000, 1_200_000),
  usageRecorded(null, "a", { tokens: 1_000 }),
  windowOpened("2026-01-02"),
  usageRecorded(null, "a", { tokens: 1_000, windowId: "2026-01-02" }),
  windowOpened("2026-01-03"),
  priced("2026-01-03", 4_000, 12_500_000),
])

/** Beside a live holder, which is closed afterwards. */
const historyOfTwoDays = (argv: readonly string[], more: Partial<Given> = {}) =>
  historyOf(TWO_DAYS, argv, more)

const historyOf = async (
  rows: typeof TWO_DAYS,
  argv: readonly string[],
  more: Partial<Given> = {},
) => {
  const cwd = emptyFolder()
  const holder = await heldLedger(cwd, rows)
  try {
    return await history(["--ledger", "stint.db", ...argv], { cwd, ...more })
  } finally {
    await holder.close()
  }
}

const sum = (calls: number, tokens: number, each = [tokens]) => ({
  calls,
  tokens,
  rawTokens: each.reduce((all, one) => all + raw(one), 0),
  inputTokens: tokens,
  outputTokens: 2 * tokens,
  cacheWriteTokens: 3 * calls,
  cacheReadTokens: 4 * calls,
  costMicroUsd: 0,
  unpricedCalls: calls,
})

describe("the table", () => {
  it("fits 80 columns: a bar for each day, and the total", async () => {
    const { status, stdout } = await historyOfTwoDays([])
    expect(status).toBe(0)
    expect(stdout.split("\n")).toEqual([
      "DAY                                       TOKENS      CALLS      RAW  CACHE READ",
      "2026-01-01  ███████████▎···············     500k          2    1.50M           8",
      "2026-01-02  ███████████████████████████    1.20M          1    3.60M           4",
      "total                                      1.70M          3    5.10M          12",
      "",
    ])
  })

  it("shows money where there is any, and marks what has no known price, still in 80 columns", async () => {
    const { stdout } = await historyOf(THREE_DAYS_WITH_MONEY, [])
    expect(stdout.split("\n")).toEqual([
      "DAY                              TOKENS      CALLS      RAW  CACHE READ     COST",
      "2026-01-01  █████████·········    2.00k          2    6.01k           8   ≥$1.20",
      "2026-01-02  ████▌·············    1.00k          1    3.01k           4        –",
      "2026-01-03  ██████████████████    4.00k          1    12.0k           4   $12.50",
      "total                             7.00k          4    21.0k          16  ≥$13.70",
      "≥ and –: 2 calls without a known price",
      "",
    ])
    const data = await historyOf(THREE_DAYS_WITH_MONEY, ["--format", "json", "--to", "2026-01-01"])
    expect(JSON.parse(data.stdout)).toMatchObject([{ costMicroUsd: 1_200_000, unpricedCalls: 1 }])
  })

  it("has names at most as wide as their place, the most tokens first, in colour on a terminal", async () => {
    const { stdout } = await historyOfTwoDays(["--by", "model"], { isTTY: true })
    expect(stdout).toContain("\u001b[2mMODEL")
    const plain = await historyOfTwoDays(["--by", "model"], { env: { NO_COLOR: "1" }, isTTY: true })
    expect(plain.stdout).not.toContain("\u001b")
    const names = plain.stdout.split("\n").map((line) => line.split(" ")[0])
    expect(names).toEqual(["MODEL", "(unknown)", "model-a", "model-b", "total", ""])
    expect(plain.stdout.split("\n").every((line) => line.length <= 80)).toBe(true)
  })
})

describe("as data", () => {
  it("CSV is quoted by RFC 4180, names with commas and quotes included", async () => {
    const { stdout } = await historyOfTwoDays(["--by", "agent", "--format", "csv"])
    const head =
      "agent,calls,tokens,rawTokens,inputTokens,outputTokens,cacheWriteTokens,cacheReadTokens,costMicroUsd,unpricedCalls"
    expect(stdout.split("\r\n")).toEqual([
      head,
      "agent a,2,1600000,4800014,1600000,3200000,6,8,0,2",
      '"agent b, ""the second""",1,100000,300007,100000,200000,3,4,0,1',
      "",
    ])
  })

  it("JSON is one array; an unknown model is null", async () => {
    const { stdout } = await historyOfTwoDays(["--by", "model", "--format", "json"])
    expect(JSON.parse(stdout)).toEqual([
      { model: null, ...sum(1, 1_200_000) },
      { model: "model-a", ...sum(1, 400_000) },
      { model: "model-b", ...sum(1, 100_000) },
    ])
  })

  it("is cut to the days asked for, both inclusive", async () => {
    const days = async (argv: readonly string[]) => {
      const { stdout } = await historyOfTwoDays(["--format", "json", ...argv])
      return JSON.parse(stdout).map(({ day }: { day: string }) => day)
    }
    expect(await days(["--from", "2026-01-02"])).toEqual(["2026-01-02"])
    expect(await days(["--to", "2026-01-01"])).toEqual(["2026-01-01"])
    expect(await days(["--from", "2026-01-01", "--to", "2026-01-02"])).toHaveLength(2)
    expect(await days(["--from", "2026-01-03"])).toEqual([])
  })
})

describe("before any ledger", () => {
  it.each([
    [[], "nothing was used\n"],
    [["--format", "json"], "[]\n"],
    [["--by", "task", "--format", "csv"], /^task,calls,[^\n]*\r\n$/],
  ] as const)("%j prints nothing used, and makes nothing", async (argv, expected) => {
    const cwd = emptyFolder()
    const { status, stdout } = await history(argv, { cwd })
    expect(status).toBe(0)
    expect(stdout).toMatch(expected)
    expect(readdirSync(cwd)).toEqual([])
  })
})

describe("a bad call says what was found and what is allowed", () => {
  it.each([
    [["--by", "week"], "command line: --by: found week, expected one of day, agent, task, model"],
    [["--format", "xml"], "command line: --format: found xml, expected one of table, csv, json"],
    [
      ["--from", "yesterday"],
      "command line: --from: found yesterday, expected a day as 2026-03-01",
    ],
    [["--to", "2026-02-30"], "command line: --to: found 2026-02-30, expected a day as 2026-03-01"],
    [["--from", "2026-01-02", "--to", "2026-01-01"], "expected --from to be the earlier day"],
    [["--formt", "csv"], "command line: --formt: no such option; did you mean --format?"],
    [["today"], "command line: found today, expected options only"],
    [["--by", "day", "--by", "task"], "command line: --by: found it 2 times, expected it once"],
  ] as const)("%j", async (argv, message) => {
    const { status, stdout, stderr } = await history(argv, { cwd: emptyFolder() })
    expect([status, stdout]).toEqual([125, ""])
    expect(stderr).toContain(message)
  })

  it("and so does a file that is no ledger", async () => {
    const cwd = emptyFolder()
    writeFileSync(join(cwd, "stint.db"), "something else altogether")
    const { status, stderr } = await history(["--ledger", "stint.db"], { cwd })
    expect(status).toBe(125)
    expect(stderr).toMatch(/^stint: The ledger .* is damaged/)
  })
})

it("the ledger is the one of stint.yaml when no flag names one", async () => {
  const cwd = emptyFolder()
  await (await heldLedger(cwd)).close()
  writeFileSync(join(cwd, "stint.yaml"), "ledger: stint.db\n")
  const { stdout } = await history(["--format", "json"], { cwd })
  expect(JSON.parse(stdout)).toHaveLength(2)
})
