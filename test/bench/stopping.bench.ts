/** How soon a breach is answered, and what it costs to read along. */
import { spawn } from "node:child_process"
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { openMeter } from "../../src/edges/cli/agent-meter.ts"
import { startSupervisor } from "../../src/host/start.ts"
import type { Supervisor } from "../../src/host/supervisor.ts"
import { CommandLauncher } from "../../src/runners/command.ts"
import { commandRunner } from "../../src/runners/command-runner.ts"
import type { BenchResult } from "./result.ts"

export const run = async (): Promise<BenchResult[]> => [
  ...(await timeToStop(200, 3)),
  ...(await costOfReading(50, 5)),
]

/**
 * Says when it breaks its limit, and when it is asked to stop; both in nanoseconds of the clock.
 * It waits for a line that never comes: a child just forked may miss a signal, and this has none.
 */
const BREACHER = `
trap 'date +%s%N; exit 0' TERM
date +%s%N
echo '{"type":"stint.usage","inputTokens":100,"outputTokens":0}'
read -r never`

const NS_PER_MS = 1e6

interface Stop {
  readonly toTermMs: number
  readonly toReapedMs: number
}

const timeToStop = async (agents: number, atOnce: number): Promise<BenchResult[]> => {
  const supervisor = await startSupervisor({
    budget: { perAgentTokenLimit: 50, maxConcurrentAgents: atOnce, dailyTokenLimit: null },
  })
  const launcher = new CommandLauncher()
  const stops = await Promise.all(
    Array.from({ length: agents }, (_, index) =>
      stopOne(supervisor, launcher, `breacher-${index}`),
    ),
  )
  launcher.close()
  await supervisor.close()
  return [
    ...percentiles(
      "breach to SIGTERM",
      stops.map(({ toTermMs }) => toTermMs),
    ),
    ...percentiles(
      "breach to reaped",
      stops.map(({ toReapedMs }) => toReapedMs),
    ),
  ]
}

const stopOne = async (
  supervisor: Supervisor,
  launcher: CommandLauncher,
  taskId: string,
): Promise<Stop> => {
  let text = ""
  const agent = await supervisor.run({
    taskId,
    queue: true,
    runner: (admitted) =>
      commandRunner(launcher, {
        command: "sh",
        args: ["-c", BREACHER],
        cwd: "/",
        env: process.env,
        stdio: ["pipe", "pipe", "ignore"],
        onStarted: ({ stdout }) => {
          const meter = openMeter({
            ...{ name: "stint", agent: admitted, lead: null, prices: null },
            onUnreadable: () => {},
          })
          stdout?.on("data", (chunk: Buffer) => {
            text += chunk.toString("utf8")
            meter.read(chunk)
          })
        },
      }),
  })
  const { endedAt } = await agent.ended
  const [breachNs = Number.NaN, termNs = Number.NaN] = (text.match(/^\d{19}$/gm) ?? []).map(Number)
  return {
    toTermMs: (termNs - breachNs) / NS_PER_MS,
    toReapedMs: Date.parse(endedAt ?? "") - breachNs / NS_PER_MS,
  }
}

const percentiles = (name: string, values: readonly number[]): BenchResult[] => {
  const sorted = [...values].sort((a, b) => a - b)
  const at = (share: number): number =>
    sorted[Math.min(Math.ceil(sorted.length * share), sorted.length) - 1] ?? Number.NaN
  return [
    { name: `${name}, p50`, value: at(0.5), unit: "ms" },
    { name: `${name}, p99`, value: at(0.99), unit: "ms" },
  ]
}

const STINT = fileURLToPath(new URL("../../src/bin.ts", import.meta.url))
const LINES_EACH_S = 1_000
/** What `utime` and `stime` are counted in. */
const TICKS_PER_S = 100
const SAMPLE_EVERY_MS = 100

/** `stint run` on a plan whose agents print lines at a steady pace, as a share of one core. */
const costOfReading = async (agents: number, seconds: number): Promise<BenchResult[]> => {
  const folder = mkdtempSync(join(tmpdir(), "stint-bench-"))
  try {
    const plan = join(folder, "plan.yaml")
    const line = `{"type":"text","text":"${"word ".repeat(12)}"}\n`
    writeFileSync(join(folder, "half-a-second"), line.repeat(LINES_EACH_S / 2))
    const rounds = Array.from({ length: seconds * 2 }, () => "cat half-a-second; sleep 0.5")
    const each = (index: number) => ({ id: `a${index}`, command: rounds.join("; ") })
    const budget = { maxConcurrentAgents: agents }
    writeFileSync(
      plan,
      JSON.stringify({ budget, agents: Array.from({ length: agents }, (_, i) => each(i)) }),
    )
    const share = await cpuShareOf(folder, plan)
    return [
      { name: `CPU of ${agents} agents × 1,000 lines/s`, value: share * 100, unit: "% of a core" },
    ]
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

const cpuShareOf = async (folder: string, plan: string): Promise<number> => {
  const words = ["--no-warnings", "--conditions=source", STINT, "run"]
  const stint = spawn(process.execPath, [...words, "--ledger", join(folder, "ledger.db"), plan], {
    stdio: ["ignore", "pipe", "ignore"],
  })
  const samples: { readonly atMs: number; readonly cpuS: number }[] = []
  let timer: NodeJS.Timeout | undefined
  stint.stdout.resume()
  // From the first line on: what the start costs is another figure.
  stint.stdout.once("data", () => {
    timer = setInterval(() => {
      const cpuS = cpuSecondsOf(stint.pid ?? 0)
      if (cpuS !== null) samples.push({ atMs: performance.now(), cpuS })
    }, SAMPLE_EVERY_MS)
  })
  await new Promise((resolve) => stint.once("close", resolve))
  clearInterval(timer)
  const [first, last] = [samples.at(0), samples.at(-1)]
  if (first === undefined || last === undefined) return Number.NaN
  return (last.cpuS - first.cpuS) / ((last.atMs - first.atMs) / 1000)
}

/** Null once it has ended. */
const cpuSecondsOf = (pid: number): number | null => {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, "latin1")
      .replace(/^.*\) /s, "")
      .split(" ")
    return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_S
  } catch {
    return null
  }
}
