/**
 * Writes the generated pages of `docs/reference`; with `--check` only says which are out of date.
 *
 * Run as a script; exit status 1 when a page is out of date, 0 otherwise.
 */
import { readFileSync, writeFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { renderSettingsReference } from "../config/reference.ts"
import { renderCallBoundsReference } from "./call-bounds.ts"
import { renderCommandLineReference } from "./command-line.ts"
import { renderExitCodesReference } from "./exit-codes.ts"
import { renderReasonsReference } from "./reasons.ts"
import { renderMachinesReference } from "./statecharts.ts"

const FOLDER = new URL("../../docs/reference/", import.meta.url)

/** Every generated page by its file's name. */
export const PAGES: Readonly<Record<string, () => string>> = {
  "call-bounds.md": renderCallBoundsReference,
  "cli.md": renderCommandLineReference,
  "exit-codes.md": renderExitCodesReference,
  "machines.md": renderMachinesReference,
  "reasons.md": renderReasonsReference,
  "settings.md": renderSettingsReference,
}

/** The pages that are missing or not as they would be written now. */
export const outdatedPages = (folder: URL = FOLDER): readonly string[] =>
  Object.entries(PAGES).flatMap(([file, render]) =>
    readPage(new URL(file, folder)) === render() ? [] : [file],
  )

export const writePages = (folder: URL = FOLDER): void => {
  for (const [file, render] of Object.entries(PAGES)) writeFileSync(new URL(file, folder), render())
}

const readPage = (page: URL): string | null => {
  try {
    return readFileSync(page, "utf8")
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return null
    throw error
  }
}

const check = (): number => {
  const outdated = outdatedPages()
  for (const file of outdated)
    process.stderr.write(`docs/reference/${file} is out of date: run \`npm run fix\`\n`)
  return outdated.length === 0 ? 0 : 1
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  if (process.argv.includes("--check")) process.exitCode = check()
  else writePages()
}
