/**
 * Which processes belong to one agent.
 *
 * Four kinds: the leader's group and session; descendants seen by parent pid while they lived;
 * same-boot processes that carry the tag; and, where the agent is contained, its PID namespace,
 * whose processes always have a living parent inside and so are all found as descendants.
 * Never: ourselves, our ancestors, PID 1.
 */
import type { ProcessIdentity } from "../../machines/vocabulary.ts"
import {
  identityOf,
  type ProcessEntry,
  type ProcessSnapshot,
  type ProcessTable,
} from "./process-table.ts"

/** What is known of a tree from outside: enough to find it again after a crash. */
export interface TreeRecord {
  /** The last word of `STINT_TREE` in the environment of its processes; unique for ever. */
  readonly tag: string
  /** Null while it is being started, or when its start was never recorded. */
  readonly leader: ProcessIdentity | null
}

/** What one look found. */
export interface TreeLook {
  /** Who is alive. */
  readonly members: readonly ProcessEntry[]
  /** Members without the tag, which nobody who only knows the record would find once they have left. */
  readonly untagged: readonly ProcessIdentity[]
  /** Whether one of those was not there before. */
  readonly discovered: boolean
}

export interface ProcessTree {
  readonly record: TreeRecord
  /** Takes one look and remembers who was there. */
  readonly look: (snapshot: ProcessSnapshot) => TreeLook
  /** Adds processes someone else has seen. */
  readonly remember: (identities: readonly ProcessIdentity[]) => void
  /** To be called when the leader has ended: who joined its session before is still told apart. */
  readonly leaderEnded: () => void
}

export const processTree = (table: ProcessTable, record: TreeRecord): ProcessTree => {
  let seen = new Map<number, string>()
  let leaderEndedAt = Number.NEGATIVE_INFINITY

  const remember = (identities: readonly ProcessIdentity[]): void => {
    for (const { pid, startTime, bootId } of identities) {
      if (bootId === table.bootId) seen.set(pid, startTime)
    }
  }
  if (record.leader !== null) remember([record.leader])

  const look = (snapshot: ProcessSnapshot): TreeLook => {
    const found = findMembers(snapshot, { table, record, seen, leaderEndedAt })
    const members = [...found.values()]
    const tagged = snapshot.tagged(record.tag)
    const untagged = members.filter(({ pid }) => !tagged.has(pid))
    const discovered = untagged.some(({ pid, startTime }) => seen.get(pid) !== startTime)
    seen = new Map(members.map(({ pid, startTime }) => [pid, startTime]))
    return { members, untagged: untagged.map((entry) => identityOf(table, entry)), discovered }
  }

  return {
    record,
    look,
    remember,
    leaderEnded: () => {
      leaderEndedAt = table.now()
    },
  }
}

interface Memory {
  readonly table: ProcessTable
  readonly record: TreeRecord
  readonly seen: ReadonlyMap<number, string>
  readonly leaderEndedAt: number
}

const findMembers = (snapshot: ProcessSnapshot, memory: Memory): Map<number, ProcessEntry> => {
  if (isOfAnotherBoot(memory)) return new Map()
  const protectedPids = selfAndAncestors(snapshot)
  const members = new Map<number, ProcessEntry>()
  const claim = (entry: ProcessEntry | undefined): void => {
    if (entry !== undefined && !entry.dead && !protectedPids.has(entry.pid)) {
      members.set(entry.pid, entry)
    }
  }
  for (const [pid, startTime] of memory.seen) {
    const entry = snapshot.entries.get(pid)
    if (entry?.startTime === startTime) claim(entry)
  }
  for (const pid of snapshot.tagged(memory.record.tag)) claim(snapshot.entries.get(pid))
  for (const entry of sessionMembers(snapshot, memory, members)) claim(entry)
  // A Map visits what is added while it is walked: this reaches every generation.
  for (const pid of members.keys()) for (const child of snapshot.childrenOf(pid)) claim(child)
  return members
}

/** Nothing outlives a reboot, yet pids and start times may well repeat after one. */
const isOfAnotherBoot = ({ record, table }: Memory): boolean =>
  record.leader !== null && record.leader.bootId !== table.bootId

/**
 * The session and group that the leader began, as long as the number is provably still ours.
 * On a terminal, in the foreground, it began none: a number that is not its pid is never ours.
 * The kernel keeps a number from being given out while a process of ours, or a zombie of one, is
 * in the session. Once all of those are gone only processes from before the leader's end count:
 * they can have inherited that session from nobody else.
 */
const sessionMembers = (
  snapshot: ProcessSnapshot,
  { record, leaderEndedAt }: Memory,
  members: ReadonlyMap<number, ProcessEntry>,
): readonly ProcessEntry[] => {
  const { leader } = record
  if (leader === null) return []
  const owner = snapshot.entries.get(leader.pid)
  if (owner !== undefined && owner.startTime !== leader.startTime) return []
  const inSession = (entry: ProcessEntry): boolean =>
    entry.sid === leader.pid || entry.pgid === leader.pid
  const pinned = owner !== undefined || [...members.values()].some(inSession)
  return [...snapshot.entries.values()].filter(
    (entry) => inSession(entry) && (pinned || entry.startedAt <= leaderEndedAt),
  )
}

const selfAndAncestors = (snapshot: ProcessSnapshot): ReadonlySet<number> => {
  const protectedPids = new Set([0, 1])
  let pid: number | undefined = process.pid
  while (pid !== undefined && !protectedPids.has(pid)) {
    protectedPids.add(pid)
    pid = snapshot.entries.get(pid)?.ppid
  }
  return protectedPids
}
