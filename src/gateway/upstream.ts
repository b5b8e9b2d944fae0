/** A provider's endpoint as the gateway reaches it: where it is, its key, and its connections. */
import type { IncomingMessage } from "node:http"
import { Socket } from "node:net"
import { Readable } from "node:stream"
import type { buildConnector, Pool } from "undici"
import type { PriceBook, ProviderName } from "../pricing/price-book.ts"
import { Sending, type UpstreamListener } from "./sending.ts"
import { type Tunnels, tunnelsThrough } from "./tunnel.ts"

export type KeyHeader = "authorization" | "x-api-key" | "x-goog-api-key"

export interface Upstream {
  readonly provider: ProviderName
  /** With or without the version's segment: `https://api.anthropic.com`, `https://host/api/v1`. */
  readonly baseUrl: string
  /** Whose price list; null or not set: whoever the address belongs to, otherwise the provider. */
  readonly pricedAs?: ProviderName | null
  /** What https goes through; nothing by default. May hold a user name and a password. */
  readonly proxy?: URL
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
  /** Whole, or as it comes from the client; null: the request has none. */
  readonly body: Buffer | IncomingMessage | null
}

const VERSION_AT_END = /\/v\d+(?:alpha|beta)?\d*$/
/** Shorter than servers keep a silent connection, so that none is used while it is being closed. */
const FREE_SOCKET_MS = 4_000
const SOCKETS_MAX = 512
/** Longer than any call waits for its connection: its own bound, with its own words, comes first. */
const CONNECT_MS = 20_000

/** Loaded with the first call: a start that makes none does not wait for it. */
const undici = (): Promise<typeof import("undici")> => import("undici")

export class UpstreamConnections {
  readonly upstream: Upstream
  /** What the Host header says. */
  readonly host: string
  private readonly base: URL
  private readonly basePath: string
  private readonly connectMs: number
  private readonly sockets = new Set<Socket>()
  private opening: Promise<Pool> | null = null
  private pool: Pool | null = null
  private tunnels: Tunnels | null = null
  private billing: { readonly prices: PriceBook; readonly provider: ProviderName } | null = null

  constructor(upstream: Upstream, connectMs = CONNECT_MS) {
    this.upstream = upstream
    this.connectMs = connectMs
    this.base = new URL(upstream.baseUrl)
    this.host = this.base.host
    this.basePath = this.base.pathname.replace(/\/+$/, "")
  }

  /** To be awaited once before `send`. */
  async ready(): Promise<void> {
    if (this.pool !== null) return
    this.opening ??= this.openPool()
    this.pool = await this.opening
  }

  /** Found once a book: it is a search through the addresses of all providers. */
  billedBy(prices: PriceBook): ProviderName {
    if (this.billing?.prices === prices) return this.billing.provider
    const { pricedAs, provider: own } = this.upstream
    const provider = pricedAs ?? prices.providerAt(this.base) ?? own
    this.billing = { prices, provider }
    return provider
  }

  /**
   * One attempt, never repeated. The listener may be told at once that it leaves, and is told its end
   * once, in a later turn.
   */
  send({ method, headers, body, ...target }: UpstreamRequest, listener: UpstreamListener): Sending {
    const sending = new Sending(listener)
    if (this.pool === null)
      throw new Error("the connections to an upstream were used before `ready`")
    const sent = body === null || Buffer.isBuffer(body) ? body : detached(body)
    this.pool.dispatch({ method, path: this.pathOf(target), headers, body: sent }, sending)
    return sending
  }

  /** Breaks off what is under way, and connections that are still being made. */
  async close(): Promise<void> {
    if (this.opening === null) return
    await (await this.opening).destroy()
    await this.tunnels?.destroy()
    for (const socket of this.sockets) socket.destroy()
  }

  private async openPool(): Promise<Pool> {
    const loaded = await undici()
    const { Pool, buildConnector } = loaded
    // A connection outlives the call that gave it up, and one that is never agreed on would stay.
    const dial = this.noting(buildConnector({ allowH2: false, timeout: this.connectMs }))
    const { proxy } = this.upstream
    if (proxy !== undefined) {
      const answerMs = this.connectMs
      this.tunnels = tunnelsThrough({ undici: loaded, proxy, dial, secure: dial, answerMs })
    }
    return new Pool(this.base.origin, {
      connections: SOCKETS_MAX,
      pipelining: 1,
      allowH2: false,
      keepAliveTimeout: FREE_SOCKET_MS,
      keepAliveMaxTimeout: FREE_SOCKET_MS,
      connect: this.tunnels?.connect ?? dial,
      // Whoever sends has bounds of its own for these.
      headersTimeout: 0,
      bodyTimeout: 0,
    })
  }

  /** undici gives the socket back at once, and does not say so; its pool forgets those still connecting. */
  private noting(dial: buildConnector.connector): buildConnector.connector {
    return (options, callback) => {
      const socket: unknown = dial(options, callback)
      if (!(socket instanceof Socket)) return
      this.sockets.add(socket)
      socket.once("close", () => this.sockets.delete(socket))
    }
  }

  /** The base's own version wins; where neither names one, every vendor's first is `v1`. */
  private pathOf({ version, path, query }: Pick<UpstreamRequest, "version" | "path" | "query">) {
    if (VERSION_AT_END.test(this.basePath)) return `${this.basePath}${path}${query}`
    return `${this.basePath}/${version ?? "v1"}${path}${query}`
  }
}

/**
 * A client's body, of which undici may destroy its end: the request itself is then read on for nobody,
 * because its connection would stand still with the rest.
 */
const detached = (req: IncomingMessage): Readable =>
  Readable.from(piecesOf(req), { objectMode: false })

async function* piecesOf(req: IncomingMessage): AsyncGenerator<unknown> {
  try {
    for await (const piece of req.iterator({ destroyOnReturn: false })) yield piece
  } finally {
    req.resume()
  }
}
