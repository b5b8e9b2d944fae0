/** `upstreams` of a settings file: where each API's calls go, and where its key is found. */
import { BASE_URL, readBaseUrl } from "./base-url.ts"
import { isMap } from "./explain.ts"
import { MapReader } from "./map-reader.ts"
import type { Place, Problem } from "./problem.ts"
import type { NamedValues, Path } from "./source.ts"

export const UPSTREAMS = ["anthropic", "openai", "google"] as const
/** An API by the provider it is named after, whoever serves it. */
export type UpstreamName = (typeof UPSTREAMS)[number]

/** A key is never in a file of settings; what is there says where it is. */
export type FileKey =
  | { readonly from: "file"; readonly path: string; readonly place: Place }
  | {
      readonly from: "command"
      /** Program and arguments; a text becomes `sh -c`. */
      readonly command: readonly [string, ...(readonly string[])]
      readonly place: Place
    }

export interface FileUpstream {
  readonly baseUrl: URL | null
  /** Where that was said. */
  readonly baseUrlFrom: Place | null
  readonly key: FileKey | null
  /** Whose prices; null: whoever the base URL belongs to. */
  readonly provider: string | null
  readonly freePaths: readonly string[]
}

export type FileUpstreams = { readonly [Name in UpstreamName]?: FileUpstream }

const KEYS = ["baseUrl", "apiKeyFile", "apiKeyCommand", "provider", "freePaths"]
const NO_KEY_HERE =
  "no key in this file, which is shared and committed: put it into a file that only you can read and name that as apiKeyFile, name a command that prints it as apiKeyCommand, or set the provider's variable"
const PATHS = "a list of paths such as /v1/models, or /v1/files/* for all below"

export interface DecodedUpstreams {
  readonly upstreams: FileUpstreams
  readonly problems: readonly Problem[]
}

/** `value` is the map itself; no upstreams when there are problems. */
export const decodeUpstreams = (given: NamedValues): DecodedUpstreams => {
  const reader = new UpstreamReader(given)
  const upstreams = reader.upstreams()
  return { upstreams: reader.problems.length === 0 ? upstreams : {}, problems: reader.problems }
}

class UpstreamReader extends MapReader {
  upstreams(): FileUpstreams {
    const map = this.mapAt([], this.source.value, UPSTREAMS)
    const read: { -readonly [Name in UpstreamName]?: FileUpstream } = {}
    for (const name of UPSTREAMS)
      if (map[name] !== undefined) read[name] = this.upstream([name], map[name])
    return read
  }

  private upstream(path: Path, value: unknown): FileUpstream {
    const { apiKey, ...rest } = isMap(value) ? value : {}
    if (apiKey !== undefined) this.add("invalid_value", [...path, "apiKey"], "a key", NO_KEY_HERE)
    const map = this.mapAt(path, isMap(value) ? rest : value, KEYS)
    const baseUrl = this.baseUrl([...path, "baseUrl"], map.baseUrl)
    return {
      baseUrl,
      baseUrlFrom: baseUrl === null ? null : this.placeOf([...path, "baseUrl"]),
      key: this.key(path, map.apiKeyFile, map.apiKeyCommand),
      provider: this.provider([...path, "provider"], map.provider),
      freePaths: this.freePaths([...path, "freePaths"], map.freePaths),
    }
  }

  private baseUrl(path: Path, value: unknown): URL | null {
    if (value === undefined) return null
    if (typeof value !== "string") return this.wrong(path, value, BASE_URL)
    const read = readBaseUrl(value)
    if ("url" in read) return read.url
    this.add("invalid_value", path, read.found, BASE_URL)
    return null
  }

  private key(path: Path, file: unknown, command: unknown): FileKey | null {
    if (file !== undefined && command !== undefined)
      this.add("invalid_value", path, "apiKeyFile and apiKeyCommand", "only one of them")
    if (file !== undefined) return this.keyFile([...path, "apiKeyFile"], file)
    if (command !== undefined) return this.keyCommand([...path, "apiKeyCommand"], command)
    return null
  }

  private keyFile(path: Path, value: unknown): FileKey | null {
    if (typeof value === "string" && value.trim() !== "" && !value.includes("\0"))
      return { from: "file", path: value, place: this.placeOf(path) }
    return this.wrong(path, value, "the path of a file")
  }

  private keyCommand(path: Path, value: unknown): FileKey | null {
    const place = this.placeOf(path)
    if (typeof value === "string" && value.trim() !== "")
      return { from: "command", command: ["sh", "-c", value], place }
    if (Array.isArray(value) && value.every((word) => typeof word === "string")) {
      const [program, ...rest] = value
      if (program !== undefined && program !== "")
        return { from: "command", command: [program, ...rest], place }
    }
    return this.wrong(path, value, "a list of texts (program, arguments), or one text for `sh -c`")
  }

  private provider(path: Path, value: unknown): string | null {
    if (value === undefined) return null
    if (typeof value === "string" && /^\S+$/.test(value)) return value
    return this.wrong(path, value, "the name of a provider whose prices count, such as openrouter")
  }

  private freePaths(path: Path, value: unknown): readonly string[] {
    if (value === undefined) return []
    if (!Array.isArray(value)) {
      this.wrong(path, value, PATHS)
      return []
    }
    for (const [index, each] of value.entries())
      if (!isFreePath(each)) this.wrong([...path, String(index)], each, "a path such as /v1/models")
    return value.filter(isFreePath)
  }

  private placeOf(path: Path): Place {
    const { source, line, key } = this.problem("unreadable", path, "", "")
    return { source, line, key }
  }
}

/** Nothing that a server could read as another path: no dots between slashes, no escapes. */
const isFreePath = (value: unknown): value is string =>
  typeof value === "string" && /^(?:\/[\w~:-][\w.~:-]*)+(?:\/\*)?$/.test(value)
