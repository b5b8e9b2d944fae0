import { execFileSync } from "node:child_process"
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Writable } from "node:stream"
import { expect, onTestFinished, test } from "vitest"
import type { CommandIo } from "../../../src/edges/cli/output.ts"
import { replayCommand } from "../../../src/edges/cli/replay.ts"

const FIXTURES = join(import.meta.dirname, "../../replay/fixtures/projects")
const ESCAPE = String.fromCharCode(27)

class Heard extends Writable {
  text = ""
  readonly isTTY: boolean

  constructor(isTTY: boolean) {
    super({ decodeStrings: false })
    this.isTTY = isTTY
  }

  override _write(chunk: string, _: string, done: () => void): void {
    this.text += chunk
    done()
  }
}

const emptyFolder = async (): Promise<string> => {
  const folder = await mkdtemp(join(tmpdir(), "stint-replay-"))
  onTestFinished(() => rm(folder, { recursive: true }))
  return folder
}

interface Given extends Partial<Pick<CommandIo, "cwd" | "columns">> {
  readonly env?: Record<string, string>
  readonly stdoutIsTTY?: boolean
  readonly stderrIsTTY?: boolean
}

const command = async (argv: readonly string[], given: Given = {}) => {
  const stdout = new Heard(given.stdoutIsTTY ?? false)
  const stderr = new Heard(given.stderrIsTTY ?? false)
  const status = await replayCommand(argv, {
    stdout,
    stderr,
    env: { HOME: "/nonexistent", ...given.env },
    cwd: given.cwd ?? (await emptyFolder()),
    columns: given.columns,
    isTTY: stdout.isTTY,
  })
  return { status, stdout: stdout.text, stderr: stderr.text }
}

test("the report goes to standard output, damaged lines are named on standard error", async () => {
  const { status, stdout, stderr } = await command([FIXTURES])
  expect(status).toBe(0)
  expect(stdout).toContain("6 calls by 4 agents in 4 files, 2026-03-01 10:00 to 12:00\n")
  expect(stdout).toContain("4 damaged lines skipped.")
  expect(stdout).not.toContain(ESCAPE)
  expect(stderr.split("\n")).toHaveLength(5)
  expect(stderr).toMatch(/^stint: .*1111.*\.jsonl:7: skipped: no JSON\n/)
})

test("limits that are reached are a finding, not a failure", async () => {
  const { status, stdout } = await command([
    FIXTURES,
    "--daily-token-limit",
    "1000",
    "--idle",
    "90",
  ])
  expect(status).toBe(0)
  expect(stdout).toContain("6 calls by 3 agents")
  expect(stdout).toContain("This budget would have stopped 1 agent")
})

test("--summary FILE writes the JSON beside the report", async () => {
  const cwd = await emptyFolder()
  const { stdout } = await command([FIXTURES, "--summary", "out.json"], { cwd })
  expect(stdout).toContain("stint replay")
  const summary = JSON.parse(await readFile(join(cwd, "out.json"), "utf8"))
  expect(summary).toMatchObject({ calls: 6, skippedLines: 4 })
})

test("--summary - leaves standard output to the JSON, and the report goes aside", async () => {
  const { stdout, stderr } = await command([FIXTURES, "--summary", "-"])
  expect(JSON.parse(stdout)).toMatchObject({ calls: 6, callsAllowed: 6 })
  expect(stderr).toContain("This budget would have let every call through")
})

test("without a PATH it reads the logs of Claude Code, wherever they are kept", async () => {
  const home = await emptyFolder()
  const place = join(home, ".claude", "projects")
  await mkdir(place, { recursive: true })
  const usage = `{"at":"2026-03-01T10:00:00Z","agentId":"a","inputTokens":5}\n`
  await writeFile(join(place, "a.jsonl"), usage)
  expect((await command([], { env: { HOME: home } })).stdout).toContain("1 call by 1 agent")
  const elsewhere = { CLAUDE_CONFIG_DIR: join(home, ".claude") }
  expect((await command([], { env: elsewhere })).stdout).toContain("1 call by 1 agent")
  const nowhere = await command([], { env: { CLAUDE_CONFIG_DIR: "/nonexistent" } })
  expect(nowhere.status).toBe(125)
  expect(nowhere.stderr).toContain("no PATH was given")
  expect(nowhere.stderr).toContain("/nonexistent/projects")
})

test("the budget comes from flags, then variables, then stint.yaml", async () => {
  const cwd = await emptyFolder()
  await writeFile(join(cwd, "stint.yaml"), "dailyTokenLimit: 3000\nperAgentTokenLimit: 4000\n")
  const env = { STINT_PER_AGENT_TOKEN_LIMIT: "5000", STINT_MAX_CONCURRENT_AGENTS: "7" }
  const flags = ["--max-concurrent-agents", "unlimited", "--soft", "--time-zone", "Asia/Tokyo"]
  const { stdout } = await command([FIXTURES, ...flags], { cwd, env })
  expect(stdout).toContain("3.00k a day · 5.00k an agent · no limit at once · 120 min each")
  expect(stdout).toContain("soft limits, Asia/Tokyo")
})

test.each([
  [
    ["--dialy-token-limit", "5"],
    "--dialy-token-limit: no such option; did you mean --daily-token-limit?",
  ],
  [["--frobnicate"], "--frobnicate: no such option; see stint replay --help"],
  [["--daily-token-limit=-4"], "--daily-token-limit: found -4"],
  [["--daily-token-limit", "5", "--daily-token-limit", "6"], "--daily-token-limit: found 5 and 6"],
  [["--idle", "x"], "--idle: found x"],
  [["--soft=yes"], "--soft"],
  [["--summary"], "--summary"],
  [["--summary", "a", "--summary", "b"], "--summary: expected it once"],
  [["--summary", "/nonexistent/out.json"], "/nonexistent is no folder that can be written to"],
  [["/nonexistent/logs"], "/nonexistent/logs: no such file or folder"],
])("%j fails before anything is read, and says why", async (argv, why) => {
  const { status, stdout, stderr } = await command([FIXTURES, ...argv])
  expect(status).toBe(125)
  expect(stdout).toBe("")
  expect(stderr).toContain(why)
  expect(stderr).not.toContain("skipped:")
})

test("every problem of a call is told at once", async () => {
  const { stderr } = await command(["--idle", "x", "--daily-token-limit", "y"])
  expect(stderr).toContain("--idle: found x")
  expect(stderr).toContain("--daily-token-limit: found y")
})

test("a folder without usage, and a CSV of something else, are told as such", async () => {
  const folder = await emptyFolder()
  const without = await command([folder])
  expect(without.status).toBe(125)
  expect(without.stderr).toContain(`stint: ${folder}: no usage found (0 files read).`)
  await writeFile(join(folder, "prices.csv"), "item,price\na,1\n")
  const prices = await command(["prices.csv"], { cwd: folder })
  expect(prices.status).toBe(125)
  expect(prices.stderr).toContain(
    'prices.csv: the header is "item,price"; expected the columns at,',
  )
})

test("a summary that cannot be written is a failure", async () => {
  const cwd = await emptyFolder()
  await mkdir(join(cwd, "taken"))
  const { status, stderr } = await command([FIXTURES, "--summary", "taken"], { cwd })
  expect(status).toBe(125)
  expect(stderr).toContain("taken: cannot be written (EISDIR)")
})

test("colour is for terminals, and for those who want it", async () => {
  const colours = async (given: Given) => {
    const { stdout } = await command([FIXTURES], given)
    return stdout.includes(ESCAPE)
  }
  expect(await colours({ stdoutIsTTY: true })).toBe(true)
  expect(await colours({ stdoutIsTTY: true, env: { NO_COLOR: "1" } })).toBe(false)
  expect(await colours({ stdoutIsTTY: true, env: { TERM: "dumb" } })).toBe(false)
  expect(await colours({ stdoutIsTTY: false })).toBe(false)
  expect(await colours({ env: { FORCE_COLOR: "1" } })).toBe(true)
  expect(await colours({ env: { FORCE_COLOR: "1", NO_COLOR: "1" } })).toBe(false)
})

test("the report is as wide as the terminal", async () => {
  const widest = async (columns: number) => {
    const { stdout } = await command([FIXTURES], { columns })
    return stdout.split("\n").find((line) => line.startsWith("DAY")) ?? ""
  }
  expect(await widest(80)).not.toContain("RAW")
  expect(await widest(150)).toContain("RAW")
})

test("progress is shown on a terminal and taken off again; elsewhere it is not written", async () => {
  const { stderr } = await command([FIXTURES], { stderrIsTTY: true, columns: 40 })
  const lines = stderr.split(`${ESCAPE}[K`)
  expect(lines.some((line) => line.includes("reading"))).toBe(true)
  expect(
    lines.flatMap((line) => line.split("\n")).filter((line) => /^\rreading.{40}/.test(line)),
  ).toEqual([])
  expect(stderr.endsWith(`\r${ESCAPE}[K`)).toBe(true)
  const quiet = await command([FIXTURES])
  expect(quiet.stderr).not.toContain("reading")
})

test("five damaged lines are named, the rest counted", async () => {
  const folder = await emptyFolder()
  const good = `{"at":"2026-03-01T10:00:00Z","agentId":"a","inputTokens":5}\n`
  await writeFile(join(folder, "a.jsonl"), good + `\u001b[31mnonsense\n`.repeat(9))
  const { stdout, stderr } = await command([folder])
  expect(stderr.match(/skipped: no JSON/g)).toHaveLength(5)
  expect(stderr).toContain("more lines are damaged, and only counted")
  expect(stdout).toContain("9 damaged lines skipped.")
  expect(stderr).not.toContain(ESCAPE)
})

test("a reader that has seen enough is no error", async () => {
  const stdout = new Writable({
    write: (_chunk, _encoding, done) => done(Object.assign(new Error("closed"), { code: "EPIPE" })),
  })
  const status = await replayCommand([FIXTURES, "--summary", "-"], {
    stdout,
    stderr: new Heard(false),
    env: {},
    cwd: await emptyFolder(),
    columns: 80,
    isTTY: false,
  })
  expect(status).toBe(0)
})

test("the command itself reads a pipe, and hands back what it found", () => {
  const line = `{"at":"2026-03-01T10:00:00Z","agentId":"a","inputTokens":5}`
  const bin = join(import.meta.dirname, "../../../src/bin.ts")
  const script = `echo "$1" | "$2" "$3" replay /dev/stdin --summary -`
  const shell = ["-c", script, "sh", line, process.execPath, bin]
  const json = execFileSync("sh", shell, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] })
  expect(JSON.parse(json)).toMatchObject({ calls: 1, tokens: { input: 5 } })
})

test("--help shows every option with its default", async () => {
  const { status, stdout } = await command(["--help"])
  expect(status).toBe(0)
  expect(stdout).toContain("Usage: stint replay")
  expect(stdout).toContain("--daily-token-limit TOKENS")
  expect(stdout).toContain("(default 10_000_000)")
  expect(stdout).toContain("--idle MINUTES")
  expect(stdout.split("\n").filter((line) => line.length > 80)).toEqual([])
})
