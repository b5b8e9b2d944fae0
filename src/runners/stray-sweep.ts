/** Stops trees that have lost their supervisor: used by the guard, and at start after a crash. */
import type { ProcessIdentity } from "../../machines/vocabulary.ts"
import { climb, killLadder } from "./kill-ladder.ts"
import { systemTable } from "./process-table/system.ts"
import { identityOf, type ProcessTable } from "./process-table.ts"
import { processTree, type TreeRecord } from "./process-tree.ts"
import { type Kill, signaller } from "./signals.ts"
import { Sweeper, type SweeperPaces } from "./sweeper.ts"

/** A tree as it was recorded while its supervisor lived. */
export interface OrphanedTree extends TreeRecord {
  readonly graceMs: number
  readonly stopSignal?: NodeJS.Signals | undefined
  readonly contained?: boolean | undefined
  /** Processes seen with their parents, which the record alone would not find. */
  readonly seen?: readonly ProcessIdentity[] | undefined
}

/** What was found of one tree; `unkillable` is empty when all of it is dead now. */
export interface StrayReport {
  readonly tag: string
  readonly found: readonly ProcessIdentity[]
  readonly unkillable: readonly number[]
}

export interface StraySweepOptions {
  readonly table?: ProcessTable
  readonly kill?: Kill
  readonly paces?: Partial<SweeperPaces>
}

/**
 * Runs the kill ladder on every process that is left of these trees.
 * Resolves with one report a tree, in the order given, when each is dead or known to be unkillable.
 */
export const sweepStrays = async (
  orphans: readonly OrphanedTree[],
  options: StraySweepOptions = {},
): Promise<readonly StrayReport[]> => {
  const table = options.table ?? systemTable()
  const send = signaller(table, options.kill)
  const paces = options.paces ? { paces: options.paces } : {}
  const sweeper = new Sweeper({ table, signaller: send, ...paces })
  const reports = await Promise.all(
    orphans.map(async (orphan) => {
      const tree = processTree(table, orphan)
      tree.remember(orphan.seen ?? [])
      const swept = sweeper.add(tree)
      const found = swept.members()
      const outcome = await climb(killLadder(swept, { ...orphan, signaller: send }), orphan.graceMs)
      return {
        tag: orphan.tag,
        found: found.map((entry) => identityOf(table, entry)),
        unkillable: outcome.reaped ? [] : outcome.unkillable,
      }
    }),
  )
  sweeper.close()
  return reports
}
