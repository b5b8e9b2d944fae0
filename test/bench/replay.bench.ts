/** A replay takes as much memory for 200 MB of logs as for 20, and little of it. */
import { execFileSync } from "node:child_process"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { writeLogs } from "./replay-logs.ts"
import type { BenchResult } from "./result.ts"

const MB = 1_000_000
const FEW = 20 * MB
const MANY = 200 * MB
/** The child dies if it keeps what it reads. */
const HEAP_MIB = 48

interface Told {
  readonly callsAllowed: number
  readonly elapsedMs: number
  readonly peakKiB: number
}

const replayed = (bytes: number): Told => {
  const folder = mkdtempSync(join(tmpdir(), "stint-replay-bench-"))
  try {
    const calls = writeLogs(folder, bytes)
    const child = join(import.meta.dirname, "replay-child.ts")
    const args = [`--max-old-space-size=${HEAP_MIB}`, child, folder]
    const told: Told = JSON.parse(execFileSync(process.execPath, args, { encoding: "utf8" }))
    if (told.callsAllowed !== calls)
      throw new Error(`replayed ${told.callsAllowed} calls of ${calls}`)
    return told
  } finally {
    rmSync(folder, { recursive: true })
  }
}

export const run = (): readonly BenchResult[] => {
  const few = replayed(FEW)
  const many = replayed(MANY)
  return [
    { name: "replay of 200 MB of logs", value: MANY / MB / (many.elapsedMs / 1000), unit: "MB/s" },
    { name: "replay, peak memory", value: many.peakKiB / 1024, unit: "MiB" },
    {
      name: "replay memory: 200 MB ÷ 20 MB",
      value: many.peakKiB / few.peakKiB,
      unit: "×",
      target: { atMost: 1.5 },
    },
  ]
}
