/** A gateway before a model server, with one agent admitted: what most tests here begin with. */
import pino, { type Logger } from "pino"
import { DIALECTS } from "../../src/gateway/dialects/dialects.ts"
import {
  type AdmitOptions,
  type AdmittedAgent,
  type Gateway,
  openGateway,
} from "../../src/gateway/gateway.ts"
import type { MeteredAgent } from "../../src/gateway/metered-agent.ts"
import type { GatewaySettings } from "../../src/gateway/settings.ts"
import type { Upstream } from "../../src/gateway/upstream.ts"
import type { PriceBook } from "../../src/pricing/price-book.ts"
import { BudgetedAgent, type BudgetedAgentOptions } from "./budgeted-agent.ts"
import { type ModelServer, startModelServer } from "./model-server.ts"

export const REAL_KEY = "sk-real-and-secret"

/** Three micro-dollars a token of input, fifteen of output. */
export const PRICES: PriceBook = {
  boundOf: () => ({ inputPicoUsd: 3_000_000, outputPicoUsd: 15_000_000, perCallMicroUsd: 0 }),
  costOf: ({ parts }) =>
    parts.reduce((sum, { usage }) => sum + 3 * usage.inputTokens + 15 * usage.outputTokens, 0),
  providerAt: () => null,
}

export interface World {
  readonly gateway: Gateway
  readonly models: ModelServer
  readonly agent: BudgetedAgent
  readonly admitted: AdmittedAgent
  /** Of the agent at this provider. */
  readonly base: (provider?: string) => string
  readonly keyed: (headers?: Record<string, string>) => Record<string, string>
  readonly logged: readonly string[]
  readonly close: () => Promise<void>
}

export interface WorldOptions {
  /** Whoever decides in the budgeted agent's place: a real supervisor's agent. */
  readonly agentOf?: () => MeteredAgent
  readonly agent?: BudgetedAgentOptions
  readonly settings?: Partial<GatewaySettings>
  readonly key?: string | null
  readonly admit?: AdmitOptions
  readonly upstream?: Partial<Upstream>
  readonly dialects?: typeof DIALECTS
}

export const upstreamsAt = (
  url: string,
  key: string | null,
  more: Partial<Upstream> = {},
): readonly Upstream[] =>
  ["anthropic", "openai", "google"].map((provider) => ({
    provider,
    baseUrl: url,
    key,
    freePaths: ["/files", "/files/*"],
    ...more,
  }))

export const recordingLog = (): { readonly log: Logger; readonly lines: string[] } => {
  const lines: string[] = []
  return { log: pino({ level: "debug" }, { write: (line: string) => lines.push(line) }), lines }
}

export const openWorld = async (options: WorldOptions = {}): Promise<World> => {
  const models = await startModelServer()
  const { log, lines } = recordingLog()
  const { key = REAL_KEY, upstream, settings } = options
  const gateway = await openGateway({
    upstreams: upstreamsAt(models.url, key, upstream),
    dialects: options.dialects ?? DIALECTS,
    prices: async () => PRICES,
    log,
    settings: { closeMs: 200, ...settings },
  })
  const agent = new BudgetedAgent(options.agent)
  const admitted = gateway.admit(options.agentOf?.() ?? agent, options.admit)
  return {
    gateway,
    models,
    agent,
    admitted,
    base: (provider = "anthropic") => admitted.baseUrl(provider),
    keyed: (headers = {}) => ({ "x-api-key": admitted.key, ...headers }),
    logged: lines,
    close: async () => {
      await gateway.close()
      await models.close()
    },
  }
}

export const MESSAGE = { role: "user", content: "Say something." }

export const anthropicBody = (more: Record<string, unknown> = {}): string =>
  JSON.stringify({ model: "claude-x", max_tokens: 1_000, messages: [MESSAGE], ...more })

export const chatBody = (more: Record<string, unknown> = {}): string =>
  JSON.stringify({ model: "gpt-x", messages: [MESSAGE], ...more })
