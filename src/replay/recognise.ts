/** Which recordings lie under the given paths, and what each file is. */
import { readdir, realpath, stat } from "node:fs/promises"
import { join } from "node:path"
import { codeOf, ReplayFailed } from "./replay-failed.ts"

export type Format = "json lines" | "csv"

export interface Recording {
  readonly path: string
  readonly bytes: number
  /** Given by its own name; not just found in a folder, where a stranger's file may lie. */
  readonly named: boolean
}

const RECORDING = /\.(jsonl|ndjson|csv)(\.gz)?$/i

/** The format a name tells of; null when only the content can. */
export const formatOfName = (path: string): Format | null => {
  const extension = RECORDING.exec(path)?.[1]?.toLowerCase()
  return extension === undefined ? null : extension === "csv" ? "csv" : "json lines"
}

/** The format of a file whose name says nothing, by its first line that is not blank. */
export const formatOfLine = (line: Buffer): Format =>
  line.toString("utf8", 0, 1_000).trimStart().startsWith("{") ? "json lines" : "csv"

/** Every recording once, in a stable order: the paths as given, folders by name. */
export const findRecordings = async (paths: readonly string[]): Promise<readonly Recording[]> => {
  const search: Search = { seen: new Set(), found: [] }
  for (const path of paths) await visit(search, path, true)
  return search.found
}

interface Search {
  /** Real paths: a loop of links ends here, and a file given twice is counted once. */
  readonly seen: Set<string>
  readonly found: Recording[]
}

const visit = async (search: Search, path: string, named: boolean): Promise<void> => {
  const real = await identityOf(path).catch((error) => whenMissing(error, path, named))
  if (real === null || search.seen.has(real)) return
  search.seen.add(real)
  const stats = await stat(real).catch((error) => whenMissing(error, path, named))
  if (stats === null) return
  if (stats.isDirectory()) return visitFolder(search, path)
  if (named || (stats.isFile() && RECORDING.test(path)))
    search.found.push({ path, bytes: stats.size, named })
}

/** Its real path; a pipe (`/dev/stdin`, `<(…)`) has none and is what it is called. */
const identityOf = (path: string): Promise<string> =>
  realpath(path).catch((error) => {
    const asCalled = stat(path).then(() => path)
    return asCalled.catch(() => Promise.reject(error))
  })

const visitFolder = async (search: Search, folder: string): Promise<void> => {
  const entries = await readdir(folder, { withFileTypes: true }).catch((error) => {
    throw unreadable(folder, error)
  })
  const names = entries
    .filter((entry) => entry.isDirectory() || entry.isSymbolicLink() || RECORDING.test(entry.name))
    .map((entry) => entry.name)
  for (const name of names.sort()) await visit(search, join(folder, name), false)
}

/** A link that leads nowhere, or a file that has just been deleted, is no reason to give up. */
const whenMissing = (error: unknown, path: string, named: boolean): null => {
  const code = codeOf(error)
  if (code !== "ENOENT" && code !== "ENOTDIR" && code !== "ELOOP") throw unreadable(path, error)
  if (!named) return null
  throw new ReplayFailed({
    reason: "missing",
    path,
    message: `${path}: no such file or folder. Give a folder of Claude Code logs, or a usage file (CSV or NDJSON).`,
  })
}

export const unreadable = (path: string, error: unknown): ReplayFailed =>
  new ReplayFailed({
    reason: "unreadable",
    path,
    message: `${path}: cannot be read (${codeOf(error)}). Check its permissions, or leave it out.`,
  })
