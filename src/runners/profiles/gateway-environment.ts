/** What every agent gets in its environment: the gateway's address and its own key, for each vendor. */
import type { Environment } from "../../config/environment.ts"
import type { Situation, Vendor } from "./profile.ts"

/** The vendors differ in what their programs add to a base address themselves. */
export const addressesAt = (gateway: string): Readonly<Record<Vendor, string>> => ({
  anthropic: gateway,
  openai: `${gateway}/v1`,
  google: gateway,
})

const ADDRESS: Readonly<Record<Vendor, string>> = {
  anthropic: "ANTHROPIC_BASE_URL",
  openai: "OPENAI_BASE_URL",
  google: "GOOGLE_GEMINI_BASE_URL",
}

export const KEY: Readonly<Record<Vendor, string>> = {
  anthropic: "ANTHROPIC_API_KEY",
  openai: "OPENAI_API_KEY",
  google: "GEMINI_API_KEY",
}

export const gatewayEnvironment = ({
  gateway,
  keys,
  env: before,
}: Pick<Situation, "gateway" | "keys" | "env">): Readonly<Record<string, string>> => {
  const addresses = addressesAt(gateway)
  const env: Record<string, string> = { ...pastProxies(before) }
  for (const vendor of ["anthropic", "openai", "google"] as const) {
    const key = keys[vendor]
    env[ADDRESS[vendor]] = addresses[vendor]
    if (key !== null) env[KEY[vendor]] = key
  }
  return env
}

const PROXY_VARIABLES = ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"].flatMap((name) => [
  name,
  name.toLowerCase(),
])

/** Where a proxy is set, it is no way to the gateway, which can be reached on this machine alone. */
const pastProxies = (env: Environment): Readonly<Record<string, string>> => {
  if (!PROXY_VARIABLES.some((name) => env[name])) return {}
  const before = (env.no_proxy || env.NO_PROXY || "").trim()
  const names = [before, "127.0.0.1", "localhost"]
  // What excepts everything does so to most programs only where it stands alone.
  const all = before === "*" ? before : names.filter((name) => name !== "").join(",")
  return { NO_PROXY: all, no_proxy: all }
}
