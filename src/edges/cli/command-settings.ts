/** The settings as one call of a command has them, and where its ledger is. */
import * as Result from "effect/Result"
import type { Environment } from "../../config/environment.ts"
import { readSettingsFile } from "../../config/file.ts"
import type { FlagValues } from "../../config/flags.ts"
import { ledgerPath, thisMachine } from "../../config/ledger-path.ts"
import { type ResolvedSettings, resolveSettings } from "../../config/resolve.ts"
import { SETTINGS } from "../../config/settings-table.ts"
import type { OwnFlag } from "./own-flags.ts"

/** For commands that take no other setting. */
export const LEDGER_FLAG: OwnFlag = {
  flag: "ledger",
  placeholder: "PATH",
  meaning: `${SETTINGS.ledger.meaning} (default ${SETTINGS.ledger.defaultText})`,
  isFile: true,
}

export interface CommandSettings extends ResolvedSettings {
  /** Absolute. */
  readonly ledger: string
}

/** Throws `ConfigurationError` with every problem of every source. */
export const commandSettings = async (
  flags: FlagValues,
  env: Environment,
  cwd: string,
): Promise<CommandSettings> => {
  const file = Result.getOrThrow(await readSettingsFile(cwd))
  const resolved = Result.getOrThrow(
    resolveSettings({ flags, env, ...(file === undefined ? {} : { file }) }),
  )
  const ledger = ledgerPath(resolved.run.ledger, machineOf(env, cwd))
  return { ...resolved, ledger }
}

const machineOf = (env: Environment, cwd: string) => {
  const machine = thisMachine()
  return { ...machine, env, folder: cwd, home: env.HOME || machine.home }
}
