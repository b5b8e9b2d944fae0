/** How long a start takes on a ledger of ten thousand rows, and on one of a million. */
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { startSupervisor, virtualClock } from "../../src/index.ts"
import { STARTED_AT, UNLIMITED } from "./fleet.ts"
import { type BenchResult, median } from "./result.ts"

const FEW = 10_000
const MANY = 1_000_000
const ROUNDS = 5
const BATCH = 2_000

const open = (path: string) =>
  startSupervisor({ ledger: path, budget: UNLIMITED, clock: virtualClock(STARTED_AT) })

/** A ledger written by a supervisor as any other: one agent that reports, and its end. */
const write = async (path: string, rows: number): Promise<void> => {
  const supervisor = await open(path)
  const agent = await supervisor.spawn({
    taskId: "t",
    run: async ({ recordUsage, flush }) => {
      for (let row = 0; row < rows; row += 1) {
        recordUsage({ inputTokens: 3, outputTokens: 1 })
        if (row % BATCH === 0) await flush()
      }
    },
  })
  await agent.ended
  await supervisor.close()
}

const startMs = async (path: string): Promise<number> => {
  const started = performance.now()
  const supervisor = await open(path)
  const elapsed = performance.now() - started
  await supervisor.close()
  return elapsed
}

export const run = async (): Promise<readonly BenchResult[]> => {
  const folder = mkdtempSync(join(tmpdir(), "stint-bench-"))
  const [few, many] = [join(folder, "few.db"), join(folder, "many.db")]
  await write(few, FEW)
  await write(many, MANY)
  const pairs: (readonly [number, number])[] = []
  for (let round = 0; round < ROUNDS; round += 1)
    pairs.push([await startMs(many), await startMs(few)])
  rmSync(folder, { recursive: true })
  return [
    { name: "start on 10,000 rows", value: median(pairs.map(([, ms]) => ms)), unit: "ms" },
    { name: "start on 1,000,000 rows", value: median(pairs.map(([ms]) => ms)), unit: "ms" },
    {
      name: "restart: 1,000,000 rows ÷ 10,000",
      value: median(pairs.map(([a, b]) => a / b)),
      unit: "×",
      target: { atMost: 3 },
    },
  ]
}
