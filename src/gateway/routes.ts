/** What each path is: a call to meter, a free one, a harmless probe, or nothing the gateway lets by. */
import type { CallPath, DialectName } from "./dialects/dialect.ts"

export type Route =
  /** Held, forwarded and settled. */
  | { readonly kind: "call"; readonly speaks: DialectName; readonly path: CallPath }
  /** Costs nothing: models and token counts, or a path that was let free by the settings. */
  | { readonly kind: "free"; readonly speaks: DialectName }
  /** Answered here. */
  | { readonly kind: "probe" }
  /** An upgrade to a stream of messages, which is declined; the client falls back to HTTP. */
  | { readonly kind: "upgrade"; readonly speaks: DialectName }
  | { readonly kind: "unmetered"; readonly speaks: DialectName }

export interface Asked {
  readonly method: string
  readonly version: string | null
  readonly path: string
  readonly upgrades: boolean
  /** Whose words the client understands, when the path does not tell. */
  readonly hint: DialectName
  readonly freePaths: readonly string[]
}

const CALLS: Readonly<Record<string, DialectName>> = {
  "/messages": "anthropic-messages",
  "/chat/completions": "openai-chat",
  "/completions": "openai-completions",
  "/embeddings": "openai-embeddings",
  "/responses": "openai-responses",
}

const COUNTS: Readonly<Record<string, DialectName>> = {
  "/messages/count_tokens": "anthropic-messages",
  "/responses/input_tokens": "openai-responses",
}

const GEMINI_ACTION = /^\/(?:models|tunedModels)\/([^/:]+):([A-Za-z]+)$/
const GEMINI_CALLS: Readonly<Record<string, { speaks: DialectName; streams: boolean }>> = {
  generateContent: { speaks: "gemini-generate", streams: false },
  streamGenerateContent: { speaks: "gemini-generate", streams: true },
  embedContent: { speaks: "gemini-embed", streams: false },
  batchEmbedContents: { speaks: "gemini-embed", streams: false },
}
const MODELS = /^\/models(?:\/[^/:]+)*$/
const PROBES = new Set(["/", "/api/hello", "/health", "/healthz"])

const UNSAID: CallPath = { model: null, streams: false }

const own = <A>(table: Readonly<Record<string, A>>, name: string): A | undefined =>
  Object.hasOwn(table, name) ? table[name] : undefined

const isFree = (path: string, free: readonly string[]): boolean =>
  free.some((each) => (each.endsWith("/*") ? path.startsWith(each.slice(0, -1)) : path === each))

const geminiRoute = (path: string): Route | null => {
  const action = GEMINI_ACTION.exec(path)
  if (action?.[1] === undefined || action[2] === undefined) return null
  if (action[2] === "countTokens") return { kind: "free", speaks: "gemini-generate" }
  const call = own(GEMINI_CALLS, action[2])
  if (call === undefined) return null
  const model = modelNamed(action[1])
  return { kind: "call", speaks: call.speaks, path: { model, streams: call.streams } }
}

const modelNamed = (segment: string): string => {
  try {
    return decodeURIComponent(segment)
  } catch {
    return segment
  }
}

const postRoute = (path: string): Route | null => {
  const call = own(CALLS, path)
  if (call !== undefined) return { kind: "call", speaks: call, path: UNSAID }
  const count = own(COUNTS, path)
  return count === undefined ? geminiRoute(path) : { kind: "free", speaks: count }
}

const lookRoute = ({ method, path, upgrades, hint }: Asked): Route | null => {
  const speaks = own(CALLS, path)
  if (upgrades && speaks !== undefined) return { kind: "upgrade", speaks }
  if (MODELS.test(path)) return { kind: "free", speaks: hint }
  return method === "HEAD" || PROBES.has(path) ? { kind: "probe" } : null
}

export const routeOf = (asked: Asked): Route => {
  const { method, path, hint } = asked
  const looks = method === "GET" || method === "HEAD"
  const route = looks ? lookRoute(asked) : method === "POST" ? postRoute(path) : null
  if (route !== null && route.kind !== "probe") return route
  if (isFree(path, asked.freePaths)) return { kind: "free", speaks: hint }
  return route ?? { kind: "unmetered", speaks: own(CALLS, path) ?? hint }
}
