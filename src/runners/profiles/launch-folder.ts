/**
 * The private folders that launches put their files into: one an agent, named after the process that
 * owns it, so that what a crash left behind is known and removed at the next start.
 */
import {
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs"
import { dirname, isAbsolute, join } from "node:path"
import type { ProcessIdentity } from "../../../machines/vocabulary.ts"
import { type Machine, stateFolder } from "../../config/ledger-path.ts"
import { isSame, type ProcessTable } from "../process-table.ts"
import { type SpawnFailure, spawnFailure } from "../program.ts"
import type { Disk, Launch } from "./profile.ts"

export interface PreparedLaunch {
  readonly prepared: true
  /** Removes the folder with all that is in it, but follows no link. Any number of times. */
  readonly dispose: () => void
}

const OWNER_ONLY = 0o700

/**
 * The user's own place for them: what a logout clears where there is such a folder, otherwise the
 * state folder. Nobody else may write above it, where that can be helped.
 */
export const launchRoot = (machine: Machine, disk: Disk): string => {
  const state = join(stateFolder(machine), "launches")
  const runtime = machine.env.XDG_RUNTIME_DIR ?? ""
  const isGood = isAbsolute(runtime) && disk.isFolder(runtime) && !disk.isWorldWritable(runtime)
  return isGood ? join(runtime, "stint") : state
}

/**
 * Where an agent's files go below `root`, which is the user's own. `key` is the agent's, unique for
 * ever.
 */
export const launchFolder = (root: string, owner: ProcessIdentity, key: string): string =>
  join(root, [owner.pid, owner.startTime, owner.bootId, key].map(encoded).join("."))

const encoded = (part: string | number): string =>
  encodeURIComponent(part).replaceAll(".", "%2E").replaceAll("*", "%2A")

/** Writes the launch's files; nothing is left behind where that fails. */
export const prepareLaunch = (
  { files }: Pick<Launch, "files">,
  folder: string,
): PreparedLaunch | SpawnFailure => {
  const dispose = (): void => removeIfAllowed(folder)
  if (files.length === 0) return { prepared: true, dispose }
  try {
    mkdirSync(dirname(folder), { recursive: true, mode: OWNER_ONLY })
    mkdirSync(folder, { mode: OWNER_ONLY })
  } catch (error) {
    return cannotPrepare(folder, error)
  }
  try {
    for (const file of files) {
      const path = join(folder, file.path)
      mkdirSync(dirname(path), { recursive: true, mode: OWNER_ONLY })
      if ("text" in file) writeFileSync(path, file.text, { mode: 0o600, flag: "wx" })
      else symlinkSync(file.target, path)
    }
    return { prepared: true, dispose }
  } catch (error) {
    dispose()
    return cannotPrepare(folder, error)
  }
}

const cannotPrepare = (folder: string, error: unknown): SpawnFailure =>
  spawnFailure(
    "failed",
    `Cannot prepare the agent's settings in ${folder}: ${error instanceof Error ? error.message : String(error)}. Free the place, or allow it to be written.`,
  )

/**
 * Removes folders whose owner is gone; those that another living Stint owns stay, and so does what
 * cannot be removed, such as what was made with another user's rights.
 */
export const sweepLaunchFolders = (root: string, table: ProcessTable): void => {
  for (const name of systemDisk.list(root)) {
    const [pid = "", startTime = "", bootId = "", key] = name.split(".").map(decoded)
    if (key === undefined || !/^\d+$/.test(pid)) continue
    if (!isSame(table, { pid: Number(pid), startTime, bootId })) removeIfAllowed(join(root, name))
  }
}

const removeIfAllowed = (folder: string): void => {
  try {
    rmSync(folder, { recursive: true, force: true })
  } catch {
    // Nobody needs it gone: names are never used again.
  }
}

const decoded = (part: string): string => {
  try {
    return decodeURIComponent(part)
  } catch {
    return part
  }
}

const ANYONE_MAY_WRITE = 0o002

/** This machine's disk. What cannot be read is as if it were not there. */
export const systemDisk: Disk = {
  read: (path) => {
    try {
      return readFileSync(path, "utf8")
    } catch {
      return null
    }
  },
  list: (path) => {
    try {
      return readdirSync(path).sort()
    } catch {
      return []
    }
  },
  isFolder: (path) => statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false,
  isWorldWritable: (folder) => pathTo(folder).some(isOpenToAll),
}

/** The folder and all above it. */
const pathTo = (folder: string): readonly string[] =>
  dirname(folder) === folder ? [folder] : [folder, ...pathTo(dirname(folder))]

const isOpenToAll = (folder: string): boolean => {
  const found = statSync(folder, { throwIfNoEntry: false })
  return found !== undefined && (found.mode & ANYONE_MAY_WRITE) !== 0
}
