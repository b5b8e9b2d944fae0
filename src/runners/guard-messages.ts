/**
 * What a supervisor tells its guard, one JSON object a line.
 * No library reads them: the guard is to be small.
 */
import type { ProcessIdentity } from "../../machines/vocabulary.ts"
import type { TreeRecord } from "./process-tree.ts"

/** A tree and how it is to be stopped. */
export interface GuardedTree extends TreeRecord {
  readonly contained: boolean
  readonly stopSignal: NodeJS.Signals
  readonly graceMs: number
}

/** Whoever stops our trees should we die: told of each before its birth, and after its end. */
export interface TreeGuard {
  /** Said again for the same tag, it replaces what was said before. */
  readonly watch: (tree: GuardedTree) => void
  /** Processes of a tree which its record alone would not find; replaces those told before. */
  readonly seen: (tag: string, identities: readonly ProcessIdentity[]) => void
  readonly forget: (tag: string) => void
}

/** `seen` replaces what was seen of that tree before. */
export type GuardMessage =
  | { readonly tree: GuardedTree }
  | { readonly seen: { readonly tag: string; readonly identities: readonly ProcessIdentity[] } }
  | { readonly gone: string }
  | { readonly bye: true }

export const encodeMessage = (message: GuardMessage): string => `${JSON.stringify(message)}\n`

/** Null for a line cut short by the supervisor's death. */
export const decodeMessage = (line: string): GuardMessage | null => {
  try {
    const value: GuardMessage = JSON.parse(line)
    return value !== null && typeof value === "object" ? value : null
  } catch {
    return null
  }
}
