/**
 * A request's target, taken apart: whose it is, which upstream it names, and the vendor's path.
 * Whatever could be read in two ways is refused, so that no target names another upstream.
 */
import type { ProviderName } from "../pricing/price-book.ts"

export interface Address {
  /** The agent's, from `/a/<token>`; null without that prefix. */
  readonly token: string | null
  /** The upstream named after the token; null: the vendor's own. */
  readonly provider: ProviderName | null
  /** `v1`, `v1beta` …; null where the client leaves it out. */
  readonly version: string | null
  /** What follows, from its slash on. */
  readonly path: string
  /** With its `?`, or empty. */
  readonly query: string
}

export interface RefusedTarget {
  readonly refused: string
}

const SEGMENTS = /^(?:\/(?:[\w.~!$&'()*+,;=:@-]|%[0-9A-Fa-f]{2})+)+\/?$/
const DISGUISED = /%(?:2f|5c|2e|00)/i
const DOTS = /\/\.{1,2}(?:\/|$)/
const PRINTABLE = /^[\x21-\x7e]*$/
const TOKEN = /^\/a\/([\w-]+)(?=\/|$)/
const FIRST_SEGMENT = /^\/([^/]+)(?=\/|$)/
const VERSION = /^\/(v\d+(?:alpha|beta)?\d*)(?=\/|$)/

const whyRefused = (path: string, query: string): string | null => {
  if (!path.startsWith("/")) return "a request names a path here, never another server"
  if (path === "/") return null
  if (!SEGMENTS.test(path))
    return "the path has an empty segment or a character that is not allowed"
  if (DISGUISED.test(path)) return "the path hides a slash, a backslash, a dot or a zero byte"
  if (DOTS.test(path)) return "the path has a segment of dots"
  return PRINTABLE.test(query) ? null : "the query has a character that is not allowed"
}

export const addressOf = (
  target: string,
  isProvider: (name: string) => boolean,
): Address | RefusedTarget => {
  const queryAt = target.indexOf("?")
  const whole = queryAt < 0 ? target : target.slice(0, queryAt)
  const query = queryAt < 0 ? "" : target.slice(queryAt)
  const refused = whyRefused(whole, query)
  if (refused !== null) return { refused }
  const token = TOKEN.exec(whole)
  const afterToken = token === null ? whole : whole.slice(token[0].length)
  const first = token === null ? null : FIRST_SEGMENT.exec(afterToken)
  const provider = first?.[1] !== undefined && isProvider(first[1]) ? first[1] : null
  const afterProvider = provider === null ? afterToken : afterToken.slice(provider.length + 1)
  const version = VERSION.exec(afterProvider)
  const path = version === null ? afterProvider : afterProvider.slice(version[0].length)
  return {
    token: token?.[1] ?? null,
    provider,
    version: version?.[1] ?? null,
    path: path === "" ? "/" : path,
    query,
  }
}
