/** The settings file of the working directory. */
import { readFile } from "node:fs/promises"
import { join } from "node:path"
import * as Result from "effect/Result"
import type { ConfigurationError } from "./problem.ts"
import { configurationError } from "./problem.ts"
import type { NamedValues } from "./source.ts"
import { readYaml } from "./yaml.ts"

export const SETTINGS_FILE = "stint.yaml"
/** Names that people reach for; settings in them would silently not count. */
const MISTAKEN_NAMES = ["stint.yml", ".stint.yaml", ".stint.yml"]

/**
 * Reads `stint.yaml` in `folder`; `undefined` when there is none.
 *
 * The values are not decoded yet: `resolveSettings` does that, with all the other sources.
 */
export const readSettingsFile = async (
  folder: string,
): Promise<Result.Result<NamedValues | undefined, ConfigurationError>> => {
  const text = await textOf(folder, SETTINGS_FILE)
  if (Result.isFailure(text)) return Result.fail(text.failure)
  if (text.success !== undefined) return readYaml(text.success, SETTINGS_FILE)
  for (const name of MISTAKEN_NAMES) {
    const other = await textOf(folder, name)
    if (Result.isFailure(other) || other.success !== undefined)
      return Result.fail(refused(name, "a file of this name", `it to be called ${SETTINGS_FILE}`))
  }
  return Result.succeed(undefined)
}

const textOf = async (
  folder: string,
  name: string,
): Promise<Result.Result<string | undefined, ConfigurationError>> => {
  try {
    return Result.succeed(await readFile(join(folder, name), "utf8"))
  } catch (error) {
    const code = codeOf(error)
    if (code === "ENOENT") return Result.succeed(undefined)
    return Result.fail(refused(name, `something unreadable (${code})`, "a file that can be read"))
  }
}

const codeOf = (error: unknown): string =>
  error instanceof Error && "code" in error ? String(error.code) : String(error)

const refused = (source: string, found: string, allowed: string): ConfigurationError =>
  configurationError([{ reason: "unreadable", source, line: null, key: "", found, allowed }])
