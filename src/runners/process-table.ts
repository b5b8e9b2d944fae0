/**
 * Who is running on this machine: the port, and identity on top of it.
 *
 * A pid alone names nobody: the kernel hands it out again. A process is its pid, its start time
 * and the boot it belongs to; every answer here is about that identity.
 */
import type { ProcessIdentity } from "../../machines/vocabulary.ts"

/** One process as it was at one look. */
export interface ProcessEntry {
  readonly pid: number
  readonly ppid: number
  readonly pgid: number
  /** 0 where the system does not tell. */
  readonly sid: number
  /** The kernel's letter: R, S, D, T, Z … */
  readonly state: string
  /** Zombies are dead: nothing of them runs, and a PID 1 that does not reap keeps them for ever. */
  readonly dead: boolean
  /** Part of the identity, opaque. */
  readonly startTime: string
  /** The same instant as a number; comparable within one boot, in `ProcessTable.now`'s unit. */
  readonly startedAt: number
}

/** Every process at one look, shared by all trees that are examined with it. */
export interface ProcessSnapshot {
  readonly entries: ReadonlyMap<number, ProcessEntry>
  /** Pids of live processes whose environment carries `tag`. */
  readonly tagged: (tag: string) => ReadonlySet<number>
  readonly childrenOf: (pid: number) => readonly ProcessEntry[]
}

/**
 * Where processes are looked up: `/proc`, a copy of it in a test, or `ps`.
 * A look that fails for want of resources throws: it must never read as "nobody is there".
 */
export interface ProcessTable {
  readonly bootId: string
  readonly snapshot: () => ProcessSnapshot
  /** One process, read now; null when there is none. */
  readonly find: (pid: number) => ProcessEntry | null
  /** Time since boot in the unit of `startedAt`; NaN when unknown. */
  readonly now: () => number
}

export const identityOf = (
  { bootId }: ProcessTable,
  { pid, startTime }: ProcessEntry,
): ProcessIdentity => ({ pid, startTime, bootId })

/** The identity of the process that has `pid` now; null when there is none. */
export const identify = (table: ProcessTable, pid: number): ProcessIdentity | null => {
  const entry = table.find(pid)
  return entry === null ? null : identityOf(table, entry)
}

/** Whether the process of that identity still lives; a zombie and a later owner of its pid do not count. */
export const isSame = (table: ProcessTable, identity: ProcessIdentity): boolean => {
  if (identity.bootId !== table.bootId) return false
  const entry = table.find(identity.pid)
  return entry !== null && !entry.dead && entry.startTime === identity.startTime
}

/** Indexes entries by tag and by parent, each at its first use: most looks need only one of them. */
export const snapshotOf = (
  entries: ReadonlyMap<number, ProcessEntry>,
  tagsOf: (entry: ProcessEntry) => readonly string[],
): ProcessSnapshot => {
  let byTag: Map<string, Set<number>> | null = null
  let byParent: Map<number, ProcessEntry[]> | null = null
  return {
    entries,
    tagged: (tag) => {
      byTag ??= indexTags(entries, tagsOf)
      return byTag.get(tag) ?? NOBODY
    },
    childrenOf: (pid) => {
      byParent ??= Map.groupBy(entries.values(), ({ ppid }) => ppid)
      return byParent.get(pid) ?? []
    },
  }
}

const NOBODY: ReadonlySet<number> = new Set()

const indexTags = (
  entries: ReadonlyMap<number, ProcessEntry>,
  tagsOf: (entry: ProcessEntry) => readonly string[],
): Map<string, Set<number>> => {
  const byTag = new Map<string, Set<number>>()
  for (const entry of entries.values()) {
    if (entry.dead) continue
    for (const tag of tagsOf(entry)) {
      const pids = byTag.get(tag)
      if (pids === undefined) byTag.set(tag, new Set([entry.pid]))
      else pids.add(entry.pid)
    }
  }
  return byTag
}
