/** Where a run's calls go, with the keys at hand: read before anything is open. */
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import type { Environment } from "../config/environment.ts"
import type { Machine } from "../config/ledger-path.ts"
import { resolveUpstreams, type Upstream as Source } from "../config/upstreams.ts"
import { type FileUpstreams, UPSTREAMS, type UpstreamName } from "../config/upstreams-file.ts"
import type { Upstream } from "./upstream.ts"
import { readKey } from "./upstream-key.ts"

export interface RunUpstreams {
  readonly upstreams: readonly Upstream[]
  /** Mistakes that stop nothing, one line each. */
  readonly warnings: readonly string[]
}

/** Throws `ConfigurationError` for an upstream or a key that is not one. */
export const readUpstreams = async (
  file: FileUpstreams,
  env: Environment,
  machine: Machine,
): Promise<RunUpstreams> => {
  const sources = Result.getOrThrow(resolveUpstreams(file, env))
  const read = await Promise.all(UPSTREAMS.map((name) => upstreamOf(name, sources[name], machine)))
  return {
    upstreams: read.map(({ upstream }) => upstream),
    warnings: read.flatMap(({ warnings }) => warnings),
  }
}

const upstreamOf = async (
  name: UpstreamName,
  { baseUrl, key, provider, freePaths, proxy }: Source,
  machine: Machine,
): Promise<{ readonly upstream: Upstream; readonly warnings: readonly string[] }> => {
  const way = proxy === null ? {} : { proxy: proxy.url }
  const known = { provider: name, baseUrl: baseUrl.href, pricedAs: provider, freePaths, ...way }
  if (key === null) return { upstream: { ...known, key: null }, warnings: [] }
  const { secret, sentAs, warnings } = Result.getOrThrow(await readKey(key, { machine }))
  const header = sentAs === "bearer" ? ({ keyHeader: "authorization" } as const) : {}
  return { upstream: { ...known, key: Redacted.value(secret), ...header }, warnings }
}
