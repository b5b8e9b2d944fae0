/** What being inspected costs: processor time of the supervisor's thread for each usage report. */
import { once } from "node:events"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { setTimeout as pause } from "node:timers/promises"
import { Worker } from "node:worker_threads"
import { createActor, type InspectionEvent, SimulatedClock } from "xstate"
import { openBudget, supervisorMachine, windowAt } from "../../machines/index.ts"
import { openInspector } from "../../src/inspector/inspector.ts"
import { type BenchSupervisor, reportUsage, STARTED_AT, spawnAgent, UNLIMITED } from "./fleet.ts"
import { type BenchResult, median } from "./result.ts"

const FLEETS = [10, 1_000, 3_000]
const ROUNDS = 5
/** One round: a second at some 5,000 reports a second, with the inspector's own turns in between. */
const BURSTS = 10
const REPORTS_PER_BURST = 500
const BURST_MS = 100
/** Long enough for the largest fleet to be told to the viewer before anything is measured. */
const SETTLE_MS = 100

export const run = async (): Promise<readonly BenchResult[]> => {
  const { url, stop } = await startViewer()
  try {
    const results: BenchResult[] = []
    for (const agents of FLEETS) results.push(...(await costWith(agents, url)))
    return results
  } finally {
    await stop()
  }
}

const costWith = async (agents: number, url: string): Promise<readonly BenchResult[]> => {
  const inspector = await openInspector(url)
  const names = Array.from({ length: agents }, (_, index) => `agent-${index}`)
  const plain = fleetOf(names)
  const inspected = fleetOf(names, inspector.observe)
  await idle()
  const pairs: (readonly [number, number])[] = []
  for (let round = 0; round < ROUNDS; round += 1)
    pairs.push([await microsPerReport(plain, names), await microsPerReport(inspected, names)])
  plain.stop()
  inspected.stop()
  inspector.close()
  const added = median(pairs.map(([without, withIt]) => withIt - without))
  const ratio = median(pairs.map(([without, withIt]) => withIt / without))
  const fleet = `${agents} agents, 5,000 reports/s`
  return [
    { name: `inspection, ${fleet}: added per report`, value: added, unit: "µs" },
    { name: `inspection, ${fleet}: with ÷ without`, value: ratio, unit: "×" },
  ]
}

const fleetOf = (
  names: readonly string[],
  inspect?: (event: InspectionEvent) => void,
): BenchSupervisor => {
  const supervisor = createActor(supervisorMachine, {
    input: { budget: openBudget(UNLIMITED, windowAt(STARTED_AT, "UTC")), at: STARTED_AT },
    clock: new SimulatedClock(),
    ...(inspect === undefined ? {} : { inspect }),
  }).start()
  for (const name of names) spawnAgent(supervisor, name)
  return supervisor
}

const microsPerReport = async (
  supervisor: BenchSupervisor,
  names: readonly string[],
): Promise<number> => {
  const before = process.threadCpuUsage()
  for (let burst = 0; burst < BURSTS; burst += 1) {
    for (let report = 0; report < REPORTS_PER_BURST; report += 1)
      reportUsage(supervisor, names[report % names.length] ?? "", 7)
    await pause(BURST_MS)
  }
  const { user, system } = process.threadCpuUsage(before)
  return (user + system) / (BURSTS * REPORTS_PER_BURST)
}

/** Waits until this thread has next to nothing more to do. */
const idle = async (): Promise<void> => {
  for (;;) {
    const before = performance.eventLoopUtilization()
    await pause(SETTLE_MS)
    if (performance.eventLoopUtilization(before).utilization < 0.02) return
  }
}

const startViewer = async () => {
  const port = await freePort()
  const worker = new Worker(new URL("inspector-viewer.ts", import.meta.url), { workerData: port })
  await once(worker, "message")
  const url = `ws://127.0.0.1:${port}`
  for (;;) {
    const answered = await fetch(url.replace("ws", "http")).then(
      () => true,
      () => false,
    )
    if (answered) return { url, stop: () => worker.terminate() }
    await pause(SETTLE_MS)
  }
}

const freePort = async (): Promise<number> => {
  const server = createServer().listen(0, "127.0.0.1")
  await once(server, "listening")
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, "close")
  return port
}
