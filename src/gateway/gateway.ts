/**
 * The metering gateway: a server on the loopback that every model call of an agent passes. It
 * admits agents, each with a base URL and a key of its own, and lets nothing by that it cannot meter.
 */
import type { IncomingMessage, Server, ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"
import type { Instant } from "../../machines/vocabulary.ts"
import type { Log } from "../log/log.ts"
import type { PriceBook, ProviderName } from "../pricing/price-book.ts"
import { Connections } from "./connections.ts"
import { Credentials } from "./credentials.ts"
import type { Desk } from "./desk.ts"
import type { Dialect, DialectName } from "./dialects/dialect.ts"
import { exchange } from "./exchange.ts"
import { passFree } from "./free-passage.ts"
import type { MeteredAgent } from "./metered-agent.ts"
import { receive } from "./reception.ts"
import { REFUSALS, refuse } from "./refusal.ts"
import { DEFAULT_SETTINGS, type GatewaySettings } from "./settings.ts"
import { UnderWay, Visits } from "./under-way.ts"
import { type Upstream, UpstreamConnections } from "./upstream.ts"

/** Not imported: Node would ask the module for all it has, and load its own WebSocket for that. */
const { createServer } = process.getBuiltinModule("node:http")

export interface GatewayOptions {
  readonly upstreams: readonly Upstream[]
  readonly dialects: Readonly<Record<DialectName, Dialect>>
  /** Asked for once, when the first call comes: a list of prices takes a while to load. */
  readonly prices: () => Promise<PriceBook>
  readonly log: Log
  readonly settings?: Partial<GatewaySettings>
  readonly now?: () => Instant
}

export interface AdmitOptions {
  /** The upstreams it may call; all by default. */
  readonly providers?: readonly ProviderName[]
  /** Pass its own credential to the provider even where the gateway has a key. */
  readonly ownCredential?: boolean
  /** Let calls wait in line while only held tokens are in the way; true by default. */
  readonly queue?: boolean
}

export interface AdmittedAgent {
  /** Every API below one address; `baseUrl` names the provider, where its paths alone would not. */
  readonly address: string
  /** Without a version: clients that leave `/v1` out get it added, those that say it keep it. */
  readonly baseUrl: (provider: ProviderName) => string
  readonly key: string
  readonly token: string
  /** Its next request is refused; those under way go on. */
  readonly revoke: () => void
}

export interface Gateway {
  readonly port: number
  readonly admit: (agent: MeteredAgent, options?: AdmitOptions) => AdmittedAgent
  /** Lets open calls end for a while, then gives them up; resolves when every hold has ended. */
  readonly close: () => Promise<void>
}

const HEAD_BYTES_MAX = 64 * 1024
const HEADERS_MS = 20_000
const KEEP_ALIVE_MS = 60_000

export const openGateway = async (options: GatewayOptions): Promise<Gateway> => {
  const desk = deskOf(options)
  const visits = new Visits()
  const server = createServer({
    maxHeaderSize: HEAD_BYTES_MAX,
    headersTimeout: HEADERS_MS,
    keepAliveTimeout: KEEP_ALIVE_MS,
  })
  const connections = new Connections(server, desk.settings.connectionsMax)
  const port = await listen(server)
  const take = (req: IncomingMessage, res: ServerResponse): void => {
    connections.busy(res)
    visits.begin()
    attend(desk, req, res, port).finally(() => visits.end())
  }
  server.on("request", take)
  // Whoever asks before it sends is told to go on when its body is wanted, and not before.
  server.on("checkContinue", take)
  return {
    port,
    admit: (agent, admitting) => admit(desk, port, agent, admitting),
    close: () => close(desk, server, visits),
  }
}

const deskOf = (options: GatewayOptions): Desk => ({
  settings: { ...DEFAULT_SETTINGS, ...options.settings },
  upstreams: new Map(
    options.upstreams.map((each) => [each.provider, new UpstreamConnections(each)]),
  ),
  dialects: options.dialects,
  prices: loadedOnce(options.prices),
  credentials: new Credentials(),
  log: options.log,
  now: options.now ?? Date.now,
  underWay: new UnderWay(),
  closing: new AbortController(),
})

const loadedOnce = (load: () => Promise<PriceBook>): (() => Promise<PriceBook>) => {
  let loading: Promise<PriceBook> | null = null
  return () => {
    loading ??= load()
    return loading
  }
}

const listen = (server: Server): Promise<number> =>
  new Promise((resolve, reject) => {
    server.once("error", reject)
    server.listen(0, "127.0.0.1", () => resolve(portOf(server.address())))
  })

const portOf = (address: AddressInfo | string | null): number =>
  typeof address === "object" && address !== null ? address.port : 0

const attend = async (
  desk: Desk,
  req: IncomingMessage,
  res: ServerResponse,
  port: number,
): Promise<void> => {
  res.on("error", (error) => desk.log.debug({ err: error }, "a client could not be answered"))
  const reception = receive(desk, req, port)
  try {
    if ("visit" in reception) await reception.visit.upstream.ready()
    if (reception.kind === "refused") refuse(res, reception.dialect, reception.words)
    else if (reception.kind === "probe") res.writeHead(200, { "content-length": 0 }).end()
    else if (reception.kind === "free") await passFree(desk, reception.visit, req, res)
    else await exchange({ desk, ...reception, req, res, prices: await desk.prices() })
  } catch (error) {
    desk.log.error({ err: error }, "a request could not be served")
    if ("visit" in reception) refuse(res, reception.visit.dialect, REFUSALS.internal())
    else res.destroy()
  }
}

const admit = (
  desk: Desk,
  port: number,
  agent: MeteredAgent,
  { providers, ownCredential = false, queue = true }: AdmitOptions = {},
): AdmittedAgent => {
  const claims = { agent, providers: providers ?? null, ownCredential, queue }
  const { key, token, revoke } = desk.credentials.issue(claims)
  const address = `http://127.0.0.1:${port}/a/${token}`
  const baseUrl = (provider: ProviderName): string => `${address}/${provider}`
  return { address, baseUrl, key, token, revoke }
}

const close = async (desk: Desk, server: Server, visits: Visits): Promise<void> => {
  desk.closing.abort()
  server.close()
  server.closeIdleConnections()
  const late = setTimeout(() => {
    desk.underWay.giveUpAll()
    server.closeAllConnections()
  }, desk.settings.closeMs)
  await visits.over()
  clearTimeout(late)
  server.closeAllConnections()
  await Promise.all([...desk.upstreams.values()].map((upstream) => upstream.close()))
}
