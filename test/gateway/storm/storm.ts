/**
 * One storm: the real gateway and the real supervisor between two hundred clients and a model server
 * that keeps its own bill. What is left when all is quiet is what the check judges.
 */
import { join } from "node:path"
import pino from "pino"
import type { Row } from "../../../machines/budget/row.ts"
import type { Summary } from "../../../machines/budget/summary.ts"
import { DIALECTS } from "../../../src/gateway/dialects/dialects.ts"
import { openGateway } from "../../../src/gateway/gateway.ts"
import type { MeteredAgent } from "../../../src/gateway/metered-agent.ts"
import type { Agent } from "../../../src/host/agent.ts"
import { startSupervisor } from "../../../src/host/start.ts"
import type { Supervisor } from "../../../src/host/supervisor.ts"
import type { LedgerService } from "../../../src/ledger/ledger.ts"
import { makeMemoryLedger } from "../../../src/ledger/memory.ts"
import { openSqliteLedger } from "../../../src/ledger/sqlite.ts"
import { type FunctionLife, functionRunner } from "../../../src/runners/function.ts"
import { PRICES, REAL_KEY, upstreamsAt } from "../gateway-world.ts"
import { type ModelServer, type ServedCall, startModelServer } from "../model-server.ts"
import { behaviourIn, runClients, type Seen } from "./clients.ts"
import { type AgentPlan, type StormPlan, turns } from "./plan.ts"
import { textBytes } from "./requests.ts"

export interface Aftermath {
  readonly plan: StormPlan
  readonly summary: Summary
  readonly rows: readonly Row[]
  /** The provider's own count. */
  readonly served: readonly ServedCall[]
  readonly seen: Seen
  /** What could be seen while it raged that must not be: bounds that broke, logged errors. */
  readonly during: readonly string[]
  readonly openSockets: number
}

/** Parts that a test replaces by a lie. */
export interface Parts {
  readonly dialects: typeof DIALECTS
  readonly metered: (agent: Agent) => MeteredAgent
}

const asMetered = (agent: Agent): MeteredAgent => ({
  agentId: agent.agentId,
  claims: "reserved",
  calls: agent.calls,
})

export const HONEST: Parts = { dialects: DIALECTS, metered: asMetered }

export const rage = async (
  plan: StormPlan,
  folder: string,
  parts: Parts = HONEST,
): Promise<Aftermath> => {
  const models = await startModelServer()
  prepare(models, plan)
  const ledger = await ledgerOf(plan, folder)
  const log = recordingErrors()
  const supervisor = await startSupervisor({ budget: plan.budget, ledger, logger: log.logger })
  const gateway = await openGateway({
    upstreams: upstreamsAt(models.url, REAL_KEY),
    dialects: parts.dialects,
    prices: async () => PRICES,
    log: log.logger,
    settings: plan.settings,
  })
  const lives = new Lives()
  const agents = await spawnAll(plan, supervisor, lives)
  const watched = watch(supervisor, agents)
  const admitted = agents.map((agent, at) => {
    const queue = plan.agents[at]?.queue ?? true
    return gateway.admit(parts.metered(agent), { queue })
  })
  const seen = await runClients(plan, admitted)
  const stillHeld = await quiet(agents)
  lives.end()
  await gateway.close()
  while (models.sockets() > 0) await turns(1)
  await supervisor.flush()
  const summary = supervisor.summary()
  const rows = await rowsOf(ledger)
  await supervisor.close()
  const openSockets = models.sockets()
  await models.close()
  const during = [...stillHeld, ...watched(), ...log.lines]
  return { plan, summary, rows, served: models.calls, seen, during, openSockets }
}

const prepare = (models: ModelServer, plan: StormPlan): void => {
  const count = (body: Buffer): number =>
    Math.ceil(textBytes(body) / plan.bytesAToken) + plan.templateTokens
  models.tokenizer = count
  models.countedTokens = plan.countWorks ? countedIn(count) : null
  models.behave = behaviourIn(plan)
}

/** Google's counting path is given the request inside another. */
const countedIn =
  (count: (body: Buffer) => number) =>
  (body: Buffer): number => {
    const asked: { readonly generateContentRequest?: unknown } = JSON.parse(body.toString("utf8"))
    const inner = asked.generateContentRequest
    return count(inner === undefined ? body : Buffer.from(JSON.stringify(inner)))
  }

const ledgerOf = async ({ ledger }: StormPlan, folder: string): Promise<LedgerService> =>
  ledger === "memory" ? makeMemoryLedger() : openSqliteLedger(join(folder, "storm.db"))

const rowsOf = async (ledger: LedgerService): Promise<readonly Row[]> => {
  const rows: Row[] = []
  for await (const row of ledger.rows({})) rows.push(row)
  return rows
}

const recordingErrors = () => {
  const lines: string[] = []
  const write = (line: string): void => {
    lines.push(`logged: ${line.trim()}`)
  }
  return { logger: pino({ level: "error" }, { write }), lines }
}

/** Functions that live until the storm is over, or until they are stopped. */
class Lives {
  private readonly over = Promise.withResolvers<void>()

  end(): void {
    this.over.resolve()
  }

  run({ lingers }: AgentPlan): (life: FunctionLife) => Promise<void> {
    return ({ signal }) =>
      new Promise((resolve) => {
        this.over.promise.then(resolve)
        if (!lingers) signal.addEventListener("abort", () => resolve())
      })
  }
}

const spawnAll = (
  { agents }: StormPlan,
  supervisor: Supervisor,
  lives: Lives,
): Promise<readonly Agent[]> =>
  Promise.all(
    agents.map((plan) => {
      const runner = () => functionRunner(lives.run(plan))
      const { agentId } = plan
      return supervisor.run({ agentId, taskId: "storm", enforcement: "reserved", runner })
    }),
  )

/** The day's summary is long: it is looked at every so many facts. */
const FACTS_A_LOOK = 16

/** A bound that breaks only for a moment is broken. */
const watch = (supervisor: Supervisor, agents: readonly Agent[]): (() => readonly string[]) => {
  const broken = new Set<string>()
  let facts = 0
  const lookAtDay = (): void => {
    const now = supervisor.summary()
    if (now.overshootBound !== 0) broken.add(`overshootBound was ${now.overshootBound}`)
    if (isOver(now.dailyTokensUsed + now.heldTokens, now.dailyTokenLimit))
      broken.add("the day's used and held were above its limit")
    if (isOver(now.dailyCostMicroUsd + now.heldCostMicroUsd, now.dailyCostLimitMicroUsd))
      broken.add("the day's cost and what was held of it were above its limit")
  }
  const lookAtAgent = (agent: Agent): void => {
    const now = agent.summary()
    if (now === null) return
    if (isOver(now.totalTokens + now.heldTokens, now.tokenLimit))
      broken.add(`${agent.agentId}'s used and held were above its limit`)
    if (isOver(now.costMicroUsd + now.heldCostMicroUsd, now.costLimitMicroUsd))
      broken.add(`${agent.agentId}'s cost and what was held of it were above its limit`)
  }
  supervisor.on("*", () => {
    facts += 1
    if (facts % FACTS_A_LOOK === 0) lookAtDay()
    for (const agent of agents) lookAtAgent(agent)
  })
  return () => [...broken]
}

const isOver = (amount: number, limit: number | null): boolean => limit !== null && amount > limit

const QUIET_WITHIN_MS = 20_000

/** Nothing may stay held once every client has its answer or has gone. */
const quiet = async (agents: readonly Agent[]): Promise<readonly string[]> => {
  const patience = AbortSignal.timeout(QUIET_WITHIN_MS)
  const held = (): number =>
    agents.reduce((sum, agent) => sum + (agent.summary()?.heldTokens ?? 0), 0)
  while (held() > 0) {
    if (patience.aborted) return [`${held()} tokens stayed held`]
    await turns(5)
  }
  return []
}
