/**
 * What the gateway costs a call: beside no proxy, the barest proxy there can be, and Portkey's gateway
 * where it is installed. Full metering: every hold durable in a ledger in a file before its call leaves.
 *
 * Portkey is no dependency of Stint: `npm install --prefix test/bench/peers`, or set `BENCH_PEERS` to
 * a folder with its `node_modules`. It works only with the versions of hono that are pinned there.
 */
import { closeSync, existsSync, fsyncSync, mkdtempSync, openSync, rmSync, writeSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import type { IdleJob, IdleResult, LoadJob, LoadResult } from "./gateway/client.ts"
import type { Shape, Size } from "./gateway/messages.ts"
import { BenchProcess, type ProcessState } from "./gateway/process.ts"
import { type BenchResult, median } from "./result.ts"

const ROUNDS = 5
const FOR_MS = 700
const WARM_UP_MS = 300
/** A gateway runs for days: by then its code has been compiled, which takes some ten thousand calls. */
const FIRST_WARM_UP_MS = 3_000
const COLD_CALLS = 300
/** Between two calls on one connection the disk rests; one that rests takes longer. */
const DISK_PAUSE_MS = 2
const SHAPES: readonly Shape[] = ["JSON", "SSE"]
const SIZES: readonly Size[] = ["700 B", "88 KB"]
const CONNECTIONS = [1, 32] as const

/** Of the bare proxy's calls; and what the gateway may add beside one fsync, on one connection. */
const LEAST_SHARE = 0.5
const MOST_ADDED_MS = 0.3
const FIRST_CALLS = 10_000
const ALL_CALLS = 100_000
/** On a machine that is busy with something else, fewer calls do. */
const MEMORY_MS = 60_000
const FLAT = 1.2
const IDLE = 10_000
/** The gateway's own bound, `connectionsMax`. */
const IDLE_MAX = 1_024

interface Target {
  readonly name: "direct" | "bare proxy" | "Stint" | "Portkey"
  readonly port: number
  readonly headers: readonly string[]
}

interface Cell {
  readonly shape: Shape
  readonly size: Size
  readonly connections: number
  readonly isPaced: boolean
}

interface Measured extends LoadResult {
  readonly target: Target["name"]
  readonly fsyncMs: number
}

export const run = async (): Promise<BenchResult[]> => {
  const folder = mkdtempSync(join(tmpdir(), "gateway-bench-"))
  const model = new BenchProcess("model")
  const { port } = await model.started()
  const client = new BenchProcess("client")
  const bare = new BenchProcess("bare-proxy", String(port))
  const stint = new BenchProcess("stint", String(port))
  const portkey = portkeyIn(process.env.BENCH_PEERS ?? PEERS)
  const started = [client, model, bare, stint, ...(portkey === null ? [] : [portkey])]
  try {
    await client.started()
    const targets = await targetsOf(port, bare, stint, portkey)
    const disk = new Disk(folder)
    const cold = await coldOf(client, targets)
    const results = await measure(client, targets, disk)
    disk.close()
    return [...cold, ...results, ...(await memoryOf(client, stint, targets))]
  } finally {
    await Promise.all(started.map((each) => each.end()))
    rmSync(folder, { recursive: true, force: true })
  }
}

const PEERS = fileURLToPath(new URL("./peers", import.meta.url))

const portkeyIn = (peers: string): BenchProcess | null => {
  const server = join(peers, "node_modules/@portkey-ai/gateway/build/start-server.js")
  if (existsSync(server)) return new BenchProcess("portkey", server)
  process.stderr.write(
    `  Portkey's gateway is not in ${peers}, so it is left out: npm install --prefix test/bench/peers\n`,
  )
  return null
}

const targetsOf = async (
  modelPort: number,
  bare: BenchProcess,
  stint: BenchProcess,
  portkey: BenchProcess | null,
): Promise<readonly Target[]> => {
  const own = ["x-api-key: sk-of-the-bench"]
  const stinted = await stint.started()
  const targets: Target[] = [
    { name: "direct", port: modelPort, headers: own },
    { name: "bare proxy", port: (await bare.started()).port, headers: own },
    { name: "Stint", port: stinted.port, headers: [`x-api-key: ${stinted.said.key}`] },
  ]
  if (portkey === null) return targets
  const routed = [
    "x-portkey-provider: anthropic",
    `x-portkey-custom-host: http://127.0.0.1:${modelPort}/v1`,
  ]
  const { port } = await portkey.started()
  return [...targets, { name: "Portkey", port, headers: [...own, ...routed] }]
}

/** A row's worth of bytes to the disk the ledger is on, and until it says that it has them. */
class Disk {
  private readonly file: number

  constructor(folder: string) {
    this.file = openSync(join(folder, "fsync"), "w")
  }

  async fsyncMs(times = 21): Promise<number> {
    const page = Buffer.alloc(4_096, 7)
    const taken: number[] = []
    while (taken.length < times) {
      await new Promise((resolve) => setTimeout(resolve, DISK_PAUSE_MS))
      const startedAt = performance.now()
      writeSync(this.file, page)
      fsyncSync(this.file)
      taken.push(performance.now() - startedAt)
    }
    return median(taken)
  }

  close(): void {
    closeSync(this.file)
  }
}

const loadOf = ({ port, headers }: Target, cell: Cell, bounds: Pick<LoadJob, "forMs" | "calls">) =>
  ({ ...cell, port, headers, ...bounds }) satisfies LoadJob

/** What the first callers of a process get, before anything is compiled; then it is warmed up. */
const coldOf = async (
  client: BenchProcess,
  targets: readonly Target[],
): Promise<readonly BenchResult[]> => {
  const results: BenchResult[] = []
  for (const target of targets) {
    const first: Cell = { shape: "JSON", size: "700 B", connections: 1, isPaced: false }
    const job = loadOf(target, first, { calls: COLD_CALLS, forMs: FIRST_WARM_UP_MS })
    const { medianUs } = await client.do<LoadResult>(job)
    const name = `${nameOf(first)}, the first ${COLD_CALLS} calls: ${target.name}`
    results.push({ name, value: medianUs / 1_000, unit: "ms" })
    for (const cell of CELLS.filter(({ connections }) => connections > 1))
      await client.do<LoadResult>(loadOf(target, cell, { calls: ANY, forMs: FIRST_WARM_UP_MS }))
  }
  return results
}

const ANY = Number.MAX_SAFE_INTEGER

const CELLS: readonly Cell[] = SIZES.flatMap((size) =>
  SHAPES.flatMap((shape) =>
    CONNECTIONS.map((connections) => ({ shape, size, connections, isPaced: false })),
  ),
)

const measure = async (
  client: BenchProcess,
  targets: readonly Target[],
  disk: Disk,
): Promise<readonly BenchResult[]> => {
  const paced = SIZES.map((size): Cell => ({ shape: "SSE", size, connections: 1, isPaced: true }))
  const results: BenchResult[] = []
  for (const cell of [...CELLS, ...paced]) {
    const measured = await roundsOf(client, targets, cell, disk)
    results.push(...(cell.isPaced ? firstByteOf(cell, measured) : resultsOf(cell, measured)))
  }
  return results
}

/** All targets in turn, so that whatever else the machine does disturbs all of them. */
const roundsOf = async (
  client: BenchProcess,
  targets: readonly Target[],
  cell: Cell,
  disk: Disk,
): Promise<readonly (readonly Measured[])[]> => {
  const measureOne = async (target: Target, forMs: number): Promise<Measured> => {
    const result = await client.do<LoadResult>(loadOf(target, cell, { forMs, calls: ANY }))
    if (result.failed > 0) throw new Error(`${target.name}: ${result.failed} calls failed`)
    return { ...result, target: target.name, fsyncMs: await disk.fsyncMs() }
  }
  for (const target of targets) await measureOne(target, WARM_UP_MS)
  const rounds: Measured[][] = []
  for (let round = 0; round < ROUNDS; round += 1) {
    const inRound: Measured[] = []
    for (const target of targets) inRound.push(await measureOne(target, FOR_MS))
    rounds.push(inRound)
  }
  return rounds
}

type Rounds = readonly (readonly Measured[])[]

/** The median over the rounds of what one round's measurements come to. */
const overRounds = (
  rounds: Rounds,
  of: (by: (name: Target["name"]) => Measured | undefined) => number,
): number => median(rounds.map((round) => of((name) => round.find((m) => m.target === name))))

const nameOf = ({ size, shape, connections }: Cell): string =>
  `${size} ${shape}, ${connections} connection${connections === 1 ? "" : "s"}`

const resultsOf = (cell: Cell, rounds: Rounds): readonly BenchResult[] => {
  const name = nameOf(cell)
  const rate = (target: Target["name"]): number =>
    overRounds(rounds, (by) => by(target)?.perSecond ?? Number.NaN)
  const ratio = (other: Target["name"]): number =>
    overRounds(rounds, (by) => (by("Stint")?.perSecond ?? 0) / (by(other)?.perSecond ?? Number.NaN))
  const names: readonly Target["name"][] = ["direct", "bare proxy", "Portkey", "Stint"]
  const there = names.filter((each) => rounds[0]?.some(({ target }) => target === each))
  const toBare = { name: `${name}: Stint ÷ bare proxy`, value: ratio("bare proxy"), unit: "×" }
  const target = { target: { atLeast: LEAST_SHARE } }
  return [
    ...there.map((each) => ({ name: `${name}: ${each}`, value: rate(each), unit: "calls/s" })),
    { ...toBare, ...(cell.connections > 1 ? target : {}) },
    ...(there.includes("Portkey")
      ? [
          {
            name: `${name}: Stint ÷ Portkey`,
            value: ratio("Portkey"),
            unit: "×",
            target: { atLeast: 1 },
          },
        ]
      : []),
    ...(cell.connections === 1 ? latencyOf(name, rounds) : []),
  ]
}

const latencyOf = (name: string, rounds: Rounds): readonly BenchResult[] => {
  const ms = (target: Target["name"]): number =>
    overRounds(rounds, (by) => (by(target)?.medianUs ?? Number.NaN) / 1_000)
  const fsyncMs = median(rounds.flat().map((each) => each.fsyncMs))
  return [
    { name: `${name}: bare proxy adds`, value: ms("bare proxy") - ms("direct"), unit: "ms" },
    { name: `${name}: Stint adds`, value: ms("Stint") - ms("direct"), unit: "ms" },
    { name: `${name}: one fsync`, value: fsyncMs, unit: "ms" },
    {
      name: `${name}: Stint's beyond the bare proxy's and an fsync`,
      value: ms("Stint") - ms("bare proxy") - fsyncMs,
      unit: "ms",
      target: { atMost: MOST_ADDED_MS },
    },
  ]
}

/**
 * The words after the first come milliseconds later; metering must not wait for them. On its way to the
 * model a call waits for its hold, which is told with the latencies; on its way back for nothing.
 */
const firstByteOf = (cell: Cell, rounds: Rounds): readonly BenchResult[] => {
  const name = `${cell.size} SSE, word by word`
  const backMs = (target: Target["name"]): number =>
    overRounds(rounds, (by) => (by(target)?.wayBackUs ?? Number.NaN) / 1_000)
  const firstMs = (target: Target["name"]): number =>
    overRounds(rounds, (by) => (by(target)?.firstByteUs ?? Number.NaN) / 1_000)
  const fsyncMs = median(rounds.flat().map((each) => each.fsyncMs))
  return [
    { name: `${name}: first byte, direct`, value: firstMs("direct"), unit: "ms" },
    { name: `${name}: first byte, bare proxy`, value: firstMs("bare proxy"), unit: "ms" },
    { name: `${name}: first byte, Stint`, value: firstMs("Stint"), unit: "ms" },
    {
      name: `${name}: first byte beyond the bare proxy's and an fsync`,
      value: firstMs("Stint") - firstMs("bare proxy") - fsyncMs,
      unit: "ms",
      target: { atMost: MOST_ADDED_MS },
    },
    { name: `${name}: its way back, direct`, value: backMs("direct"), unit: "ms" },
    { name: `${name}: its way back, bare proxy`, value: backMs("bare proxy"), unit: "ms" },
    { name: `${name}: its way back, Stint`, value: backMs("Stint"), unit: "ms" },
    {
      name: `${name}: its way back beyond the bare proxy's`,
      value: backMs("Stint") - backMs("bare proxy"),
      unit: "ms",
      target: { atMost: MOST_ADDED_MS },
    },
  ]
}

const memoryOf = async (
  client: BenchProcess,
  stint: BenchProcess,
  targets: readonly Target[],
): Promise<readonly BenchResult[]> => {
  const target = targets.find(({ name }) => name === "Stint")
  if (target === undefined) return []
  let made = 0
  const after = async (calls: number): Promise<ProcessState> => {
    const { port, headers } = target
    const shape = { shape: "SSE", size: "700 B", isPaced: false, connections: 32 } as const
    const job: LoadJob = { ...shape, port, headers, calls, forMs: MEMORY_MS }
    made += (await client.do<LoadResult>(job)).calls
    return stint.state()
  }
  const few = await after(FIRST_CALLS)
  const many = await after(ALL_CALLS - FIRST_CALLS)
  return [
    ...memoryResults("the first calls", few),
    ...memoryResults("all calls", many),
    { name: "calls made in all", value: made, unit: "" },
    {
      name: "heap after all calls ÷ after the first",
      value: many.heapBytes / few.heapBytes,
      unit: "×",
      target: { atMost: FLAT },
    },
    {
      name: "RSS after all calls ÷ after the first",
      value: many.rssBytes / few.rssBytes,
      unit: "×",
      target: { atMost: FLAT },
    },
    ...(await idleOf(client, stint, target, many)),
  ]
}

/** A thousand connections close one after the other: asked again until they have, or have had their time. */
const settled = async (stint: BenchProcess): Promise<ProcessState> => {
  let state = await stint.state()
  for (let asked = 0; state.sockets > LEFT_MAX && asked < 50; asked += 1) {
    await new Promise((resolve) => setTimeout(resolve, 100))
    state = await stint.state()
  }
  return state
}

const LEFT_MAX = 64

const MIB = 2 ** 20

const memoryResults = (
  when: string,
  { heapBytes, rssBytes }: ProcessState,
): readonly BenchResult[] => [
  { name: `heap after ${when}`, value: heapBytes / MIB, unit: "MiB" },
  { name: `RSS after ${when}`, value: rssBytes / MIB, unit: "MiB" },
]

const idleOf = async (
  client: BenchProcess,
  stint: BenchProcess,
  { port }: Target,
  before: ProcessState,
): Promise<readonly BenchResult[]> => {
  const { opened, stayed } = await client.do<IdleResult>({ port, idle: IDLE } satisfies IdleJob)
  const during = await stint.state()
  await client.do("closeIdle")
  const afterwards = await settled(stint)
  return [
    { name: "idle connections opened", value: opened, unit: "" },
    {
      name: "idle connections that stay",
      value: stayed,
      unit: "",
      target: { atMost: IDLE_MAX },
    },
    {
      name: "heap with them",
      value: (during.heapBytes - before.heapBytes) / MIB,
      unit: "MiB more",
    },
    { name: "RSS with them", value: (during.rssBytes - before.rssBytes) / MIB, unit: "MiB more" },
    {
      name: "connections left once they are closed",
      value: afterwards.sockets,
      unit: "",
      target: { atMost: LEFT_MAX },
    },
  ]
}
