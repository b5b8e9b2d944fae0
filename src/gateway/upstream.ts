/** A provider's endpoint as the gateway reaches it: where it is, its key, and its connections. */
import * as http from "node:http"
import * as https from "node:https"
import type { PriceBook, ProviderName } from "../pricing/price-book.ts"

export type KeyHeader = "authorization" | "x-api-key" | "x-goog-api-key"

export interface Upstream {
  readonly provider: ProviderName
  /** With or without the version's segment: `https://api.anthropic.com`, `https://host/api/v1`. */
  readonly baseUrl: string
  /** Whose price list; null or not set: whoever the address belongs to, otherwise the provider. */
  readonly pricedAs?: ProviderName | null
  /** Null: agents bring their own credential, which is passed through. */
  readonly key: string | null
  /** Where the key goes; by default where the vendor of the called API wants it. */
  readonly keyHeader?: KeyHeader
  /** Paths without a version that may pass unmetered, `/files` or, with all below it, `/files/*`. */
  readonly freePaths: readonly string[]
}

export interface UpstreamRequest {
  readonly method: string
  /** As the client wrote it: a version or null, the path after it, and the query with its `?`. */
  readonly version: string | null
  readonly path: string
  readonly query: string
  /** Alternating names and values, as on the wire. */
  readonly headers: string[]
}

const VERSION_AT_END = /\/v\d+(?:alpha|beta)?\d*$/
/** Shorter than servers keep a silent connection, so that none is used while it is being closed. */
const FREE_SOCKET_MS = 4_000
const SOCKETS_MAX = 512
const FREE_SOCKETS_MAX = 64

export class UpstreamConnections {
  readonly upstream: Upstream
  /** What the Host header says. */
  readonly host: string
  private readonly base: URL
  private readonly basePath: string
  private readonly agent: http.Agent
  private billing: { readonly prices: PriceBook; readonly provider: ProviderName } | null = null

  constructor(upstream: Upstream) {
    this.upstream = upstream
    this.base = new URL(upstream.baseUrl)
    this.host = this.base.host
    this.basePath = this.base.pathname.replace(/\/+$/, "")
    const bounds = {
      keepAlive: true,
      timeout: FREE_SOCKET_MS,
      maxSockets: SOCKETS_MAX,
      maxFreeSockets: FREE_SOCKETS_MAX,
    }
    this.agent = this.isSecure() ? new https.Agent(bounds) : new http.Agent(bounds)
  }

  isSecure(): boolean {
    return this.base.protocol === "https:"
  }

  /** Found once a book: it is a search through the addresses of all providers. */
  billedBy(prices: PriceBook): ProviderName {
    if (this.billing?.prices === prices) return this.billing.provider
    const { pricedAs, provider: own } = this.upstream
    const provider = pricedAs ?? prices.providerAt(this.base) ?? own
    this.billing = { prices, provider }
    return provider
  }

  /** The request's head; nothing is sent before `end`. */
  open(request: UpstreamRequest): http.ClientRequest {
    const { request: start } = this.isSecure() ? https : http
    return start({
      agent: this.agent,
      host: this.base.hostname.replace(/^\[|\]$/g, ""),
      port: this.base.port,
      method: request.method,
      path: this.pathOf(request),
      headers: request.headers,
      setHost: false,
    })
  }

  close(): void {
    this.agent.destroy()
  }

  /** The base's own version wins; where neither names one, every vendor's first is `v1`. */
  private pathOf({ version, path, query }: UpstreamRequest): string {
    if (VERSION_AT_END.test(this.basePath)) return `${this.basePath}${path}${query}`
    return `${this.basePath}/${version ?? "v1"}${path}${query}`
  }
}
