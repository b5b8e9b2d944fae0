/** `stint budget` as it is called: what is shown, what is kept, and what a live run makes of it. */
import { existsSync, readdirSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, it } from "vitest"
import { budgetCommand } from "../../../src/edges/cli/budget.ts"
import { doctorCommand } from "../../../src/edges/cli/doctor.ts"
import { statusCommand } from "../../../src/edges/cli/status.ts"
import { emptyFolder, type Given, hear } from "./heard.ts"
import { newPlace, type Place, run, STINT, StintProcess, startRun } from "./stint-process.ts"

const stint = (place: Place, words: readonly string[], env: NodeJS.ProcessEnv = {}) =>
  new StintProcess([...STINT, ...words, "--ledger", place.ledger], place, env).ended

const budget = (argv: readonly string[], given: Given) =>
  hear((io) => budgetCommand([...argv, "--ledger", "here.db"], io), given)

const shown = async (given: Given) => JSON.parse((await budget(["--json"], given)).stdout)

/** Prints one call of `tokens`, then waits for `go`. */
const agentOf = (tokens: number): readonly string[] => [
  "sh",
  "-c",
  `echo '{"type":"stint.usage","id":"1","inputTokens":${tokens}}'; while [ ! -e go ]; do sleep 0.05; done`,
]

describe("stint budget", () => {
  it("shows every setting, its value and where it comes from, and makes nothing", async () => {
    const cwd = emptyFolder()
    const env = { STINT_THRESHOLDS: "50,60,70" }
    const { status, stdout, stderr } = await budget([], { cwd, env })
    expect([status, stderr]).toEqual([0, ""])
    const lines = stdout.split("\n").map((line) => line.split(/ {2,}/))
    expect(lines.slice(0, 3)).toEqual([
      ["SETTING", "VALUE", "FROM"],
      ["dailyTokenLimit", "10000000", "default"],
      ["perAgentTokenLimit", "2000000", "default"],
    ])
    expect(lines).toContainEqual(["thresholds", "50,60,70", "variable STINT_THRESHOLDS"])
    expect(stdout).toContain("no run holds the ledger: a run started here begins with these")
    expect(readdirSync(cwd)).toEqual([])
  })

  it("tells the same as JSON, and what is kept below a nearer source", async () => {
    const cwd = emptyFolder()
    await budget(["set", "daily-token-limit", "5M"], { cwd })
    const given = { cwd, env: { STINT_DAILY_TOKEN_LIMIT: "7" } }
    expect(await shown(given)).toMatchObject({
      ledger: join(cwd, "here.db"),
      holder: null,
      settings: {
        dailyTokenLimit: {
          value: 7,
          from: "variable",
          name: "STINT_DAILY_TOKEN_LIMIT",
          kept: 5_000_000,
        },
        graceSeconds: { value: 5, from: "default", name: "default" },
        dailyCostLimitMicroUsd: { value: null },
      },
    })
    const { stdout } = await budget([], given)
    expect(stdout).toMatch(/dailyTokenLimit +7 +variable STINT_DAILY_TOKEN_LIMIT; kept: 5000000\n/)
  })

  it("set and unset say what becomes of the value", async () => {
    const cwd = emptyFolder()
    const env = { STINT_GRACE_SECONDS: "7" }
    const say = async (argv: readonly string[], given: Given = { cwd }) =>
      (await budget(argv, given)).stderr.replaceAll(join(cwd, "here.db"), "LEDGER")
    expect(await say(["set", "maxConcurrentAgents", "unlimited"])).toBe(
      "stint: maxConcurrentAgents is kept as unlimited in LEDGER; the next run begins with it\n",
    )
    expect(await say(["set", "graceSeconds", "9"], { cwd, env })).toBe(
      "stint: graceSeconds is kept as 9 in LEDGER, but hidden: a run started here has 7 (variable STINT_GRACE_SECONDS)\n",
    )
    expect(await say(["unset", "grace-seconds"])).toBe(
      "stint: graceSeconds is no longer kept in LEDGER; a run started here begins with 5 (default)\n",
    )
    expect(await say(["unset", "grace-seconds"])).toBe(
      "stint: graceSeconds is not kept in LEDGER; nothing was changed\n",
    )
    const { stdout } = await budget(["set", "graceSeconds", "9", "--json"], { cwd })
    expect(JSON.parse(stdout)).toMatchObject({
      ...{ setting: "graceSeconds", value: 9, from: "ledger", kept: 9, changed: true },
    })
  })

  it.each([
    [["set", "graceSeconds", "-5"], "command line: graceSeconds: found -5, expected a number"],
    [["set", "gracSeconds", "5"], "did you mean graceSeconds?"],
    [["unset", "gracSeconds"], "did you mean graceSeconds?"],
    [["set", "graceSeconds"], "set: found graceSeconds, expected KEY VALUE"],
    [["set", "graceSeconds", "5", "6"], "set: found graceSeconds 5 6, expected KEY VALUE"],
    [["unset"], "unset: found nothing, expected KEY"],
    [["sett", "graceSeconds", "5"], "did you mean set?"],
    [["set", "thresholds", "95,80,100"], "three ascending percentages"],
    [["set", "daily-cost-limit", "five"], "found five, expected money"],
    [["--soft"], "--soft: no such option"],
  ])("a bad call %j is told, with status 125, and nothing is made", async (argv, message) => {
    const cwd = emptyFolder()
    const { status, stdout, stderr } = await budget(argv, { cwd })
    expect([status, stdout]).toEqual([125, ""])
    expect(stderr).toContain(message)
    expect(readdirSync(cwd)).toEqual([])
  })

  it("status and doctor see what is kept", async () => {
    const cwd = emptyFolder()
    await budget(["set", "dailyTokenLimit", "1234"], { cwd })
    const status = await hear((io) => statusCommand(["--json", "--ledger", "here.db"], io), { cwd })
    expect(JSON.parse(status.stdout)).toMatchObject({ dailyTokenLimit: 1_234 })
    const doctor = await hear(
      (io) => doctorCommand(["--ledger", "here.db"], { ...io, now: Date.now }),
      { cwd },
    )
    expect(doctor.stdout).toContain("dailyTokenLimit = 1234 (stint budget set)")
  })
})

describe("a run", () => {
  it("begins with what is kept, but for its own flags, and forgets its own values", async () => {
    const place = newPlace()
    expect((await stint(place, ["budget", "set", "perAgentTokenLimit", "10"])).status).toBe(0)
    place.file("go", "")
    const metered = ["--meter", "stint", "--", ...agentOf(20)]
    expect((await run(place, metered)).status).toBe(124)
    expect((await run(place, ["--per-agent-token-limit", "30", ...metered])).status).toBe(0)
    expect((await run(place, metered)).status).toBe(124)
  })

  it("is stopped when a value kept meanwhile makes its day full", async () => {
    const place = newPlace()
    const live = startRun(place, ["--id", "live", "--meter", "stint", "--", ...agentOf(20)])
    await live.shows(/stint\.usage/)
    const set = await stint(place, ["budget", "set", "dailyTokenLimit", "20"])
    expect(set.stderr).toContain(`and applies now to the run of process ${live.pid}`)
    const ended = await live.ended
    expect(ended.status).toBe(124)
    expect(ended.stderr).toContain("daily_token_limit")
    expect(existsSync(`${place.ledger}.sock`)).toBe(false)
  })

  it("goes on where its own flag is nearer, and whoever keeps the value is told so", async () => {
    const place = newPlace()
    const flags = ["--daily-token-limit", "1000", "--meter", "stint"]
    const live = startRun(place, [...flags, "--", ...agentOf(20)])
    await live.shows(/stint\.usage/)
    const set = await stint(place, ["budget", "set", "dailyTokenLimit", "20"])
    expect(set.stderr).toContain(
      `but hidden: the run of process ${live.pid} has 1000 (flag --daily-token-limit)`,
    )
    const { stdout } = await stint(place, ["budget"])
    expect(stdout.toString()).toMatch(/dailyTokenLimit +1000 +flag --daily-token-limit; kept: 20\n/)
    // Another run without the flag is told whose limits apply: with the kept one it wanted 20.
    const second = startRun(place, ["--", "true"])
    await second.shows(/its limits apply \(1000 tokens, 10 agents\)/)
    place.file("go", "")
    expect([(await live.ended).status, (await second.ended).status]).toEqual([0, 0])
  })

  it("that attaches with the kept limits is told nothing about others", async () => {
    const place = newPlace()
    await stint(place, ["budget", "set", "dailyTokenLimit", "5k"])
    const live = startRun(place, ["--meter", "stint", "--", ...agentOf(20)])
    await live.shows(/stint\.usage/)
    const second = await run(place, ["--", "true"])
    expect(second.status).toBe(0)
    expect(second.stderr).not.toContain("its limits apply")
    place.file("go", "")
    expect((await live.ended).status).toBe(0)
  })
})
