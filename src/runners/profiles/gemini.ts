/**
 * Gemini CLI. Its address and key are variables, but which sign-in it uses is a setting, and the
 * system's settings stand above the user's: it gets the system's own with that one put over them.
 * Its own sign-in speaks an API of its own, so it cannot be passed on.
 */
import { join } from "node:path"
import { joined, readJsonMap } from "./json-text.ts"
import {
  type Additions,
  notThrough,
  type Place,
  type Profile,
  RESERVED,
  type Situation,
} from "./profile.ts"

const SETTINGS_FILE = "gemini-settings.json"
const SETTINGS_VARIABLE = "GEMINI_CLI_SYSTEM_SETTINGS_PATH"

const ownFolder = ({ env, home }: Place): string => join(env.GEMINI_CLI_HOME ?? home, ".gemini")

export const GEMINI: Profile = {
  program: "gemini",
  title: "Gemini CLI",
  meter: "gemini",
  vendors: ["google"],
  stopSignal: "SIGTERM",
  keepsCredentialsIn: (place) => [
    join(ownFolder(place), "oauth_creds.json"),
    join(ownFolder(place), ".env"),
  ],
  additions: (situation) => geminiAdditions(situation),
}

const SETTINGS = {
  security: { auth: { selectedType: "gemini-api-key" } },
  privacy: { usageStatisticsEnabled: false },
}

const SYSTEM: Partial<Readonly<Record<NodeJS.Platform, string>>> = {
  linux: "/etc/gemini-cli/settings.json",
  darwin: "/Library/Application Support/GeminiCli/settings.json",
}

/** A wrapper process would keep running, and spending, when the one inside it is stopped. */
const NO_RELAUNCH = { GEMINI_CLI_NO_RELAUNCH: "true" }

const geminiAdditions = ({ env, keys, platform, disk, folder }: Situation): Additions => {
  const without = (because: string): Additions => ({
    env: NO_RELAUNCH,
    claim: notThrough(because),
  })
  if (keys.google === null)
    return without(
      "Gemini CLI's own sign-in does not speak the Gemini API: give a GEMINI_API_KEY to lead it through the gateway",
    )
  const system = env[SETTINGS_VARIABLE] ?? SYSTEM[platform]
  const settings = readJsonMap(system === undefined ? null : disk.read(system))
  if (settings === null)
    return without(`${system} is no plain JSON, so its settings could not be kept`)
  if (disk.isWorldWritable(folder))
    return without(`Gemini CLI disregards settings in ${folder}: others can write above it`)
  return {
    env: { ...NO_RELAUNCH, [SETTINGS_VARIABLE]: join(folder, SETTINGS_FILE) },
    files: [{ path: SETTINGS_FILE, text: JSON.stringify(joined(settings, SETTINGS)) }],
    claim: RESERVED,
  }
}
