/**
 * How a tree is stopped: ask, wait, kill.
 *
 * The steps are offered singly, because the grace between asking and killing belongs to whoever
 * decides (an agent's deadline is the machine's business). `climb` is the whole ladder for
 * those with no machine behind them: the guard, the sweep at start, and what a leader leaves behind.
 */
import { setTimeout as delay } from "node:timers/promises"
import type { ProcessEntry } from "./process-table.ts"
import type { Signaller } from "./signals.ts"
import type { KillOutcome, SweptTree } from "./sweeper.ts"
import { signalTree } from "./tree-signals.ts"

export interface LadderOptions {
  readonly signaller: Signaller
  /** What asks this program to end; SIGTERM where nothing else is known. */
  readonly stopSignal?: NodeJS.Signals | undefined
  /** Whether the tree is in a PID namespace, below a wrapper that must not be asked to stop. */
  readonly contained?: boolean | undefined
}

export interface KillLadder {
  /** Asks the whole tree to end. What is suspended is woken, or it would never hear. */
  readonly requestStop: (signal?: NodeJS.Signals) => void
  /** Kills the tree until nothing of it is alive; tells after a while what survives, and goes on. */
  readonly killTree: () => Promise<KillOutcome>
  /** Resolves when nothing of the tree is alive. Begins to watch for that, asks nobody. */
  readonly whenReaped: () => Promise<void>
  /** Signals the whole tree, in this order. */
  readonly signal: (...signals: readonly NodeJS.Signals[]) => void
}

export const killLadder = (swept: SweptTree, options: LadderOptions): KillLadder => {
  const { signaller, stopSignal = "SIGTERM", contained = false } = options
  const leader = swept.tree.record.leader
  // The wrapper's death is the death of the namespace: asked to stop, it would leave no grace.
  const isAsked = (entry: ProcessEntry): boolean => !(contained && entry.pid === leader?.pid)

  const signal = (...names: readonly NodeJS.Signals[]): void => {
    const members = lookOrNobody(swept)
    for (const name of names) {
      if (!contained) signalTree(signaller, { tree: swept.tree, members }, name)
      else for (const entry of members.filter(isAsked)) signaller.toProcess(entry, name)
    }
  }

  return {
    signal,
    requestStop: (name = stopSignal) => {
      signal(name, "SIGCONT")
      swept.expectEnd()
    },
    killTree: () => swept.kill(),
    whenReaped: () => {
      swept.expectEnd()
      return swept.reaped
    },
  }
}

/** Without a look nobody can be signalled safely; the kill that follows tries until it can. */
const lookOrNobody = (swept: SweptTree): readonly ProcessEntry[] => {
  try {
    return swept.members()
  } catch {
    return []
  }
}

/** The whole ladder: asks, waits for the grace, kills. Resolves early when nothing is left. */
export const climb = async (ladder: KillLadder, graceMs: number): Promise<KillOutcome> => {
  ladder.requestStop()
  const waiting = new AbortController()
  const reaped = ladder.whenReaped().then(() => true)
  const graceOver = delay(graceMs, false, { signal: waiting.signal }).catch(() => false)
  const endedByItself = await Promise.race([reaped, graceOver])
  waiting.abort()
  return endedByItself ? { reaped: true } : ladder.killTree()
}
