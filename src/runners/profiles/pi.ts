/**
 * pi. It reads no address from a variable, only from a file of its own folder, so it gets a folder
 * that is the user's, entry by entry, but for the addresses and the keys and sign-ins kept there.
 */
import { join } from "node:path"
import { cloudCredentialsIn } from "./credential-variables.ts"
import { addressesAt } from "./gateway-environment.ts"
import { isJsonMap, type JsonMap, joined, readJsonMap } from "./json-text.ts"
import {
  type Additions,
  claimUnless,
  isPassedOn,
  type LaunchFile,
  type Place,
  type Profile,
  type Situation,
  VENDORS,
} from "./profile.ts"

const FOLDER_VARIABLE = "PI_CODING_AGENT_DIR"
const OWN_FOLDER = "pi"
const MODELS_FILE = "models.json"
const CREDENTIALS_FILE = "auth.json"

const agentFolder = ({ env, home }: Place): string =>
  env[FOLDER_VARIABLE] ?? join(home, ".pi", "agent")

export const PI: Profile = {
  program: "pi",
  title: "pi",
  meter: "pi",
  vendors: VENDORS,
  stopSignal: "SIGTERM",
  keepsCredentialsIn: (place) => [join(agentFolder(place), CREDENTIALS_FILE)],
  additions: (situation) => piAdditions(situation),
}

const QUIET = { PI_TELEMETRY: "0", PI_SKIP_VERSION_CHECK: "1" }

const piAdditions = (situation: Situation): Additions => {
  const { disk, folder } = situation
  const users = agentFolder(situation)
  const isPassed = isPassedOn(situation)
  const own = readJsonMap(disk.read(join(users, MODELS_FILE)))
  const withheld = isPassed ? [MODELS_FILE] : [MODELS_FILE, CREDENTIALS_FILE]
  const links: readonly LaunchFile[] = disk
    .list(users)
    .filter((name) => !withheld.includes(name))
    .map((name) => ({ path: join(OWN_FOLDER, name), target: join(users, name) }))
  const models = joined(own ?? {}, { providers: providersOf(situation, own ?? {}) })
  return {
    env: { ...QUIET, [FOLDER_VARIABLE]: join(folder, OWN_FOLDER) },
    files: [{ path: join(OWN_FOLDER, MODELS_FILE), text: JSON.stringify(models) }, ...links],
    claim: claimUnless([
      ...(isPassed ? ["pi's own sign-ins are passed on, and may lead past the gateway"] : []),
      ...otherWays(situation, own, users),
    ]),
  }
}

/** A key of the user's in the file would win over the variable, so it gives way too. */
const providersOf = ({ gateway, keys }: Situation, own: JsonMap): JsonMap => {
  const addresses = addressesAt(gateway)
  const baseUrls = { ...addresses, google: `${addresses.google}/v1beta` }
  const users = isJsonMap(own.providers) ? own.providers : {}
  return Object.fromEntries(
    VENDORS.map((vendor) => {
      const provider = users[vendor]
      const hasKey = isJsonMap(provider) && provider.apiKey !== undefined
      const key = keys[vendor]
      return [
        vendor,
        {
          baseUrl: baseUrls[vendor],
          ...(hasKey && key !== null ? { apiKey: key } : {}),
        },
      ]
    }),
  )
}

const otherWays = (
  { env, disk }: Situation,
  own: JsonMap | null,
  users: string,
): readonly string[] => {
  const models = join(users, MODELS_FILE)
  const providers = isJsonMap(own?.providers) ? Object.keys(own.providers) : []
  return [
    ...(own === null ? [`${models} is no plain JSON, and was left out`] : []),
    ...providers.map((name) => `${models} has models of its own (${name})`),
    ...disk.list(join(users, "extensions")).map((name) => `extension ${name} may bring models`),
    ...cloudCredentialsIn(env).map((name) => `${name} gives it models of a cloud`),
  ]
}
