/** Who is running, as the kernel tells it in `/proc`. */
import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import {
  type ProcessEntry,
  type ProcessSnapshot,
  type ProcessTable,
  snapshotOf,
} from "../process-table.ts"
import { tagsIn } from "../tree-tag.ts"

/** Kernel clock ticks a second in `/proc`; 100 on every Linux that Node runs on. */
const TICKS_PER_SECOND = 100
/** A process may still be between fork and exec, with the environment of its parent, for this long. */
const SETTLED_AFTER_TICKS = 2 * TICKS_PER_SECOND

/** Reads `/proc`, or a folder in its shape. */
export const procTable = (root = "/proc"): ProcessTable => {
  const environments = new Map<number, { startTime: string; tags: readonly string[] }>()
  const now = (): number => readUptimeTicks(root)

  const tagsOf = (entry: ProcessEntry, at: number): readonly string[] => {
    const known = environments.get(entry.pid)
    if (known?.startTime === entry.startTime) return known.tags
    const tags = readTags(root, entry.pid)
    if (tags.length > 0 || at - entry.startedAt > SETTLED_AFTER_TICKS) {
      environments.set(entry.pid, { startTime: entry.startTime, tags })
    }
    return tags
  }

  const snapshot = (): ProcessSnapshot => {
    const at = now()
    const entries = readEntries(root)
    for (const pid of environments.keys()) if (!entries.has(pid)) environments.delete(pid)
    return snapshotOf(entries, (entry) => tagsOf(entry, at))
  }

  return { bootId: readBootId(root), snapshot, find: (pid) => readEntry(root, pid), now }
}

const readEntries = (root: string): Map<number, ProcessEntry> => {
  const entries = new Map<number, ProcessEntry>()
  for (const name of readdirSync(root)) {
    const pid = Number(name)
    if (!Number.isInteger(pid)) continue
    const entry = readEntry(root, pid)
    if (entry !== null) entries.set(pid, entry)
  }
  return entries
}

const readEntry = (root: string, pid: number): ProcessEntry | null => {
  const text = readOrNull(join(root, String(pid), "stat"))
  return text === null ? null : parseStat(text)
}

/**
 * One line of `/proc/PID/stat`; null when it is not one.
 * The program's name stands in parentheses and may hold spaces and parentheses of its own, so
 * fields are counted from the last `)`.
 */
export const parseStat = (line: string): ProcessEntry | null => {
  const pid = Number.parseInt(line, 10)
  const fields = line.slice(line.lastIndexOf(")") + 2).split(" ")
  const [state, ppid, pgid, sid] = fields
  const threads = Number(fields[17])
  const startTime = fields[19]
  if (!Number.isInteger(pid) || state === undefined || startTime === undefined) return null
  return {
    pid,
    ppid: Number(ppid),
    pgid: Number(pgid),
    sid: Number(sid),
    state,
    // A main thread may end before the others: such a process is shown as Z and still runs.
    dead: state === "X" || (state === "Z" && !(threads > 1)),
    startTime,
    startedAt: Number(startTime),
  }
}

/** Empty when the process is gone, belongs to someone else or has no tag. */
const readTags = (root: string, pid: number): readonly string[] => {
  const environment = readOrNull(join(root, String(pid), "environ"))
  return environment === null ? [] : tagsIn(environment.split("\0"))
}

const readBootId = (root: string): string =>
  readOrNull(join(root, "sys/kernel/random/boot_id"))?.trim() ??
  /^btime (\d+)$/m.exec(readOrNull(join(root, "stat")) ?? "")?.[1] ??
  "unknown"

/** Rounded, for 0.29 × 100 is a little less than the tick it means. */
const readUptimeTicks = (root: string): number =>
  Math.round(Number.parseFloat(readOrNull(join(root, "uptime")) ?? "") * TICKS_PER_SECOND)

/**
 * Null when there is nothing to see: processes vanish between the listing and the reading, and
 * environments of others are closed to us. Any other failure (no descriptors left) is thrown.
 */
const readOrNull = (path: string): string | null => {
  try {
    return readFileSync(path, "latin1")
  } catch (error) {
    if (error instanceof Error && "code" in error && UNSEEN.has(String(error.code))) return null
    throw error
  }
}

const UNSEEN = new Set(["ENOENT", "ESRCH", "EACCES", "EPERM", "ENOTDIR"])
