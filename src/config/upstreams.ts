/** Where a run's calls go: Stint's own environment first, then the file, then the public address. */
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import { BASE_URL, readBaseUrl } from "./base-url.ts"
import type { Environment } from "./environment.ts"
import { type ConfigurationError, configurationError, type Place, type Problem } from "./problem.ts"
import { type ProxySetting, proxyTo } from "./proxy.ts"
import {
  type FileKey,
  type FileUpstream,
  type FileUpstreams,
  UPSTREAMS,
  type UpstreamName,
} from "./upstreams-file.ts"

/** How the provider is told the key: in its own header, or as `Authorization: Bearer`. */
export type SentAs = "api-key" | "bearer"

/** Where a key is; `place` is where that was said. */
export type KeySource = { readonly sentAs: SentAs } & (
  | FileKey
  | {
      readonly from: "environment"
      readonly secret: Redacted.Redacted<string>
      readonly place: Place
    }
)

export interface Upstream {
  /** Its path is the prefix of every call, `/` or without a slash at its end. */
  readonly baseUrl: URL
  /** Where that was said; null: nowhere, it is the provider's public one. */
  readonly baseUrlFrom: Place | null
  /** What it is reached through; null: nothing. */
  readonly proxy: ProxySetting | null
  /** Null: what the agent sends is passed on. */
  readonly key: KeySource | null
  /** Whose prices; null: whoever the base URL belongs to. */
  readonly provider: string | null
  /** Paths that cost nothing; `/*` at the end of one means all below it. */
  readonly freePaths: readonly string[]
}

export type Upstreams = Readonly<Record<UpstreamName, Upstream>>

interface Api {
  readonly publicUrl: string
  readonly baseUrlVariable: string
  /** The first that is set counts; each with `_FILE` behind it names a file, where it is a key. */
  readonly keyVariables: readonly (readonly [variable: string, sentAs: SentAs])[]
  readonly fileVariables: readonly string[]
  readonly sentAs: SentAs
}

const APIS: Readonly<Record<UpstreamName, Api>> = {
  anthropic: {
    publicUrl: "https://api.anthropic.com",
    baseUrlVariable: "ANTHROPIC_BASE_URL",
    keyVariables: [
      ["ANTHROPIC_API_KEY", "api-key"],
      ["ANTHROPIC_AUTH_TOKEN", "bearer"],
    ],
    fileVariables: ["ANTHROPIC_API_KEY_FILE"],
    sentAs: "api-key",
  },
  openai: {
    publicUrl: "https://api.openai.com/v1",
    baseUrlVariable: "OPENAI_BASE_URL",
    keyVariables: [["OPENAI_API_KEY", "bearer"]],
    fileVariables: ["OPENAI_API_KEY_FILE"],
    sentAs: "bearer",
  },
  google: {
    publicUrl: "https://generativelanguage.googleapis.com",
    baseUrlVariable: "GOOGLE_GEMINI_BASE_URL",
    keyVariables: [
      ["GEMINI_API_KEY", "api-key"],
      ["GOOGLE_API_KEY", "api-key"],
    ],
    fileVariables: ["GEMINI_API_KEY_FILE", "GOOGLE_API_KEY_FILE"],
    sentAs: "api-key",
  },
}

/** Every variable that names a base URL or a key: an agent is given Stint's own in their place. */
export const UPSTREAM_VARIABLES: readonly string[] = UPSTREAMS.flatMap((name) => {
  const { baseUrlVariable, keyVariables, fileVariables } = APIS[name]
  return [baseUrlVariable, ...keyVariables.map(([variable]) => variable), ...fileVariables]
})

/** Fails with every base URL of the environment that is none; a key is read later, by `readKey`. */
export const resolveUpstreams = (
  file: FileUpstreams,
  env: Environment,
): Result.Result<Upstreams, ConfigurationError> => {
  const problems: Problem[] = []
  const resolved = (name: UpstreamName): Upstream => {
    const read = fromEnvironment(APIS[name], env)
    problems.push(...read.problems)
    const upstream = upstreamOf(name, file[name] ?? NOTHING, read)
    const way = proxyTo(upstream.baseUrl, env)
    if ("proxy" in way) return { ...upstream, ...way }
    // One variable, and as many upstreams as would go through it.
    if (!problems.some(({ key }) => key === way.problem.key)) problems.push(way.problem)
    return { ...upstream, proxy: null }
  }
  const upstreams: Upstreams = {
    anthropic: resolved("anthropic"),
    openai: resolved("openai"),
    google: resolved("google"),
  }
  const [first, ...rest] = problems
  if (first !== undefined) return Result.fail(configurationError([first, ...rest]))
  return Result.succeed(upstreams)
}

const NOTHING: FileUpstream = {
  baseUrl: null,
  baseUrlFrom: null,
  key: null,
  provider: null,
  freePaths: [],
}

interface Read {
  readonly baseUrl: URL | null
  readonly key: KeySource | null
  readonly problems: readonly Problem[]
}

const upstreamOf = (name: UpstreamName, file: FileUpstream, env: Read): Omit<Upstream, "proxy"> => {
  const { publicUrl, baseUrlVariable, sentAs } = APIS[name]
  const fileKey = file.key === null ? null : { ...file.key, sentAs }
  // A file that names an address and its key means the two together: a key that happens to be in
  // the environment belongs to another address, which alone should see it.
  const isPair = env.baseUrl === null && file.baseUrl !== null && fileKey !== null
  return {
    baseUrl: env.baseUrl ?? file.baseUrl ?? new URL(publicUrl),
    baseUrlFrom: env.baseUrl === null ? file.baseUrlFrom : placeIn(baseUrlVariable),
    key: isPair ? fileKey : (env.key ?? fileKey),
    provider: file.provider,
    freePaths: file.freePaths,
  }
}

const fromEnvironment = (api: Api, env: Environment): Read => {
  const key = keyIn(api, env)
  const text = env[api.baseUrlVariable]
  if (text === undefined || text.trim() === "") return { baseUrl: null, key, problems: [] }
  const read = readBaseUrl(text)
  if ("url" in read) return { baseUrl: read.url, key, problems: [] }
  const wrong = { ...placeIn(api.baseUrlVariable), found: read.found, allowed: BASE_URL }
  return { baseUrl: null, key, problems: [{ reason: "invalid_value", ...wrong }] }
}

const placeIn = (variable: string): Place => ({ source: "environment", line: null, key: variable })

/** An empty variable counts as not set. */
const keyIn = (api: Api, env: Environment): KeySource | null => {
  for (const [variable, sentAs] of api.keyVariables) {
    const text = env[variable]
    if (text === undefined || text === "") continue
    const secret = Redacted.make(text, { label: variable })
    return { from: "environment", secret, sentAs, place: placeIn(variable) }
  }
  for (const variable of api.fileVariables) {
    const path = env[variable]
    if (path === undefined || path === "") continue
    return { from: "file", path, sentAs: api.sentAs, place: placeIn(variable) }
  }
  return null
}
