/** What `stint replay` was asked to do, from its arguments, the environment and `stint.yaml`. */
import { access, constants } from "node:fs/promises"
import { homedir } from "node:os"
import { dirname, join, resolve } from "node:path"
import * as Result from "effect/Result"
import type { BudgetSettings } from "../../../machines/budget/settings.ts"
import { MS_PER_MINUTE } from "../../../machines/budget/settings.ts"
import type { Environment } from "../../config/environment.ts"
import { readSettingsFile } from "../../config/file.ts"
import { renderFlagHelp } from "../../config/flag-help.ts"
import { type FlagValues, flagOptions } from "../../config/flags.ts"
import type { OwnPrice } from "../../config/prices.ts"
import { resolveSettings } from "../../config/resolve.ts"
import { BadCall, readFlags } from "./arguments.ts"
import { HELP_FLAG, type OwnFlag, ownOptions, renderOwnFlags } from "./own-flags.ts"

export interface ReplayCall {
  readonly paths: readonly string[]
  readonly settings: BudgetSettings
  /** The user's own, before the bundled list. */
  readonly prices: readonly OwnPrice[]
  readonly idleMs: number
  /** A file, `-` for standard output, null for none. */
  readonly summary: string | null
  readonly warnings: readonly string[]
}

/** The flags of `stint replay` beside the settings. */
export const REPLAY_FLAGS: readonly OwnFlag[] = [
  {
    flag: "summary",
    placeholder: "FILE",
    meaning: "write what was found as JSON (-: standard output)",
    isFile: true,
  },
  HELP_FLAG,
]

const OPTIONS = { ...flagOptions("budget", "replay"), ...ownOptions(REPLAY_FLAGS) }

export const replayHelp = (): string => `Usage: stint replay [options] [PATH…]

What would this budget have done? Runs recorded usage through the real
supervisor on a virtual clock. Nothing is called or stopped, and no ledger is
touched.

PATH is a folder of Claude Code logs (default: ~/.claude/projects), or a file of
usage as NDJSON or CSV. Folders are searched for .jsonl, .ndjson and .csv, also
when compressed (.gz). A CSV has the header at,agentId,inputTokens,outputTokens,
cacheWriteTokens,cacheReadTokens (and taskId, id, model); NDJSON has objects
with the same names. What a call costs follows from its model's name.

Options:
${renderFlagHelp("budget", "replay")}
${renderOwnFlags(REPLAY_FLAGS)}

Exit status: 0, whether or not a limit was reached; 125 if it could not be done.
`

/** Throws `BadCall`, with every problem that was found. Returns null when help was asked for. */
export const readReplayArguments = async (
  argv: readonly string[],
  env: Environment,
  cwd: string,
): Promise<ReplayCall | null> => {
  const { values, positionals } = readFlags(argv, OPTIONS, "replay")
  if (values.help !== undefined) return null
  const file = await readSettingsFile(cwd)
  if (Result.isFailure(file)) throw new BadCall(file.failure.message)
  const resolved = resolveSettings({
    flags: values,
    env,
    ...(file.success === undefined ? {} : { file: file.success }),
  })
  if (Result.isFailure(resolved)) throw new BadCall(resolved.failure.message)
  const { budget, run, prices, warnings } = resolved.success
  const given = positionals.map((path) => resolve(cwd, path))
  return {
    paths: given.length > 0 ? given : await defaultPaths(env),
    settings: budget,
    prices,
    idleMs: Math.round(run.idleMinutes * MS_PER_MINUTE),
    summary: await summaryPath(values.summary, cwd),
    warnings,
  }
}

const summaryPath = async (given: FlagValues[string], cwd: string): Promise<string | null> => {
  const [path, ...more] = [given ?? []].flat().map(String)
  if (path === undefined) return null
  if (more.length > 0) throw new BadCall("command line: --summary: expected it once")
  if (path === "-") return path
  if (path === "") throw new BadCall('command line: --summary: found "", expected a file or -')
  const file = resolve(cwd, path)
  // Found out now, not after a gigabyte has been read.
  await access(dirname(file), constants.W_OK).catch(() => {
    throw new BadCall(`--summary ${path}: ${dirname(file)} is no folder that can be written to`)
  })
  return file
}

/** Where Claude Code keeps its logs. */
const defaultPaths = async (env: Environment): Promise<readonly string[]> => {
  const home = env.HOME || homedir()
  const places = env.CLAUDE_CONFIG_DIR
    ? env.CLAUDE_CONFIG_DIR.split(",")
    : [join(home, ".claude"), join(home, ".config", "claude")]
  const folders = places.map((place) => join(place.trim(), "projects"))
  const existing: string[] = []
  for (const folder of folders)
    if (
      await access(folder).then(
        () => true,
        () => false,
      )
    )
      existing.push(folder)
  if (existing.length > 0) return existing
  throw new BadCall(
    `no PATH was given, and there are no Claude Code logs in ${folders.join(" or ")}; ` +
      "give a folder of logs, or a usage file (CSV or NDJSON)",
  )
}
