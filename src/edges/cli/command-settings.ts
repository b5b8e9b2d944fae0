/** The settings as one call of a command has them, and where its ledger is. */
import * as Result from "effect/Result"
import type { Environment } from "../../config/environment.ts"
import { readSettingsFile } from "../../config/file.ts"
import type { FlagValues } from "../../config/flags.ts"
import type { RunSources } from "../../config/kept.ts"
import { ledgerPath, thisMachine } from "../../config/ledger-path.ts"
import type { Plan } from "../../config/plan.ts"
import { type ResolvedSettings, resolveSettings } from "../../config/resolve.ts"
import { SETTINGS } from "../../config/settings-table.ts"
import { isGiven, readFlags } from "./arguments.ts"
import { type CommandIo, say, write } from "./output.ts"
import { type CommandSheet, type OwnFlag, ownOptions } from "./own-flags.ts"

/** For commands that take no other setting. */
export const LEDGER_FLAG: OwnFlag = {
  flag: "ledger",
  placeholder: "PATH",
  meaning: `${SETTINGS.ledger.meaning} (default ${SETTINGS.ledger.defaultText})`,
  isFile: true,
}

export interface CommandSettings extends ResolvedSettings {
  /** Where they came from: to be resolved again with what the ledger keeps. */
  readonly sources: RunSources
  /** Absolute. */
  readonly ledger: string
}

/** Throws `ConfigurationError` with every problem of every source. */
export const commandSettings = async (
  flags: FlagValues,
  env: Environment,
  cwd: string,
): Promise<CommandSettings> => {
  const sources = await runSources(flags, env, cwd)
  const resolved = Result.getOrThrow(resolveSettings(sources))
  const ledger = ledgerPath(resolved.run.ledger, machineOf(env, cwd))
  return { ...resolved, sources, ledger }
}

/** All but the ledger's, which nobody knows before it is open. */
export const runSources = async (
  flags: FlagValues,
  env: Environment,
  cwd: string,
  plan: Plan | null = null,
): Promise<RunSources> => {
  const file = Result.getOrThrow(await readSettingsFile(cwd))
  return {
    flags,
    env,
    ...(plan?.budget === undefined ? {} : { plan: plan.budget }),
    ...(file === undefined ? {} : { file }),
  }
}

export interface SettingsCall extends CommandSettings {
  readonly values: FlagValues
  readonly operands: readonly string[]
}

/** What a command that takes no other setting was asked; null when that was help, given already. */
export const readSettingsCall = async (
  name: string,
  { flags, help }: CommandSheet,
  argv: readonly string[],
  io: CommandIo,
): Promise<SettingsCall | null> => {
  const { values, positionals } = readFlags(argv, ownOptions(flags), name)
  if (isGiven(values, "help")) {
    await write(io.stdout, [help()])
    return null
  }
  const settings = await commandSettings(values, io.env, io.cwd)
  for (const warning of settings.warnings) await say(io, warning)
  return { ...settings, values, operands: positionals }
}

const machineOf = (env: Environment, cwd: string) => {
  const machine = thisMachine()
  return { ...machine, env, folder: cwd, home: env.HOME || machine.home }
}
