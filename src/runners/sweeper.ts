/**
 * One loop that looks at all trees at once: each look is one pass over the process table,
 * however many trees there are.
 *
 * It looks slowly at trees that are well, to remember descendants while their parents live;
 * quickly at trees that are ending, to see them empty; and kills, at each look, what is left of
 * trees that are to be killed. It never gives a tree up: what cannot be killed is reported once
 * and tried again, slowly.
 */
import type { ProcessIdentity } from "../../machines/vocabulary.ts"
import type { ProcessEntry, ProcessSnapshot, ProcessTable } from "./process-table.ts"
import type { ProcessTree } from "./process-tree.ts"
import type { Signaller } from "./signals.ts"
import { freezeThenKill } from "./tree-signals.ts"

export interface SweeperOptions {
  readonly table: ProcessTable
  readonly signaller: Signaller
  readonly paces?: Partial<SweeperPaces>
  /** Called with the living members that carry no tag, when a new one was seen among them. */
  readonly onUntagged?: (tree: ProcessTree, identities: readonly ProcessIdentity[]) => void
}

export interface SweeperPaces {
  /** Between looks at trees that are well. */
  readonly observeEveryMs: number
  /** Between looks while a tree is ending: doubles from the first to the second. */
  readonly endingFirstMs: number
  readonly endingLastMs: number
  /** How long a tree may survive being killed before that is reported. */
  readonly killMs: number
  /** Between attempts on a tree that was reported, and after a look that failed. */
  readonly retryMs: number
}

const DEFAULT_PACES: SweeperPaces = {
  observeEveryMs: 1000,
  endingFirstMs: 5,
  endingLastMs: 80,
  killMs: 5000,
  retryMs: 1000,
}

/** `unkillable`: these pids are still alive; the sweeper goes on trying. */
export type KillOutcome =
  | { readonly reaped: true }
  | { readonly reaped: false; readonly unkillable: readonly number[] }

/** A process born during a look can be missed by it, but hardly by the next one as well. */
const LOOKS_TO_BELIEVE = 2

export class Sweeper {
  readonly #options: SweeperOptions
  readonly #paces: SweeperPaces
  readonly #trees = new Set<SweptTree>()
  #timer: NodeJS.Timeout | undefined
  #turn: ProcessSnapshot | undefined
  #endingMs: number
  #hurried = false
  #closed = false

  constructor(options: SweeperOptions) {
    this.#options = options
    this.#paces = { ...DEFAULT_PACES, ...options.paces }
    this.#endingMs = this.#paces.endingFirstMs
  }

  add(tree: ProcessTree): SweptTree {
    const swept = new SweptTree(tree, this.#paces.killMs, {
      members: () => {
        const members = this.#look(tree, this.#thisTurn())
        swept.noteLook(members)
        return members
      },
      hurry: () => this.#hurry(),
    })
    this.#trees.add(swept)
    // What was seen before its birth is no look at this tree.
    this.#turn = undefined
    if (this.#timer === undefined) this.#schedule(this.#paces.observeEveryMs)
    return swept
  }

  /** Stops looking; nothing is killed or resolved afterwards. */
  close(): void {
    this.#closed = true
    clearTimeout(this.#timer)
  }

  /** Many trees asked about in one turn share one pass: stopping all of them blocks nobody for long. */
  #thisTurn(): ProcessSnapshot {
    if (this.#turn === undefined) {
      this.#turn = this.#options.table.snapshot()
      queueMicrotask(() => {
        this.#turn = undefined
      })
    }
    return this.#turn
  }

  /** After a change of phase: look in this turn's end, and let the pace begin anew. */
  #hurry(): void {
    this.#endingMs = this.#paces.endingFirstMs
    if (this.#hurried) return
    this.#schedule(0)
    this.#hurried = true
  }

  #schedule(delayMs: number): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    if (this.#closed || this.#trees.size === 0) return
    this.#timer = setTimeout(() => this.#sweep(), delayMs)
    // Looking at trees that are well is no reason to keep the program alive.
    if ([...this.#trees].every(({ phase }) => phase === "well")) this.#timer.unref()
  }

  #sweep(): void {
    this.#hurried = false
    try {
      this.#lookAtAll()
    } catch {
      // No look, no conclusion: a table that cannot be read (no file descriptors left) empties no tree.
      this.#schedule(this.#paces.retryMs)
      return
    }
    this.#schedule(this.#nextDelayMs())
  }

  #lookAtAll(): void {
    const { table, signaller } = this.#options
    const snapshot = table.snapshot()
    const found = new Map<SweptTree, readonly ProcessEntry[]>()
    for (const swept of this.#trees) found.set(swept, this.#look(swept.tree, snapshot))
    const doomed = [...found]
      .filter(([swept, members]) => swept.phase === "killing" && members.length > 0)
      .map(([{ tree }, members]) => ({ tree, members }))
    freezeThenKill(signaller, doomed, () => {
      const again = table.snapshot()
      return doomed.map(({ tree }) => ({ tree, members: this.#look(tree, again) }))
    })
    for (const [swept, members] of found) if (swept.settle(members)) this.#trees.delete(swept)
  }

  #look(tree: ProcessTree, snapshot: ProcessSnapshot): readonly ProcessEntry[] {
    const { members, untagged, discovered } = tree.look(snapshot)
    if (discovered) this.#options.onUntagged?.(tree, untagged)
    return members
  }

  #nextDelayMs(): number {
    const trees = [...this.#trees]
    if (trees.some(({ phase, reported }) => phase !== "well" && !reported)) {
      const delayMs = this.#endingMs
      this.#endingMs = Math.min(delayMs * 2, this.#paces.endingLastMs)
      return delayMs
    }
    return trees.some(({ reported }) => reported) ? this.#paces.retryMs : this.#paces.observeEveryMs
  }
}

/** A tree under the sweeper's eyes: well, then ending, then killing; each once, none back. */
export class SweptTree {
  readonly tree: ProcessTree
  /** Who of it lives now. */
  readonly members: () => readonly ProcessEntry[]
  readonly #killMs: number
  readonly #hurry: () => void
  readonly #reaped = Promise.withResolvers<void>()
  readonly #killed = Promise.withResolvers<KillOutcome>()
  #phase: "well" | "ending" | "killing" = "well"
  #emptyLooks = 0
  #killingSinceMs = 0
  #reported = false

  constructor(
    tree: ProcessTree,
    killMs: number,
    sweeper: { members: () => readonly ProcessEntry[]; hurry: () => void },
  ) {
    this.tree = tree
    this.members = sweeper.members
    this.#killMs = killMs
    this.#hurry = sweeper.hurry
  }

  get phase(): "well" | "ending" | "killing" {
    return this.#phase
  }

  /** Whether it was reported as unkillable. */
  get reported(): boolean {
    return this.#reported
  }

  /** Resolves when no process of the tree is alive; only a tree that is ending is found empty. */
  get reaped(): Promise<void> {
    return this.#reaped.promise
  }

  /** From now on it is looked at often, until nothing of it is alive. */
  expectEnd(): void {
    if (this.#phase === "well") this.#phase = "ending"
    this.#hurry()
  }

  /** Kills whatever is alive, until nothing is. Resolves with the first outcome, each time the same. */
  kill(): Promise<KillOutcome> {
    if (this.#phase !== "killing") {
      this.#phase = "killing"
      this.#killingSinceMs = performance.now()
    }
    this.#hurry()
    return this.#killed.promise
  }

  /**
   * A look that somebody else needed is the first of two as well as any, but never the second:
   * several of them may come from one pass over the process table.
   */
  noteLook(members: readonly ProcessEntry[]): void {
    if (this.#phase !== "well") this.#emptyLooks = members.length === 0 ? 1 : 0
  }

  /** Concludes from one look; true when the tree is over. */
  settle(members: readonly ProcessEntry[]): boolean {
    if (this.#phase === "well") return false
    this.#emptyLooks = members.length === 0 ? this.#emptyLooks + 1 : 0
    if (this.#emptyLooks >= LOOKS_TO_BELIEVE) {
      this.#killed.resolve({ reaped: true })
      this.#reaped.resolve()
      return true
    }
    if (this.#isOverdue() && members.length > 0) {
      this.#reported = true
      this.#killed.resolve({ reaped: false, unkillable: members.map(({ pid }) => pid) })
    }
    return false
  }

  #isOverdue(): boolean {
    return this.#phase === "killing" && performance.now() - this.#killingSinceMs >= this.#killMs
  }
}
