/**
 * Headers across the gateway, in their order and case. What belongs to one connection stays on it
 * (RFC 9110 §7.6.1), the agent's credential is exchanged, and nothing else is touched.
 */
import type { IncomingMessage } from "node:http"
import type { UpstreamAnswer } from "./sending.ts"
import type { KeyHeader } from "./upstream.ts"

const ONE_CONNECTION = new Set([
  "connection",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authorization",
  "proxy-connection",
  "te",
  "transfer-encoding",
  "upgrade",
])
/** Of a request: answered or set here, or a word about where it came from. */
const OWN_OF_REQUEST = new Set(["host", "expect", "trailer", "http2-settings", "forwarded"])
const CREDENTIALS: ReadonlySet<string> = new Set(["authorization", "x-api-key", "x-goog-api-key"])

export interface Outgoing {
  readonly host: string
  /** Null: the body passes as it comes, with the framing it has. */
  readonly bodyLength: number | null
  /** The body was changed and is no longer encoded. */
  readonly decoded: boolean
  /** The answer must be readable here, to take something out of it. */
  readonly plainAnswer: boolean
  /** Null: the client's own credential passes. */
  readonly key: { readonly header: KeyHeader; readonly value: string } | null
}

/** Named in `connection`, and so meant for one connection only. */
const nominated = (connection: string | undefined): ReadonlySet<string> | null => {
  if (connection === undefined || /^(?:keep-alive|close)$/i.test(connection)) return null
  return new Set(connection.split(",").map((name) => name.trim().toLowerCase()))
}

const isDropped = (name: string, out: Outgoing): boolean =>
  ONE_CONNECTION.has(name) ||
  OWN_OF_REQUEST.has(name) ||
  name.startsWith("x-forwarded-") ||
  (out.key !== null && CREDENTIALS.has(name)) ||
  (out.decoded && name === "content-encoding") ||
  (out.plainAnswer && name === "accept-encoding") ||
  (out.bodyLength !== null && name === "content-length")

/** The request's headers as they leave. */
export const outgoingHeaders = (req: IncomingMessage, out: Outgoing): string[] => {
  const raw = req.rawHeaders
  const named = nominated(req.headers.connection)
  const headers = ["Host", out.host]
  for (let at = 0; at + 1 < raw.length; at += 2) {
    const [name = "", value = ""] = [raw[at], raw[at + 1]]
    const lower = name.toLowerCase()
    if (!isDropped(lower, out) && named?.has(lower) !== true) headers.push(name, value)
  }
  if (out.plainAnswer) headers.push("Accept-Encoding", "identity")
  if (out.bodyLength !== null) headers.push("Content-Length", String(out.bodyLength))
  if (out.key !== null) headers.push(out.key.header, out.key.value)
  return headers
}

/** An answer's headers as they reach the client; `resized`: its length is not the upstream's. */
export const returningHeaders = (
  up: UpstreamAnswer,
  resized: boolean,
  trails: boolean,
): string[] => {
  const raw = up.rawHeaders
  const named = nominated(headerIn(up, "connection"))
  const headers: string[] = []
  for (let at = 0; at + 1 < raw.length; at += 2) {
    const [name = "", value = ""] = [raw[at], raw[at + 1]]
    const lower = name.toLowerCase()
    if (ONE_CONNECTION.has(lower) || named?.has(lower) === true) continue
    if (lower === "content-length" && resized) continue
    if (lower === "trailer" && !trails) continue
    headers.push(name, value)
  }
  return headers
}

/** A header by its name in lower case; one that stands more than once is a list (RFC 9110 §5.3). */
export const headerIn = (
  { rawHeaders }: Pick<UpstreamAnswer, "rawHeaders">,
  name: string,
): string | undefined => {
  let found: string | undefined
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    const [its = "", value = ""] = [rawHeaders[at], rawHeaders[at + 1]]
    if (its.length !== name.length || its.toLowerCase() !== name) continue
    found = found === undefined ? value : `${found}, ${value}`
  }
  return found
}

/** Keys a client shows, wherever its SDK puts them. */
export const presentedKeys = (req: IncomingMessage, query: string): readonly string[] => {
  const { authorization, "x-api-key": apiKey, "x-goog-api-key": googleKey } = req.headers
  const bearer = authorization === undefined ? null : /^Bearer\s+(\S+)$/i.exec(authorization)
  const inQuery = mayHaveKey(query) ? new URLSearchParams(query).getAll("key") : []
  return [bearer?.[1], apiKey, googleKey, ...inQuery].filter((key) => typeof key === "string")
}

/** The query without `key`, every other byte as it was. */
export const withoutKey = (query: string): string => {
  if (!mayHaveKey(query)) return query
  const kept = query
    .slice(1)
    .split("&")
    .filter((pair) => decodedName(pair) !== "key")
  return kept.length === 0 ? "" : `?${kept.join("&")}`
}

const mayHaveKey = (query: string): boolean => query.includes("key=") || query.includes("%")

/** As a server reads it: `%6bey` is `key` too. */
const decodedName = (pair: string): string => [...new URLSearchParams(pair).keys()][0] ?? ""
