/** From a profile and a situation to a launch; and what a launch makes of a command line. */
import type { Environment } from "../../config/environment.ts"
import type { AgentProgram } from "../../config/plan.ts"
import { CLAUDE } from "./claude.ts"
import { CODEX } from "./codex.ts"
import { CREDENTIAL_VARIABLES } from "./credential-variables.ts"
import { gatewayEnvironment } from "./gateway-environment.ts"
import { GEMINI } from "./gemini.ts"
import { OPENCODE } from "./opencode.ts"
import { PI } from "./pi.ts"
import type { Launch, Profile, ProgramName, Recognised, Situation } from "./profile.ts"
import { recognise } from "./recognise.ts"
import { ANTHROPIC_SDK, GENERIC, GOOGLE_SDK, OPENAI_SDK } from "./sdk.ts"

const PROFILES: Readonly<Record<ProgramName, Profile>> = {
  claude: CLAUDE,
  codex: CODEX,
  gemini: GEMINI,
  opencode: OPENCODE,
  pi: PI,
  "anthropic-sdk": ANTHROPIC_SDK,
  "openai-sdk": OPENAI_SDK,
  "google-sdk": GOOGLE_SDK,
  generic: GENERIC,
}

export const profileOf = (program: ProgramName): Profile => PROFILES[program]

/** How the command is to be started; null for an agent that is not led through the gateway. */
export const launchOf = (agent: AgentProgram, situation: Situation): Launch | null => {
  const recognised = recognise(agent, situation.command)
  return recognised === null ? null : launchOfProgram(recognised, situation)
}

const launchOfProgram = (recognised: Recognised, situation: Situation): Launch => {
  const profile = profileOf(recognised.program)
  const {
    env = {},
    keep = [],
    args = [],
    files = [],
    claim,
  } = profile.additions(situation, recognised)
  const set = { ...gatewayEnvironment(situation), ...env }
  return {
    program: profile.program,
    env: set,
    unset: CREDENTIAL_VARIABLES.filter((name) => !(name in set) && !keep.includes(name)),
    args,
    argsAt: recognised.argsAt ?? situation.command.length,
    files,
    stopSignal: profile.stopSignal,
    claim,
  }
}

/** The command with the launch's arguments in their place. */
export const commandLineOf = (
  { args, argsAt }: Launch,
  [program, ...words]: Situation["command"],
): Situation["command"] => [
  program,
  ...words.slice(0, argsAt - 1),
  ...args,
  ...words.slice(argsAt - 1),
]

/** The environment with the launch's variables, and without those it takes away. */
export const environmentOf = ({ env, unset }: Launch, before: Environment): Environment => ({
  ...Object.fromEntries(Object.entries(before).filter(([name]) => !unset.includes(name))),
  ...env,
})
