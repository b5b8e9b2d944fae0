/**
 * The agent programs themselves, as their profiles start them, against a model on the loopback. Each
 * has a home with credentials of its own and settings that lead elsewhere: none of them may be used,
 * and none may be changed. What is not installed is skipped, and said.
 */
import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { homedir, tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from "vitest"
import { openOwnAccount } from "../../../src/meters/own-account.ts"
import { commandLineOf, environmentOf, launchOf } from "../../../src/runners/profiles/launch.ts"
import { prepareLaunch, systemDisk } from "../../../src/runners/profiles/launch-folder.ts"
import type { Launch, Situation } from "../../../src/runners/profiles/profile.ts"
import { counts } from "../../meters/printed.ts"
import { eventually, isAlive } from "../proc-reader.ts"
import { REAL_AGENTS, type RealAgent } from "./real-agents.ts"
import { type ScriptedModel, startScriptedModel } from "./scripted-model.ts"

/** Gemini CLI reads no settings where others may write above them. */
const PLACE =
  [homedir(), tmpdir()].find((folder) => !systemDisk.isWorldWritable(folder)) ?? tmpdir()

const ELSEWHERE = "http://127.0.0.1:9/elsewhere"
const LEADING = { env: { ANTHROPIC_BASE_URL: ELSEWHERE, ANTHROPIC_API_KEY: "real-settings" } }
const SIGN_IN = {
  claudeAiOauth: { accessToken: "real-oauth", refreshToken: "real-refresh", expiresAt: 4e12 },
}

/** What a user may have at home. */
const PLANTED: Readonly<Record<string, string>> = {
  ".claude/.credentials.json": JSON.stringify(SIGN_IN),
  ".claude/settings.json": JSON.stringify(LEADING),
  ".codex/auth.json": JSON.stringify({ OPENAI_API_KEY: "real-codex" }),
  ".codex/config.toml": `model_provider = "mine"\n[model_providers.mine]\nname = "mine"\nbase_url = "${ELSEWHERE}"\nenv_key = "OPENAI_API_KEY"\nwire_api = "responses"\n`,
  ".gemini/settings.json": JSON.stringify({
    security: { auth: { selectedType: "oauth-personal" } },
  }),
  ".gemini/.env": "GEMINI_API_KEY=real-dotenv\nGOOGLE_GENAI_USE_VERTEXAI=true\n",
  ".local/share/opencode/auth.json": JSON.stringify({
    anthropic: { type: "api", key: "real-opencode" },
  }),
  ".pi/agent/auth.json": JSON.stringify({ anthropic: { type: "api_key", key: "real-pi" } }),
  ".pi/agent/settings.json": JSON.stringify({ theme: "dark", lastChangelogVersion: "99.0.0" }),
  ".pi/agent/sessions/.keep": "",
  "work/opencode.json": JSON.stringify({
    $schema: "https://opencode.ai/config.json",
    provider: { anthropic: { options: { baseURL: ELSEWHERE, apiKey: "real-project" } } },
  }),
}

const REAL_VARIABLES = {
  ANTHROPIC_AUTH_TOKEN: "real-token",
  ANTHROPIC_API_KEY: "real-key",
  OPENAI_API_KEY: "real-key",
  GEMINI_API_KEY: "real-key",
  GOOGLE_API_KEY: "real-key",
  CLAUDE_CODE_USE_BEDROCK: "1",
}

interface Lab {
  readonly launch: Launch
  readonly situation: Situation
  readonly child: ChildProcess
  readonly exited: Promise<{ readonly exitCode: number | null; readonly signal: string | null }>
  readonly stdout: () => Buffer
  readonly stderr: () => string
}

/** Some look for the world first, and wait for it. */
const WITHIN_MS = 300_000

let model: ScriptedModel

beforeAll(async () => {
  model = await startScriptedModel()
})
afterAll(() => model.close())
beforeEach(() => {
  model.script.toolCalls = 2
})

const homeOf = (): string => {
  const home = mkdtempSync(join(PLACE, ".stint-agents-"))
  onTestFinished(() => rmSync(home, { recursive: true, force: true, maxRetries: 5 }))
  for (const [path, text] of Object.entries(PLANTED)) {
    mkdirSync(dirname(join(home, path)), { recursive: true })
    writeFileSync(join(home, path), text)
  }
  mkdirSync(join(home, "tmp"))
  return home
}

const situationOf = (agent: RealAgent, home: string, name: string): Situation => ({
  gateway: `${model.address}/a/${name}`,
  keys: { anthropic: "agent-key", openai: "agent-key", google: "agent-key" },
  command: [agent.file ?? "", ...agent.args],
  env: {
    ...REAL_VARIABLES,
    HOME: home,
    TMPDIR: join(home, "tmp"),
    TERM: "dumb",
    PATH: `${dirname(process.execPath)}:${process.env.PATH}`,
  },
  home,
  cwd: join(home, "work"),
  platform: process.platform,
  mustBeBounded: true,
  folder: join(home, "private", "1"),
  disk: systemDisk,
})

const start = (agent: RealAgent, name: string): Lab => {
  const situation = situationOf(agent, homeOf(), name)
  const launch = launchOf(agent.name as Exclude<typeof agent.name, "generic">, situation)
  if (launch === null) throw new Error("no launch")
  const prepared = prepareLaunch(launch, situation.folder)
  if (!("prepared" in prepared)) throw new Error(prepared.message)
  onTestFinished(prepared.dispose)
  const [program, ...args] = commandLineOf(launch, situation.command)
  const child = spawn(program, args, {
    cwd: situation.cwd,
    env: { ...environmentOf(launch, situation.env) },
    stdio: ["ignore", "pipe", "pipe"],
  })
  onTestFinished(() => {
    child.kill("SIGKILL")
  })
  const stdout: Buffer[] = []
  let stderr = ""
  child.stdout?.on("data", (chunk: Buffer) => stdout.push(chunk))
  child.stderr?.on("data", (chunk: Buffer) => {
    stderr += chunk
  })
  return {
    launch,
    situation,
    child,
    exited: once(child, "exit").then(([exitCode, signal]) => ({ exitCode, signal })),
    stdout: () => Buffer.concat(stdout),
    stderr: () => stderr,
  }
}

const servedFor = (name: string) =>
  model.served.filter(({ path }) => path.startsWith(`/a/${name}/`))

describe.each(REAL_AGENTS)("$name", (agent) => {
  const { file, name } = agent
  const canTry = file !== null && (name !== "gemini" || !systemDisk.isWorldWritable(PLACE))

  test.skipIf(file !== null)("is not installed (STINT_AGENTS_DIR) and was not tried", () => {})

  test.runIf(canTry)(
    "calls through the gateway with its own key, and accounts rightly",
    async () => {
      model.script.command = "echo hello"
      const before = model.served.length
      const lab = start(agent, name)
      const closed = once(lab.child, "close")
      expect(lab.launch.claim).toEqual({ enforcement: "reserved", because: [] })
      expect(await lab.exited, lab.stderr()).toEqual({ exitCode: 0, signal: null })
      await closed
      const served = servedFor(name)
      expect(model.served.slice(before)).toEqual(served)
      expect(served.filter(({ isModelCall }) => isModelCall)).toHaveLength(agent.calls)
      const shown = served.map(({ headers }) =>
        [headers["x-api-key"], headers["x-goog-api-key"], headers.authorization].filter(Boolean),
      )
      const own = agent.vendor === "openai" ? "Bearer agent-key" : "agent-key"
      expect(shown).toEqual(served.map(() => [own]))
      expect(JSON.stringify(served.map(({ headers }) => headers))).not.toContain("real-")
      const account = openOwnAccount(agent.meter)
      account.push(lab.stdout())
      const { usage, isComplete } = account.end()
      expect(counts(usage)).toEqual(agent.accounts)
      expect(isComplete).toBe(name !== "opencode")
      for (const [path, text] of Object.entries(PLANTED))
        expect(readFileSync(join(lab.situation.home, path), "utf8"), path).toBe(text)
    },
  )

  test.runIf(canTry)(
    "ends at its signal while a tool runs, and leaves what is known",
    async () => {
      const lab = start(agent, `${name}-stopped`)
      const pidFile = join(lab.situation.home, "tool.pid")
      model.script.command = `tail -f /dev/null & echo $! > ${pidFile}; wait`
      const tool = await eventually(
        () => existsSync(pidFile) && Number(readFileSync(pidFile, "utf8")),
        WITHIN_MS / 2,
        lab.stderr,
      )
      onTestFinished(() => {
        if (isAlive(tool)) process.kill(tool, "SIGKILL")
      })
      lab.child.kill(lab.launch.stopSignal)
      const { mayLeaveTools, ...ended } = agent.ended
      expect(await lab.exited, lab.stderr()).toEqual(ended)
      if (!mayLeaveTools) await eventually(() => !isAlive(tool), 10_000)
    },
    WITHIN_MS,
  )
})
