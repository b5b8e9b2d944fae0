/** Signals to whole trees: the group as one, what left it singly. */
import type { ProcessEntry } from "./process-table.ts"
import type { ProcessTree } from "./process-tree.ts"
import type { Signaller } from "./signals.ts"

/** A tree and those of it that a look has just found alive. */
export interface LiveTree {
  readonly tree: ProcessTree
  readonly members: readonly ProcessEntry[]
}

/**
 * Signals the leader's group as one, where it is still ours, and everyone outside it singly.
 * The group comes first: unlike a list, it includes what was forked since the look.
 */
export const signalTree = (
  signaller: Signaller,
  { tree, members }: LiveTree,
  signal: NodeJS.Signals,
): void => {
  const pgid = tree.record.leader?.pid
  const witness = members.find((entry) => entry.pgid === pgid)
  const groupReached =
    pgid !== undefined &&
    witness !== undefined &&
    signaller.toGroup(pgid, witness, signal) === "sent"
  for (const entry of members) {
    if (!groupReached || entry.pgid !== pgid) signaller.toProcess(entry, signal)
  }
}

/** Each round stops what was forked during the one before; what is stopped forks no more. */
const FREEZE_ROUNDS = 20

/**
 * Stops every process of the trees, looking again until no new one appears, and only then kills.
 * Killing at once would lose children: those of a dead parent are nobody's, those of a stopped
 * one still point to it.
 */
export const freezeThenKill = (
  signaller: Signaller,
  doomed: readonly LiveTree[],
  lookAgain: () => readonly LiveTree[],
): void => {
  let found = doomed
  const frozen = new Set<string>()
  for (let round = 0; round < FREEZE_ROUNDS; round += 1) {
    if (freeze(signaller, found, frozen) === 0) break
    found = lookAgain()
  }
  for (const each of found) signalTree(signaller, each, "SIGKILL")
}

/** Returns how many processes were met for the first time. */
const freeze = (signaller: Signaller, found: readonly LiveTree[], frozen: Set<string>): number => {
  const before = frozen.size
  for (const { tree, members } of found) {
    const fresh = members.filter((entry) => !frozen.has(nameOf(entry)))
    if (fresh.length > 0) signalTree(signaller, { tree, members: fresh }, "SIGSTOP")
    for (const entry of fresh) frozen.add(nameOf(entry))
  }
  return frozen.size - before
}

const nameOf = ({ pid, startTime }: ProcessEntry): string => `${pid}:${startTime}`
