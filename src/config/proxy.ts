/**
 * The proxy between a run and its providers: `HTTPS_PROXY` and `NO_PROXY`, as curl and the agent
 * programs obey them, in lower case first. Only https goes through it: an upstream without TLS stands on
 * the same machine or network.
 */
import type { Environment } from "./environment.ts"
import { showText } from "./found.ts"
import type { Place, Problem } from "./problem.ts"

export interface ProxySetting {
  /** May hold a user name and a password. */
  readonly url: URL
  /** Where it was said. */
  readonly place: Place
}

export type ProxyRead = { readonly proxy: ProxySetting | null } | { readonly problem: Problem }

const DIRECT: ProxyRead = { proxy: null }
const PROXY_URL = "an http or https URL such as http://proxy.example.com:3128"

/** Null: it is reached directly. */
export const proxyTo = (target: URL, env: Environment): ProxyRead => {
  const variable = ["https_proxy", "HTTPS_PROXY"].find((name) => isSet(env[name]))
  if (variable === undefined || target.protocol !== "https:") return DIRECT
  if (isLoopback(target) || isExcepted(target, env.no_proxy || env.NO_PROXY || "")) return DIRECT
  const place = { source: "environment", line: null, key: variable } as const
  const text = env[variable]?.trim() ?? ""
  const url = URL.parse(text.includes("://") ? text : `http://${text}`)
  if (url?.protocol === "http:" || url?.protocol === "https:") return { proxy: { url, place } }
  // What stands before an @ may be a password.
  const found = text.includes("@") || url === null ? "none" : showText(`${url.protocol}//…`)
  return { problem: { reason: "invalid_value", ...place, found, allowed: PROXY_URL } }
}

const isSet = (text: string | undefined): boolean => text !== undefined && text.trim() !== ""

/** `[::1]` as `::1`, `Example.com.` as `example.com`. */
const nameOf = (host: string): string =>
  host
    .toLowerCase()
    .replace(/^\[(.*)\]$/, "$1")
    .replace(/(?<=.)\.$/, "")

/** No proxy can reach what is on this machine alone. */
const isLoopback = ({ hostname }: URL): boolean =>
  /^(?:localhost|.+\.localhost|127\.\d+\.\d+\.\d+|::1)$/.test(nameOf(hostname))

const HTTPS_PORT = "443"

/** Each entry is a name, which stands for all below it too, or `*`; a port narrows it. */
const isExcepted = (target: URL, except: string): boolean => {
  const name = nameOf(target.hostname)
  const port = target.port || HTTPS_PORT
  return except.split(/[\s,]+/).some((entry) => {
    const [, host = "", onlyPort] = /^(\[.*\]|[^:]*|.*:.*:.*?)(?::(\d+))?$/.exec(entry) ?? []
    if (host === "" || (onlyPort !== undefined && onlyPort !== port)) return false
    const excepted = nameOf(host).replace(/^\*?\./, "")
    return host === "*" || name === excepted || name.endsWith(`.${excepted}`)
  })
}
