/** What a run needs while its command prints a million lines, beside ten thousand. */
import { spawn } from "node:child_process"
import { once } from "node:events"
import { mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { setTimeout as wait } from "node:timers/promises"
import { fileURLToPath } from "node:url"
import { type BenchResult, median } from "./result.ts"

const STINT = fileURLToPath(new URL("../../src/bin.ts", import.meta.url))
const FEW = 10_000
const MANY = 1_000_000
const ROUNDS = 3
const PLAIN = "reading the file, thinking about it, and writing it down again"
const METERED =
  '{"type":"stint.usage","inputTokens":3,"outputTokens":1,"model":"a line as a metered program prints it"}'

/** The most memory the run ever had, in MB, as the kernel counts it. */
const peakMb = async (line: string, lines: number, ledger: string): Promise<number> => {
  const child = spawn(
    process.execPath,
    [
      "--conditions=source",
      STINT,
      "run",
      "--ledger",
      ledger,
      "--per-agent-token-limit",
      "unlimited",
      "--daily-token-limit",
      "unlimited",
      "--",
      "sh",
      "-c",
      `yes '${line}' | head -n ${lines}`,
    ],
    { stdio: ["ignore", "ignore", "inherit"] },
  )
  let peakKb = 0
  let over = false
  once(child, "exit").then(() => {
    over = true
  })
  while (!over) {
    peakKb = Math.max(peakKb, highWaterKb(child.pid ?? 0))
    await wait(20)
  }
  return peakKb / 1024
}

const highWaterKb = (pid: number): number => {
  try {
    const status = readFileSync(`/proc/${pid}/status`, "utf8")
    return Number(/^VmHWM:\s+(\d+)/m.exec(status)?.[1] ?? 0)
  } catch {
    return 0
  }
}

export const run = async (): Promise<readonly BenchResult[]> => {
  const folder = mkdtempSync(join(tmpdir(), "stint-bench-"))
  const rounds: (readonly [plain: number, few: number, metered: number])[] = []
  for (let round = 0; round < ROUNDS; round += 1)
    rounds.push([
      await peakMb(PLAIN, MANY, join(folder, `plain-${round}.db`)),
      await peakMb(PLAIN, FEW, join(folder, `few-${round}.db`)),
      await peakMb(METERED, MANY, join(folder, `metered-${round}.db`)),
    ])
  rmSync(folder, { recursive: true })
  return [
    { name: "peak memory, 10,000 lines", value: median(rounds.map(([, few]) => few)), unit: "MB" },
    { name: "peak memory, 1,000,000 lines", value: median(rounds.map(([a]) => a)), unit: "MB" },
    {
      name: "memory: 1,000,000 lines ÷ 10,000",
      value: median(rounds.map(([plain, few]) => plain / few)),
      unit: "×",
      target: { atMost: 1.2 },
    },
    // Faster than any disk takes rows: what waits to be written is on top.
    {
      name: "peak memory, 1,000,000 usage lines at full speed",
      value: median(rounds.map(([, , metered]) => metered)),
      unit: "MB",
    },
  ]
}
