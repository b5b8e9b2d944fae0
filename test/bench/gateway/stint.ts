/**
 * Stint's gateway as a run has it, a process of its own: the real supervisor, its ledger in a file,
 * every limit set and out of reach, real prices, one agent admitted for all calls.
 */
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import pino from "pino"
import { DIALECTS } from "../../../src/gateway/dialects/dialects.ts"
import { openGateway } from "../../../src/gateway/gateway.ts"
import { startSupervisor } from "../../../src/host/start.ts"
import { openPriceBook } from "../../../src/pricing/open-price-book.ts"
import { attend, tell } from "./process.ts"

const OUT_OF_REACH = 1e15

const folder = mkdtempSync(join(tmpdir(), "gateway-bench-"))
const supervisor = await startSupervisor({
  ledger: join(folder, "ledger.db"),
  budget: {
    dailyTokenLimit: OUT_OF_REACH,
    perAgentTokenLimit: OUT_OF_REACH,
    dailyCostLimitMicroUsd: OUT_OF_REACH,
    perAgentCostLimitMicroUsd: OUT_OF_REACH,
  },
})
const baseUrl = `http://127.0.0.1:${process.argv[2]}`
const gateway = await openGateway({
  upstreams: [{ provider: "anthropic", baseUrl, key: "sk-of-the-bench", freePaths: [] }],
  dialects: DIALECTS,
  prices: () => openPriceBook(),
  log: pino({ level: "warn" }, pino.destination(2)),
})
const agent = await supervisor.spawn({
  taskId: "bench",
  run: ({ signal }) =>
    new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve())),
})
const { agentId, calls } = agent
const { key } = gateway.admit({ agentId, claims: "reserved", calls })

attend(async () => {
  await gateway.close()
  await agent.stop()
  await supervisor.close()
  rmSync(folder, { recursive: true, force: true })
})
tell({ port: gateway.port, said: { key } })
