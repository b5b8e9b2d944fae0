/** Who asks for what: the host, the path, the credential and the upstream, before any body is read. */
import type { IncomingMessage } from "node:http"
import type { ProviderName } from "../pricing/price-book.ts"
import { type Address, addressOf } from "./address.ts"
import type { Claims } from "./credentials.ts"
import type { Desk } from "./desk.ts"
import type { CallPath, Dialect, DialectName, RefusalWords } from "./dialects/dialect.ts"
import { presentedKeys, withoutKey } from "./headers.ts"
import { REFUSALS } from "./refusal.ts"
import { type Route, routeOf } from "./routes.ts"
import type { KeyHeader, UpstreamConnections } from "./upstream.ts"

/** Somebody known asks something that is passed on. */
export interface Visit {
  readonly claims: Claims
  readonly dialect: Dialect
  readonly upstream: UpstreamConnections
  readonly version: string | null
  readonly path: string
  /** Without the agent's key. */
  readonly query: string
  /** Null: the client's own credential passes. */
  readonly key: { readonly header: KeyHeader; readonly value: string } | null
}

export type Reception =
  | { readonly kind: "call"; readonly visit: Visit; readonly callPath: CallPath }
  | { readonly kind: "free"; readonly visit: Visit }
  | { readonly kind: "probe" }
  | { readonly kind: "refused"; readonly dialect: Dialect; readonly words: RefusalWords }

export const receive = (desk: Desk, req: IncomingMessage, port: number): Reception => {
  const address = addressOf(req.url ?? "", (name) => desk.upstreams.has(name))
  const hint = hintOf(req, address)
  const refused = (words: RefusalWords, speaks = hint): Reception => ({
    kind: "refused",
    dialect: desk.dialects[speaks],
    words,
  })
  if (desk.closing.signal.aborted) return refused(REFUSALS.closing())
  if (!isOwnHost(req.headers.host, port)) {
    return refused(REFUSALS.strangeHost(req.headers.host ?? ""))
  }
  if ("refused" in address) return refused(REFUSALS.strangeTarget(address.refused))
  const route = routed(desk, req, address, hint)
  if (route.kind === "probe") return route
  if (route.kind === "upgrade") return refused(REFUSALS.noUpgrade(), route.speaks)
  const keys = presentedKeys(req, address.query)
  const identified = desk.credentials.identify(address.token, keys)
  if (identified === null) return refused(REFUSALS.unknownKey(), route.speaks)
  const { claims, isProven } = identified
  const provider = address.provider ?? desk.dialects[route.speaks].provider
  const upstream = desk.upstreams.get(provider)
  if (upstream === undefined) return refused(REFUSALS.noUpstream(provider), route.speaks)
  if (claims.providers?.includes(provider) === false) {
    return refused(REFUSALS.notAllowed(provider), route.speaks)
  }
  if (route.kind === "unmetered") {
    return refused(REFUSALS.notMetered(req.method ?? "", address.path), route.speaks)
  }
  const visit = visitOf(desk, claims, upstream, route.speaks, address)
  // The path alone is no proof where our key is spent on it.
  if (visit.key !== null && !isProven) {
    return refused(REFUSALS.unknownKey(), route.speaks)
  }
  return route.kind === "free"
    ? { kind: "free", visit }
    : { kind: "call", visit, callPath: route.path }
}

const isOwnHost = (host: string | undefined, port: number): boolean =>
  host === `127.0.0.1:${port}` || host === `localhost:${port}` || host === `[::1]:${port}`

const routed = (
  desk: Desk,
  req: IncomingMessage,
  { provider, version, path }: Address,
  hint: DialectName,
): Route =>
  routeOf({
    method: req.method ?? "",
    version,
    path,
    upgrades: req.headers.upgrade !== undefined,
    hint,
    freePaths:
      desk.upstreams.get(provider ?? desk.dialects[hint].provider)?.upstream.freePaths ?? [],
  })

const visitOf = (
  desk: Desk,
  claims: Claims,
  upstream: UpstreamConnections,
  speaks: DialectName,
  { version, path, query }: Address,
): Visit => {
  const { key, keyHeader } = upstream.upstream
  const header = keyHeader ?? KEY_HEADERS[speaks]
  const isOwn = claims.ownCredential || key === null
  return {
    claims,
    dialect: desk.dialects[speaks],
    upstream,
    version,
    path,
    query: isOwn ? query : withoutKey(query),
    key: isOwn ? null : { header, value: header === "authorization" ? `Bearer ${key}` : key },
  }
}

const KEY_HEADERS: Readonly<Record<DialectName, KeyHeader>> = {
  "anthropic-messages": "x-api-key",
  "openai-chat": "authorization",
  "openai-completions": "authorization",
  "openai-responses": "authorization",
  "openai-embeddings": "authorization",
  "gemini-generate": "x-goog-api-key",
  "gemini-embed": "x-goog-api-key",
}

/** Whose words a client understands, as far as its request shows. */
const hintOf = (req: IncomingMessage, address: ReturnType<typeof addressOf>): DialectName => {
  const { provider, version } = "refused" in address ? { provider: null, version: null } : address
  if (provider !== null) return HINTS[provider] ?? "openai-chat"
  const { headers } = req
  if (version?.startsWith("v1beta") || headers["x-goog-api-key"] !== undefined) {
    return "gemini-generate"
  }
  const isAnthropic = headers["anthropic-version"] ?? headers["x-api-key"]
  return isAnthropic === undefined ? "openai-chat" : "anthropic-messages"
}

const HINTS: Readonly<Record<ProviderName, DialectName>> = {
  anthropic: "anthropic-messages",
  google: "gemini-generate",
}
