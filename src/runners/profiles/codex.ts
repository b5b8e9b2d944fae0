/**
 * Codex. No variable tells it an address; its command line does, and stands above its files and
 * profiles. Its credentials are kept in memory for this run, so that a sign-in stays out of reach;
 * and it does not resend what the gateway has refused.
 */
import { join } from "node:path"
import { addressesAt, KEY } from "./gateway-environment.ts"
import {
  type Additions,
  claimUnless,
  notThrough,
  type Place,
  type Profile,
  type Recognised,
  type Situation,
} from "./profile.ts"

const PROVIDER = "stint"

const homeFolder = ({ env, home }: Place): string => env.CODEX_HOME ?? join(home, ".codex")

export const CODEX: Profile = {
  program: "codex",
  title: "Codex",
  meter: "codex",
  vendors: ["openai"],
  stopSignal: "SIGTERM",
  keepsCredentialsIn: (place) => [join(homeFolder(place), "auth.json")],
  additions: (situation, recognised) => codexAdditions(situation, recognised),
}

const codexAdditions = (situation: Situation, { argsAt }: Recognised): Additions => {
  if (argsAt === null)
    return {
      claim: notThrough(
        "codex is told the gateway's address on its command line, and this one is not its own: give the command as a list of words that begins with codex",
      ),
    }
  const chosen = chosenProvider(situation.command.slice(argsAt))
  if (chosen !== null)
    return { claim: notThrough(`the command chooses its model provider itself (${chosen})`) }
  const isPassed = situation.keys.openai === null
  return {
    args: settingsOf(situation, isPassed).flatMap((setting) => ["-c", setting]),
    // Beside ChatGPT's sign-in, which it keeps in its own file.
    keep: isPassed ? ["CODEX_ACCESS_TOKEN"] : [],
    claim: claimUnless(
      isPassed ? ["Codex's own sign-in is passed on, and could be used past the gateway"] : [],
    ),
  }
}

/** The word by which the user has chosen a provider; null where none was. */
const chosenProvider = (words: readonly string[]): string | null => {
  for (const [index, word] of words.entries()) {
    if (word === "--") return null
    if (/^--(oss|local-provider)(=|$)/.test(word)) return word.replace(/=.*/, "")
    const setting = settingIn(word, words[index + 1])
    if (setting !== null && /^(model_provider|model_providers|openai_base_url)\b/.test(setting))
      return `-c ${setting.replace(/[.=].*/s, "")}`
  }
  return null
}

const settingIn = (word: string, next: string | undefined): string | null => {
  if (word === "-c" || word === "--config") return next ?? null
  return /^(?:-c|--config=)(?=\w)(.*)$/s.exec(word)?.[1] ?? null
}

/** A JSON text is a TOML text. */
const settingsOf = (
  { gateway, mustBeBounded }: Situation,
  isPassed: boolean,
): readonly string[] => {
  const provider = [
    `name=${JSON.stringify(PROVIDER)}`,
    `base_url=${JSON.stringify(addressesAt(gateway).openai)}`,
    isPassed ? "requires_openai_auth=true" : `env_key=${JSON.stringify(KEY.openai)}`,
    'wire_api="responses"',
    "request_max_retries=0",
    "stream_max_retries=0",
  ]
  return [
    `model_provider=${JSON.stringify(PROVIDER)}`,
    `model_providers.${PROVIDER}={${provider.join(",")}}`,
    ...(isPassed ? [] : ['cli_auth_credentials_store="ephemeral"']),
    "analytics.enabled=false",
    "check_for_update_on_startup=false",
    // It offers the provider's own search with every call, and what that reads has no bound.
    ...(mustBeBounded ? ['web_search="disabled"'] : []),
  ]
}
