/**
 * Claude Code. Its settings files can set variables over the environment, so the environment alone
 * proves nothing: with a key it is told that its host manages the provider, and it disregards what
 * settings and its own sign-in say about that. That mode knows no sign-in; to pass one on, the
 * address is given as settings of the command line, which stand above the user's.
 */
import { join } from "node:path"
import { isJsonMap, readJsonMap } from "./json-text.ts"
import {
  type Additions,
  claimUnless,
  type LaunchFile,
  type Place,
  type Profile,
  type Recognised,
  type Situation,
} from "./profile.ts"

const QUIET = {
  DISABLE_TELEMETRY: "1",
  DISABLE_ERROR_REPORTING: "1",
  DISABLE_AUTOUPDATER: "1",
  CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: "1",
}

const SETTINGS_FILE = "claude-settings.json"

const configFolder = ({ env, home }: Place): string =>
  env.CLAUDE_CONFIG_DIR ?? join(home, ".claude")

export const CLAUDE: Profile = {
  program: "claude",
  title: "Claude Code",
  meter: "claude-code",
  vendors: ["anthropic"],
  // Only then it prints its account before it goes.
  stopSignal: "SIGINT",
  keepsCredentialsIn: (place) => [join(configFolder(place), ".credentials.json")],
  additions: (situation, recognised) =>
    situation.keys.anthropic === null
      ? passedOn(situation, recognised)
      : {
          env: { ...QUIET, CLAUDE_CODE_PROVIDER_MANAGED_BY_HOST: "1" },
          claim: claimUnless(managedDiversions(situation)),
        },
}

const SIGN_IN = [
  "ANTHROPIC_AUTH_TOKEN",
  "CLAUDE_CODE_OAUTH_TOKEN",
  "CLAUDE_CODE_OAUTH_REFRESH_TOKEN",
  "CLAUDE_CODE_OAUTH_TOKEN_FILE_DESCRIPTOR",
]

/** Put over whatever the user's settings say. */
const DIRECT = {
  CLAUDE_CODE_USE_BEDROCK: "0",
  CLAUDE_CODE_USE_VERTEX: "0",
  CLAUDE_CODE_USE_FOUNDRY: "0",
  CLAUDE_CODE_USE_MANTLE: "0",
}

const passedOn = (situation: Situation, { argsAt }: Recognised): Additions => {
  const isSettled = situation.command.some((word) => /^--settings(=|$)/.test(word))
  const canAdd = argsAt !== null && !isSettled
  const env = { ANTHROPIC_BASE_URL: situation.gateway, ...DIRECT }
  const files: readonly LaunchFile[] = canAdd
    ? [{ path: SETTINGS_FILE, text: JSON.stringify({ env }) }]
    : []
  return {
    env: QUIET,
    keep: SIGN_IN,
    args: canAdd ? ["--settings", join(situation.folder, SETTINGS_FILE)] : [],
    files,
    claim: claimUnless([
      "Claude Code's own sign-in is passed on, and could be used past the gateway",
      ...(canAdd ? [] : ["its settings may set another address over the environment's"]),
      ...managedDiversions(situation),
    ]),
  }
}

const MANAGED: Partial<Readonly<Record<NodeJS.Platform, string>>> = {
  linux: "/etc/claude-code/managed-settings.json",
  darwin: "/Library/Application Support/ClaudeCode/managed-settings.json",
}

/** What the machine's administrator has set stands above everything. */
const managedDiversions = ({ platform, disk }: Situation): readonly string[] => {
  const path = MANAGED[platform]
  const text = path === undefined ? null : disk.read(path)
  if (path === undefined || text === null) return []
  const settings = readJsonMap(text)
  if (settings === null) return [`${path} cannot be read as JSON`]
  const env = isJsonMap(settings.env) ? Object.keys(settings.env) : []
  return env
    .filter((name) => /^(ANTHROPIC|CLAUDE_CODE_USE|AWS)_/.test(name))
    .map((name) => `${path} sets ${name}`)
}
