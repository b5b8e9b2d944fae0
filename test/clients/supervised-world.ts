/**
 * A real supervisor on a ledger in a file, and for each test an agent of it behind a gateway before a
 * model server: what a client is tried against. The provider's log and the ledger must agree.
 */
import { subscribe, unsubscribe } from "node:diagnostics_channel"
import { mkdtempSync, rmSync } from "node:fs"
import type { IncomingMessage } from "node:http"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { HoldExpired, HoldPlaced, HoldSettled, HoldVoided } from "../../machines/budget/row.ts"
import type { AgentSummary } from "../../machines/budget/summary.ts"
import type { AgentKey } from "../../machines/vocabulary.ts"
import { DIALECTS } from "../../src/gateway/dialects/dialects.ts"
import { type AdmittedAgent, openGateway } from "../../src/gateway/gateway.ts"
import type { Agent } from "../../src/host/agent.ts"
import { startSupervisor } from "../../src/host/start.ts"
import type { Supervisor } from "../../src/host/supervisor.ts"
import { openSqliteReader, type SqliteReader } from "../../src/ledger/sqlite/reader.ts"
import { openPriceBook } from "../../src/pricing/open-price-book.ts"
import type { PriceBook } from "../../src/pricing/price-book.ts"
import type { Runner } from "../../src/runners/runner.ts"
import { REAL_KEY, recordingLog, upstreamsAt } from "../gateway/gateway-world.ts"
import { type ModelServer, startModelServer } from "../gateway/model-server.ts"

export interface Tokens {
  readonly inputTokens: number
  readonly outputTokens: number
}

/** What calls came to: by kind where it was reported, and as it counts against the limit. */
export interface Charged extends Tokens {
  readonly totalTokens: number
}

export interface SupervisedWorld {
  readonly models: ModelServer
  readonly admitted: AdmittedAgent
  /** Requests that came to the gateway, by method and path behind the agent's own address. */
  readonly requests: readonly string[]
  readonly agent: () => AgentSummary
  /** Resolves when no call is held any more. */
  readonly idle: () => Promise<void>
  /** By the provider's log. */
  readonly billed: () => Tokens
  /** By the ledger's file, which is read beside its writer. */
  readonly onDisk: () => Promise<Charged>
  /** The rows of its holds in that file, in order. */
  readonly holdsOnDisk: () => Promise<readonly HoldRow[]>
  readonly close: () => Promise<void>
}

export type HoldRow = HoldPlaced | HoldSettled | HoldVoided | HoldExpired

export interface SharedSupervisor {
  readonly open: (tokenLimit: number) => Promise<SupervisedWorld>
  readonly close: () => Promise<void>
}

export const openSupervisor = async (): Promise<SharedSupervisor> => {
  const folder = mkdtempSync(join(tmpdir(), "stint-clients-"))
  const ledger = join(folder, "stint.db")
  const supervisor = await startSupervisor({ ledger })
  const prices = openPriceBook()
  return {
    open: (tokenLimit) => openWorld({ supervisor, ledger, prices, tokenLimit }),
    close: async () => {
      await supervisor.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

interface Parts {
  readonly supervisor: Supervisor
  readonly ledger: string
  readonly prices: Promise<PriceBook>
  readonly tokenLimit: number
}

const openWorld = async (parts: Parts): Promise<SupervisedWorld> => {
  const { supervisor, ledger, prices, tokenLimit } = parts
  const models = await startModelServer()
  const gateway = await openGateway({
    upstreams: upstreamsAt(models.url, REAL_KEY),
    dialects: DIALECTS,
    prices: () => prices,
    log: recordingLog().log,
  })
  const agent = await supervisor.run({
    taskId: "talk",
    limits: { perAgentTokenLimit: tokenLimit },
    enforcement: "reserved",
    credential: "stint",
    runner: () => untilStopped,
  })
  const { agentId, key, calls } = agent
  const admitted = gateway.admit({ agentId, claims: "reserved", calls })
  const heard = hearRequests(gateway.port, `/a/${admitted.token}`)
  return {
    models,
    admitted,
    requests: heard.requests,
    agent: () => summaryOf(agent),
    idle: () => idle(supervisor, agent),
    billed: () => sumOf(models.calls),
    onDisk: async () => {
      await supervisor.flush()
      return onDisk(ledger, agentId)
    },
    holdsOnDisk: async () => {
      await supervisor.flush()
      return holdsOnDisk(ledger, key)
    },
    close: async () => {
      heard.stop()
      await gateway.close()
      await agent.stop()
      await models.close()
    },
  }
}

/** The client is the test's own; there is nothing else to run. */
const untilStopped: Runner = (_context, report) => {
  report.started(null)
  const end = (): void =>
    report.exited({
      ...{ outcome: "completed", error: null, mechanism: "interrupted" },
      ...{ exitCode: null, signal: null, treeGone: true },
    })
  return { interrupt: end, kill: end, warn: () => {} }
}

const idle = (supervisor: Supervisor, agent: Agent): Promise<void> =>
  new Promise((resolve) => {
    const look = (): void => {
      if (summaryOf(agent).heldTokens > 0) return
      stop()
      resolve()
    }
    const stop = supervisor.on("*", look)
    look()
  })

const summaryOf = (agent: Agent): AgentSummary => {
  const summary = agent.summary()
  if (summary === null) throw new Error("no agent was admitted")
  return summary
}

const sumOf = (calls: readonly Tokens[]): Tokens => ({
  inputTokens: calls.reduce((sum, call) => sum + call.inputTokens, 0),
  outputTokens: calls.reduce((sum, call) => sum + call.outputTokens, 0),
})

/** By Node's own word of each request that its server begins to serve. */
const hearRequests = (port: number, address: string) => {
  const requests: string[] = []
  const hear = (message: unknown): void => {
    const { request } = message as { readonly request: IncomingMessage }
    if (request.socket.localPort !== port) return
    const path = request.url?.split("?")[0]?.replace(address, "")
    requests.push(`${request.method} ${path}`)
  }
  subscribe(CHANNEL, hear)
  return { requests, stop: () => unsubscribe(CHANNEL, hear) }
}

const CHANNEL = "http.server.request.start"

const onDisk = async (path: string, agentId: string): Promise<Charged> => {
  const lines = await readFrom(path, (reader) => reader.history({}))
  const own = lines.filter((line) => line.agentId === agentId)
  return { ...sumOf(own), totalTokens: own.reduce((sum, { tokens }) => sum + tokens, 0) }
}

const holdsOnDisk = async (path: string, key: AgentKey): Promise<readonly HoldRow[]> => {
  const kinds = ["hold_placed", "hold_settled", "hold_voided", "hold_expired"] as const
  const rows = await readFrom(path, (reader) => reader.rows({ key, kinds }))
  return rows.filter((row): row is HoldRow => kinds.some((kind) => kind === row.kind))
}

const readFrom = async <A>(
  path: string,
  read: (reader: SqliteReader) => AsyncIterable<A>,
): Promise<readonly A[]> => {
  const reader = await openSqliteReader(path)
  if (reader === null) throw new Error("there is no ledger")
  const found: A[] = []
  for await (const each of read(reader)) found.push(each)
  await reader.close()
  return found
}
