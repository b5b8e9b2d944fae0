/** Where each vendor's calls would go on to, and whose key would pay: by variables, names only. */
import type { Environment } from "../../config/environment.ts"
import { VENDORS, type Vendor } from "./profile.ts"

export interface Upstream {
  readonly vendor: Vendor
  readonly address: string
  /** The variable that gives the address; null for the vendor's own. */
  readonly addressFrom: string | null
  /** The variable that holds the key; null: there is none. */
  readonly keyFrom: string | null
}

const KNOWN: Readonly<
  Record<Vendor, { address: string; variable: string; keys: readonly string[] }>
> = {
  anthropic: {
    address: "https://api.anthropic.com",
    variable: "ANTHROPIC_BASE_URL",
    keys: ["ANTHROPIC_API_KEY"],
  },
  openai: {
    address: "https://api.openai.com/v1",
    variable: "OPENAI_BASE_URL",
    keys: ["OPENAI_API_KEY", "CODEX_API_KEY"],
  },
  google: {
    address: "https://generativelanguage.googleapis.com",
    variable: "GOOGLE_GEMINI_BASE_URL",
    keys: ["GEMINI_API_KEY", "GOOGLE_API_KEY"],
  },
}

export const upstreamsOf = (env: Environment): readonly Upstream[] =>
  VENDORS.map((vendor) => {
    const { address, variable, keys } = KNOWN[vendor]
    const given = env[variable]
    return {
      vendor,
      address: given === undefined || given === "" ? address : withoutSecrets(given),
      addressFrom: given === undefined || given === "" ? null : variable,
      keyFrom: keys.find((name) => env[name] !== undefined && env[name] !== "") ?? null,
    }
  })

/** An address may carry a password or a token in it. */
const withoutSecrets = (address: string): string => {
  if (!URL.canParse(address)) return "what is no address"
  const { protocol, host, pathname } = new URL(address)
  return `${protocol}//${host}${pathname}`
}
