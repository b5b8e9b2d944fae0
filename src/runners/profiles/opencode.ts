/**
 * opencode. Configuration in a variable stands above its files: addresses and keys of the three
 * vendors, and no other vendor. What it has signed in to is hidden by an empty account of it, since
 * a sign-in would lead past the address.
 */
import { join } from "node:path"
import { addressesAt } from "./gateway-environment.ts"
import { type JsonMap, joined, readJsonMap } from "./json-text.ts"
import {
  type Additions,
  claimUnless,
  isPassedOn,
  notThrough,
  type Place,
  type Profile,
  type Situation,
  VENDORS,
} from "./profile.ts"

const CONFIG_VARIABLE = "OPENCODE_CONFIG_CONTENT"
const AUTH_VARIABLE = "OPENCODE_AUTH_CONTENT"

const dataFolder = ({ env, home }: Place): string =>
  join(env.XDG_DATA_HOME ?? join(home, ".local", "share"), "opencode")

export const OPENCODE: Profile = {
  program: "opencode",
  title: "opencode",
  meter: "opencode",
  vendors: VENDORS,
  stopSignal: "SIGTERM",
  keepsCredentialsIn: (place) => [join(dataFolder(place), "auth.json")],
  additions: (situation) => opencodeAdditions(situation),
}

const QUIET = { OPENCODE_DISABLE_AUTOUPDATE: "1", OPENCODE_DISABLE_MODELS_FETCH: "1" }

/** What the machine's administrator has set stands above the variable. */
const MANAGED: Partial<Readonly<Record<NodeJS.Platform, string>>> = {
  linux: "/etc/opencode",
  darwin: "/Library/Application Support/opencode",
}

const opencodeAdditions = (situation: Situation): Additions => {
  const own = readJsonMap(situation.env[CONFIG_VARIABLE])
  if (own === null) return { claim: notThrough(`${CONFIG_VARIABLE} is no plain JSON`) }
  const isPassed = isPassedOn(situation)
  return {
    env: {
      ...QUIET,
      [CONFIG_VARIABLE]: JSON.stringify(joined(own, configOf(situation))),
      ...(isPassed ? {} : { [AUTH_VARIABLE]: "{}" }),
    },
    claim: claimUnless([
      ...(isPassed ? ["opencode's own sign-ins may lead past the gateway"] : []),
      ...managed(situation),
    ]),
  }
}

const configOf = ({ gateway, keys }: Situation): JsonMap => {
  const addresses = addressesAt(gateway)
  const optionsOf = (baseURL: string, apiKey: string | null): JsonMap => ({
    options: { baseURL, ...(apiKey === null ? {} : { apiKey }) },
  })
  return {
    autoupdate: false,
    share: "disabled",
    enabled_providers: VENDORS,
    provider: {
      anthropic: optionsOf(`${addresses.anthropic}/v1`, keys.anthropic),
      openai: optionsOf(addresses.openai, keys.openai),
      google: optionsOf(`${addresses.google}/v1beta`, keys.google),
    },
  }
}

const managed = ({ platform, disk }: Situation): readonly string[] => {
  const folder = MANAGED[platform]
  if (folder === undefined) return []
  return disk
    .list(folder)
    .filter((name) => /^opencode\.jsonc?$/.test(name))
    .map((name) => `${join(folder, name)} stands above what it is given`)
}
