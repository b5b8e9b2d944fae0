import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, it } from "vitest"
import { fold } from "../../../machines/budget/fold.ts"
import { emptyBudget } from "../../../machines/budget/recovery.ts"
import { DEFAULT_SETTINGS } from "../../../machines/budget/settings.ts"
import type { Finding } from "../../../src/edges/cli/doctor/finding.ts"
import { limiterFindings } from "../../../src/edges/cli/doctor/limiter-findings.ts"
import { doctorReport } from "../../../src/edges/cli/doctor/report.ts"
import { doctorCommand } from "../../../src/edges/cli/doctor.ts"
import { startSupervisor } from "../../../src/host/start.ts"
import { openSqliteLedger } from "../../../src/ledger/sqlite.ts"
import { contentOf } from "../../ledger/folder-content.ts"
import {
  admitted,
  holdExpired,
  holdPlaced,
  NOON,
  numbered,
  usageRecorded,
  windowOpened,
} from "../../ledger/sample-rows.ts"
import { emptyFolder, type Given, hear } from "./heard.ts"

const HOUR = 3_600_000
const SILENT = { set: () => {}, clear: () => {} }

const doctor = (argv: readonly string[], given: Given, now = NOON) =>
  hear((io) => doctorCommand(argv, { ...io, now: () => now }), given)

const findings = async (argv: readonly string[], given: Given, now = NOON) => {
  const { status, stdout } = await doctor(["--json", ...argv], given, now)
  const all: readonly Finding[] = JSON.parse(stdout)
  const found = (check: string) => all.filter((finding) => finding.check === check)
  return { status, all, found }
}

/** The open day is the fifth; the first has used 400, estimated none, 1000 expired; $0.50 and $0.70. */
const FIVE_DAYS = numbered(0, [
  { kind: "budget_set", settings: DEFAULT_SETTINGS },
  windowOpened("2026-01-01"),
  admitted("a"),
  usageRecorded("1", "a", { tokens: 400, costMicroUsd: 500_000 }),
  holdPlaced("h", "a"),
  holdExpired("h", "a", "2026-01-01", { heldCostMicroUsd: 700_000 }),
  windowOpened("2026-01-05"),
  usageRecorded("2", "a", { tokens: 9_000, windowId: "2026-01-05" }),
])

const heldLedger = async (folder: string) => {
  const ledger = await openSqliteLedger(join(folder, "stint.db"))
  ledger.append(FIVE_DAYS)
  await ledger.durable(FIVE_DAYS.length)
  return ledger
}

const ledgerIn = async (folder: string) => (await heldLedger(folder)).close()

describe("stint doctor", () => {
  it("looks at everything a run needs, a line each, and makes nothing", async () => {
    const cwd = emptyFolder()
    const { status, stdout, stderr } = await doctor([], { cwd })
    expect([status, stderr]).toEqual([0, ""])
    const marked = stdout.split("\n").filter((line) => /^[✓!✗] /.test(line))
    expect(marked.map((line) => line.split(/ +/)[1])).toEqual([
      "node",
      "settings",
      "ledger",
      "clock",
      "day",
      "canary",
      "holds",
      "processes",
      "groups",
      "reaping",
      "contain",
      "guard",
      "terminal",
    ])
    expect(stdout.split("\n").filter((line) => line.length > 80 && !line.includes(cwd))).toEqual([])
    expect(readdirSync(cwd)).toEqual([])
  })

  it("names what differs from the defaults, and where it was said", async () => {
    const cwd = emptyFolder()
    writeFileSync(join(cwd, "stint.yaml"), "graceSeconds: 9\n")
    const env = { STINT_TIME_ZONE: "Asia/Kolkata", STINT_TIME_ZON: "x" }
    const { found } = await findings(["--soft"], { cwd, env })
    expect(found("settings")[0]?.details).toEqual([
      "enforceHardLimits = false (--soft)",
      "graceSeconds = 9 (stint.yaml)",
      'timeZone = "Asia/Kolkata" (STINT_TIME_ZONE)',
    ])
    expect(found("settings")[1]).toMatchObject({ verdict: "note" })
    expect(found("settings")[1]?.text).toContain("did you mean STINT_TIME_ZONE?")
    expect(found("day")[0]?.text).toContain("2025-12-31T18:30:00.000Z to 2026-01-01T18:30:00.000Z")
    expect(found("limits")[0]?.text).toContain("soft")
  })

  it("finds every mistake in the settings, and goes on with what does not depend on them", async () => {
    const cwd = emptyFolder()
    const { status, found } = await findings(["--daily-token-limit", "-5"], {
      cwd,
      env: { STINT_GRACE_SECONDS: "soon" },
    })
    expect(status).toBe(1)
    expect(found("settings")).toMatchObject([{ verdict: "bad", text: "2 mistakes" }])
    expect(found("guard")).toMatchObject([{ verdict: "good" }])
    expect(found("ledger")).toEqual([])
  })
})

describe("of the ledger", () => {
  it("says who holds it, and leaves holder and file alone", async () => {
    const cwd = emptyFolder()
    const holder = await heldLedger(cwd)
    const held = await findings(["--ledger", "stint.db"], { cwd }, Date.UTC(2026, 0, 5, 12))
    expect(held.found("lock")).toMatchObject([
      { verdict: "good", text: expect.stringMatching(/^held by process \d+ on /) },
    ])
    await holder.close()
    const before = contentOf(cwd)
    const free = await findings(["--ledger", "stint.db"], { cwd }, Date.UTC(2026, 0, 5, 12))
    expect(free.found("lock")[0]?.text).toMatch(/^free; held last by process \d+ on /)
    expect(free.found("ledger")[0]?.details.join()).toContain("version 2, ")
    expect(free.found("ledger")[0]?.details.join()).toContain("8 rows up to row 8")
    expect(free.status).toBe(0)
    expect(contentOf(cwd)).toEqual(before)
  })

  it("finds damage, and says that the file is the reason", async () => {
    const cwd = emptyFolder()
    await ledgerIn(cwd)
    const path = join(cwd, "stint.db")
    const bytes = readFileSync(path)
    const at = bytes.indexOf('"tokens":9000')
    bytes.write('"tokens":1000', at, "latin1")
    writeFileSync(path, bytes)
    const { status, found } = await findings(["--ledger", "stint.db"], { cwd })
    expect(status).toBe(1)
    expect(found("ledger")).toMatchObject([{ verdict: "bad" }])
    expect(found("ledger")[0]?.text).toContain("row 8 does not match its checksum")
  })
})

describe("of the clock", () => {
  it("both times are named when it reads 26 hours before the open day: bad in hard mode, a note in soft", async () => {
    const cwd = emptyFolder()
    await ledgerIn(cwd)
    const { status, found } = await findings(["--ledger", "stint.db"], { cwd })
    expect(status).toBe(1)
    expect(found("clock")[0]).toMatchObject({ verdict: "bad" })
    expect(found("clock")[0]?.text).toContain("2026-01-01T12:00:00.000Z")
    expect(found("clock")[0]?.text).toContain("2026-01-05T00:00:00.000Z")
    const soft = await findings(["--ledger", "stint.db", "--soft"], { cwd })
    expect(soft.found("clock")[0]).toMatchObject({ verdict: "note" })
    const aDay = await findings(["--ledger", "stint.db"], { cwd }, Date.UTC(2026, 0, 4, 12))
    expect(aDay.found("clock")[0]).toMatchObject({ verdict: "note" })
  })

  it("accepting it opens the present day with what that day had used, and hard mode starts again", async () => {
    const cwd = emptyFolder()
    await ledgerIn(cwd)
    const path = join(cwd, "stint.db")
    // No alarm: it would ring by the time it really is.
    const clock = { now: () => NOON, makeAlarm: () => SILENT, keepAlive: () => {} }
    const options = { ledger: path, clock }
    await expect(startSupervisor(options)).rejects.toMatchObject({ _tag: "ClockStepped" })
    const { status, stderr } = await doctor(["--accept-clock", "--ledger", path], { cwd })
    expect(status).toBe(0)
    expect(stderr).toContain("the day 2026-01-01 is open, with 1400 tokens and $1.20 used")
    const supervisor = await startSupervisor(options)
    expect(supervisor.summary()).toMatchObject({
      dailyTokensUsed: 1400,
      uncertainTokens: 1000,
      dailyCostMicroUsd: 1_200_000,
      uncertainCostMicroUsd: 700_000,
      windowStartsAt: "2026-01-01T00:00:00.000Z",
    })
    await supervisor.close()
  })

  it("nothing is accepted while nothing is wrong, and the file stays as it was", async () => {
    const cwd = emptyFolder()
    await ledgerIn(cwd)
    const before = contentOf(cwd)
    const argv = ["--accept-clock", "--ledger", "stint.db"]
    const { status, stderr } = await doctor(argv, { cwd }, Date.UTC(2026, 0, 5) - 26 * HOUR)
    expect(status).toBe(125)
    expect(stderr).toContain("nothing to accept; nothing was changed")
    expect(contentOf(cwd)).toEqual(before)
  })

  it("nothing is accepted while a holder is live", async () => {
    const cwd = emptyFolder()
    const holder = await heldLedger(cwd)
    const { status, stderr } = await doctor(["--accept-clock", "--ledger", "stint.db"], { cwd })
    expect(status).toBe(125)
    expect(stderr).toMatch(/is in use by process \d+/)
    await holder.close()
  })

  it("nothing is accepted where there is no ledger", async () => {
    const { status, stderr } = await doctor(["--accept-clock"], { cwd: emptyFolder() })
    expect(status).toBe(125)
    expect(stderr).toContain("there is no ledger at ")
  })
})

describe("of the limiter", () => {
  it("the canary is refused under every limit, in both modes, also of a full day", () => {
    const full = FIVE_DAYS.reduce(fold, emptyBudget())
    for (const dailyTokenLimit of [0, 1, 9_000, null])
      for (const enforceHardLimits of [true, false]) {
        const settings = { ...DEFAULT_SETTINGS, dailyTokenLimit, enforceHardLimits }
        expect(limiterFindings(settings, full, NOON)[0]).toMatchObject({ verdict: "good" })
      }
  })

  it("what is unlimited is said", () => {
    const settings = { ...DEFAULT_SETTINGS, maxConcurrentAgents: null }
    expect(limiterFindings(settings, null, NOON)[1]?.text).toBe("unlimited: maxConcurrentAgents")
  })
})

it("a finding that is longer than its line goes on below", () => {
  const text = "word ".repeat(30).trim()
  const lines = doctorReport([{ check: "x", verdict: "bad", text, details: ["y"] }], {
    width: 80,
    colour: false,
  })
  expect(lines[0]).toMatch(/^✗ x {13}word/)
  expect(lines.slice(1).every((line) => line.startsWith(" ".repeat(16)))).toBe(true)
  expect(lines.join(" ").match(/word/g)).toHaveLength(30)
  expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(80)
})

it.each([
  [["--accept-clok"], "did you mean --accept-clock?"],
  [["now"], "found now, expected options only"],
] as const)("a bad call %j is told", async (argv, message) => {
  const { status, stderr } = await doctor(argv, { cwd: emptyFolder() })
  expect(status).toBe(125)
  expect(stderr).toContain(message)
})

describe("of an agent program", () => {
  /** A folder as npm leaves it: a package, and a link to its program on the path. */
  const install = (cwd: string): string => {
    const folder = join(cwd, "node_modules/@anthropic-ai/claude-code")
    mkdirSync(folder, { recursive: true })
    writeFileSync(
      join(folder, "package.json"),
      JSON.stringify({ name: "@anthropic-ai/claude-code", version: "2.1.330" }),
    )
    writeFileSync(join(folder, "cli.js"), "", { mode: 0o755 })
    mkdirSync(join(cwd, "bin"))
    symlinkSync(join(folder, "cli.js"), join(cwd, "bin/claude"))
    return join(cwd, "bin")
  }

  it("says what is here and how it would be started: names, never a value", async () => {
    const cwd = emptyFolder()
    mkdirSync(join(cwd, ".claude"))
    writeFileSync(join(cwd, ".claude/.credentials.json"), "secret-sign-in")
    const env = {
      PATH: install(cwd),
      ANTHROPIC_API_KEY: "secret-key",
      ANTHROPIC_BASE_URL: "https://proxy.test/claude",
      HTTPS_PROXY: "http://me:secret@proxy.corp:3128",
      CLAUDE_CODE_USE_BEDROCK: "1",
    }
    const before = readdirSync(cwd, { recursive: true })
    const { all, found } = await findings(["--agent", "claude"], { cwd, env })
    expect(JSON.stringify(all)).not.toContain("secret")
    expect(found("program")[0]?.text).toBe(`Claude Code 2.1.330, ${join(cwd, "bin/claude")}`)
    expect(found("credentials")[0]?.text).toContain(".credentials.json: left alone")
    expect(found("upstream")[0]?.details).toEqual([
      "anthropic: https://proxy.test/claude (ANTHROPIC_BASE_URL) through proxy.corp:3128 (HTTPS_PROXY) with the key in ANTHROPIC_API_KEY",
    ])
    expect(found("launch")[0]?.details).toContain("takes away CLAUDE_CODE_USE_BEDROCK")
    expect(found("launch")[0]?.details.join()).toContain("ANTHROPIC_BASE_URL")
    expect(found("launch")[0]?.details).toContain("asks it to end with SIGINT")
    expect(found("class")).toMatchObject([{ verdict: "good" }])
    expect(readdirSync(cwd, { recursive: true })).toEqual(before)
  })

  it("says what a run would say of an address that is none, without what is secret in it", async () => {
    const env = { OPENAI_BASE_URL: "https://user:secret-password@proxy.test?token=secret" }
    const { status, all, found } = await findings(["--agent", "openai-sdk"], {
      cwd: emptyFolder(),
      env,
    })
    expect(status).toBe(1)
    expect(found("upstream")[0]?.text).toContain("OPENAI_BASE_URL: found a URL with a user name")
    expect(JSON.stringify(all)).not.toContain("secret")
  })

  it("knows addresses, keys' files and commands of stint.yaml, by name", async () => {
    const cwd = emptyFolder()
    writeFileSync(
      join(cwd, "stint.yaml"),
      [
        "upstreams:",
        "  anthropic: { apiKeyFile: ~/keys/anthropic }",
        "  openai:",
        "    baseUrl: https://openrouter.ai/api/v1",
        "    apiKeyCommand: [pass, show, secret-name]",
      ].join("\n"),
    )
    const claude = await findings(["--agent", "claude"], { cwd, env: { PATH: install(cwd) } })
    expect(claude.found("upstream")).toMatchObject([
      {
        verdict: "good",
        details: [
          "anthropic: https://api.anthropic.com/ with the key in the file ~/keys/anthropic (stint.yaml:2: upstreams.anthropic.apiKeyFile)",
        ],
      },
    ])
    const sdk = await findings(["--agent", "openai-sdk"], { cwd })
    expect(sdk.found("upstream")[0]?.details).toEqual([
      "openai: https://openrouter.ai/api/v1 (stint.yaml:4: upstreams.openai.baseUrl) with the key that a command prints (stint.yaml:5: upstreams.openai.apiKeyCommand)",
    ])
    expect(JSON.stringify(sdk.all)).not.toContain("secret")
  })

  it("says why less is claimed, and that a program is missing", async () => {
    const cwd = emptyFolder()
    const { status, found } = await findings(["--agent", "codex"], { cwd, env: { PATH: cwd } })
    expect(status).toBe(1)
    expect(found("program")).toMatchObject([{ verdict: "bad" }])
    expect(found("upstream")).toMatchObject([{ verdict: "note" }])
    expect(found("launch")[0]?.details.join()).toContain("adds -c model_provider=…")
    expect(found("class")[0]?.details[0]).toContain("sign-in is passed on")
  })

  it("looks for no program where only an SDK is named", async () => {
    const { found } = await findings(["--agent", "openai-sdk"], { cwd: emptyFolder() })
    expect([found("program"), found("credentials")]).toEqual([[], []])
    expect(found("class")).toMatchObject([{ verdict: "note" }])
  })

  it("knows no other name", async () => {
    const { status, stderr } = await doctor(["--agent", "auto"], { cwd: emptyFolder() })
    expect(status).toBe(125)
    expect(stderr).toContain("--agent: found ")
  })
})

describe("of money", () => {
  const yaml = async (text: string, argv: readonly string[] = []) => {
    const cwd = emptyFolder()
    writeFileSync(join(cwd, "stint.yaml"), text)
    return (await findings(argv, { cwd })).found
  }

  it("names own prices that apply, and those for providers no upstream goes to", async () => {
    const found = await yaml(
      [
        "prices:",
        "  - { model: local-*, inputUsdPerMTok: 0, outputUsdPerMTok: 0.5 }",
        "  - { model: gpt-5, provider: OpenAI, inputUsdPerMTok: 1, outputUsdPerMTok: 2 }",
        "  - { model: llama-4, provider: groq, inputUsdPerMTok: 1, outputUsdPerMTok: 2 }",
      ].join("\n"),
    )
    expect(found("prices")).toMatchObject([
      {
        verdict: "good",
        details: [
          "local-*: $0 in, $0.5 out for a million tokens",
          "gpt-5 of OpenAI: $1 in, $2 out for a million tokens",
        ],
      },
      { verdict: "note", details: ["llama-4 of groq: $1 in, $2 out for a million tokens"] },
    ])
    expect(found("cost")).toEqual([])
  })

  it.each([
    [[], "good", "are refused"],
    [["--allow-unpriced"], "note", "pass it without being counted"],
    [["--soft"], "note", "are flagged, and not counted"],
  ] as const)(
    "says what a cost limit does with calls without a price (%j)",
    async (argv, verdict, words) => {
      const found = await yaml("dailyCostLimitMicroUsd: 5000000\n", argv)
      expect(found("cost")).toMatchObject([{ verdict }])
      expect(found("cost")[0]?.text).toContain(words)
    },
  )

  it("says that input is held in full while cache reads weigh less", async () => {
    expect((await yaml(""))("holds")).toMatchObject([{ verdict: "note" }])
    expect((await yaml("tokenWeights: { cacheRead: 1 }\n"))("holds")).toEqual([])
  })
})
