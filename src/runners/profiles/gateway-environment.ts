/** What every agent gets in its environment: the gateway's address and its own key, for each vendor. */
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
}: Pick<Situation, "gateway" | "keys">): Readonly<Record<string, string>> => {
  const addresses = addressesAt(gateway)
  const env: Record<string, string> = {}
  for (const vendor of ["anthropic", "openai", "google"] as const) {
    const key = keys[vendor]
    env[ADDRESS[vendor]] = addresses[vendor]
    if (key !== null) env[KEY[vendor]] = key
  }
  return env
}
