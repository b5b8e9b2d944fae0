/**
 * The run: what follows from the newest rows, which the tables do not know yet.
 *
 * Written row by row, lookups and sums would touch a page of the file for every agent in every
 * batch, four kilobytes for a dozen bytes, and cost several times the rows themselves. So they
 * are gathered here and written some thousand rows at a time; after a crash the run is made
 * again from its rows.
 */
import { crc32 } from "node:zlib"
import type { Row } from "../../../machines/budget/row.ts"
import type { AgentKey, WindowId } from "../../../machines/vocabulary.ts"
import type { RolledUp } from "../ledger.ts"
import { keyOf, refOf, windowOf } from "../lookup.ts"
import type { Names } from "../sums.ts"

export interface WindowSpan {
  readonly firstSeq: number
  readonly lastSeq: number
}

export interface Run {
  readonly firstSeq: number
  /** Two for each row: of its id and of its agent's key; 0 for none. */
  readonly hashes: number[]
  readonly agents: Map<AgentKey, Names>
  readonly windows: Map<WindowId, WindowSpan>
  readonly sums: Map<string, RolledUp>
}

export const emptyRun = (firstSeq: number): Run => ({
  firstSeq,
  hashes: [],
  agents: new Map(),
  windows: new Map(),
  sums: new Map(),
})

export const rowsIn = (run: Run): number => run.hashes.length / 2

export const lastSeqOf = (run: Run): number => run.firstSeq + rowsIn(run) - 1

/** Everything but the sums, which need to look other rows up. */
export const addToRun = (run: Run, row: Row): void => {
  const [id, key] = hashesOf(row)
  run.hashes.push(id, key)
  if (row.kind === "admitted") run.agents.set(row.key, { agentId: row.agentId, taskId: row.taskId })
  const windowId = windowOf(row)
  if (windowId !== null) {
    const firstSeq = run.windows.get(windowId)?.firstSeq ?? row.seq
    run.windows.set(windowId, { firstSeq, lastSeq: row.seq })
  }
}

/** Two texts may share a hash: whoever looks up compares the rows it finds. */
export const hashOfId = (ref: string): number => crc32(`i${ref}`) || 1

export const hashOfKey = (key: AgentKey): number => crc32(`k${key}`) || 1

export const hashesOf = (row: Row): readonly [number, number] => {
  const ref = refOf(row)
  const key = keyOf(row)
  return [ref === null ? 0 : hashOfId(ref), key === null ? 0 : hashOfKey(key)]
}

export const seqsInRun = (run: Run, hash: number): readonly number[] => {
  const seqs: number[] = []
  const { hashes, firstSeq } = run
  for (let at = hashes.indexOf(hash); at !== -1; at = hashes.indexOf(hash, at + 1)) {
    const seq = firstSeq + (at >> 1)
    if (seq !== seqs.at(-1)) seqs.push(seq)
  }
  return seqs
}
