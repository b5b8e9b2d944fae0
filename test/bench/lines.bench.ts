/**
 * What a run needs while its command prints a million lines, beside fewer: the command as built, its
 * peak as the kernel counts it, and what is left after a collection, while the command still lives.
 */
import { type ChildProcess, execFileSync, spawn } from "node:child_process"
import { once } from "node:events"
import { mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { Readable } from "node:stream"
import { fileURLToPath } from "node:url"
import { type BenchResult, median } from "./result.ts"

const ROOT = fileURLToPath(new URL("../../", import.meta.url))
/**
 * Loaded before the command: told to, it collects what is garbage and answers with what is left, in
 * bytes. As JavaScript: reading TypeScript takes Node ten MB. Being asked is no reason to stay.
 */
const COLLECTING = `data:text/javascript,${encodeURIComponent(`
  process.on("message", () => {
    gc()
    const { heapUsed, arrayBuffers } = process.memoryUsage()
    process.send(heapUsed + arrayBuffers)
  })
  process.channel.unref()`)}`
const ROUNDS = 3
const MANY = 1_000_000
const NEWLINE = 0x0a

interface Output {
  readonly name: string
  /** Prints so many lines. */
  readonly print: (lines: number) => string
  readonly few: number
}

const PLAIN: Output = {
  name: "lines",
  print: (lines) =>
    `yes 'reading the file, thinking about it, and writing it down again' | head -n ${lines}`,
  few: 10_000,
}

/**
 * Faster than any agent calls a model. By 100,000 of them V8's young generation, which grows with
 * what passes it, and SQLite's cache, which grows with the file, have the size they keep.
 */
const METERED: Output = {
  name: "usage lines",
  print: (lines) =>
    `seq -f '{"type":"stint.usage","id":"call-%.0f","inputTokens":3,"outputTokens":1,"model":"m"}' ${lines}`,
  few: 100_000,
}

interface Need {
  /** The most memory the run ever had. */
  readonly peakMb: number
  /** What is in use once garbage is collected. */
  readonly leftMb: number
}

const needOf = async ({ print }: Output, lines: number, folder: string): Promise<Need> => {
  const ledger = join(mkdtempSync(join(folder, "run-")), "stint.db")
  const limits = ["--per-agent-token-limit", "unlimited", "--daily-token-limit", "unlimited"]
  const stint = ["run", "--ledger", ledger, ...limits, "--", "sh", "-c", `${print(lines)}; read _`]
  const child = spawn(
    process.execPath,
    ["--expose-gc", "--import", COLLECTING, join(ROOT, "dist/command/bin.js"), ...stint],
    { stdio: ["pipe", "pipe", "ignore", "ipc"], env: { ...process.env, XDG_CACHE_HOME: folder } },
  )
  const exited = once(child, "exit")
  await hasPrinted(child.stdout, lines)
  const peakMb = highWaterKb(child) / 1024
  child.send("collect")
  const [left] = await once(child, "message")
  child.stdin?.end()
  const [status] = await exited
  // `read` finds no line.
  if (status !== 1) throw new Error(`the run of ${lines} lines ended with status ${status}`)
  return { peakMb, leftMb: Number(left) / 2 ** 20 }
}

/** Reads on after that, so that nobody waits for us. */
const hasPrinted = (output: Readable | null, lines: number): Promise<void> =>
  new Promise((resolve) => {
    let left = lines
    output?.on("data", (chunk: Buffer) => {
      for (const byte of chunk) if (byte === NEWLINE) left -= 1
      if (left === 0) resolve()
    })
  })

const highWaterKb = ({ pid }: ChildProcess): number =>
  Number(/^VmHWM:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1])

const resultsOf = (
  { name, few }: Output,
  rounds: readonly { readonly few: Need; readonly many: Need }[],
): readonly BenchResult[] => {
  const fewer = few.toLocaleString("en-US")
  const many = MANY.toLocaleString("en-US")
  const figures = (what: string, of: (need: Need) => number): readonly BenchResult[] => [
    { name: `${what}, ${fewer} ${name}`, value: median(rounds.map((r) => of(r.few))), unit: "MB" },
    { name: `${what}, ${many} ${name}`, value: median(rounds.map((r) => of(r.many))), unit: "MB" },
    {
      name: `${what}: ${many} ${name} ÷ ${fewer}`,
      value: median(rounds.map((r) => of(r.many) / of(r.few))),
      unit: "×",
      target: { atMost: 1.2 },
    },
  ]
  return [
    ...figures("peak memory", ({ peakMb }) => peakMb),
    ...figures("left after a collection", ({ leftMb }) => leftMb),
  ]
}

export const run = async (): Promise<readonly BenchResult[]> => {
  execFileSync("npm", ["run", "build"], { cwd: ROOT, stdio: "ignore" })
  const folder = mkdtempSync(join(tmpdir(), "stint-bench-"))
  // The first fills the cache of compiled code.
  await needOf(PLAIN, 1, folder)
  const results: BenchResult[] = []
  for (const output of [PLAIN, METERED]) {
    const rounds: { readonly few: Need; readonly many: Need }[] = []
    for (let round = 0; round < ROUNDS; round += 1)
      rounds.push({
        few: await needOf(output, output.few, folder),
        many: await needOf(output, MANY, folder),
      })
    results.push(...resultsOf(output, rounds))
  }
  rmSync(folder, { recursive: true })
  return results
}
