/** How far a program that prints usage faster than a disk takes rows may run ahead of it. */

/** Hundreds of times what a fleet of agents reports in a second, and at most some 10 MB. */
export const WAITING_ROWS_MAX = 8_192

export interface Waiting {
  /** How many rows wait for the disk. */
  readonly pendingRows: () => number
  /** Resolves once all that wait now are written; rejects when they cannot be. */
  readonly flush: () => Promise<void>
}

/** Null while usage may come as it likes; else resolves once more may. */
export type Room = () => Promise<void> | null

/**
 * Room is made once half of what may wait is written: the disk has the other half to go on with.
 * While the ledger cannot be written nothing is held back.
 */
export const roomFor = ({ pendingRows, flush }: Waiting): Room => {
  /** Resolves when what waited at half is written. */
  let half: Promise<void> | null = null
  return () => {
    const waiting = pendingRows()
    if (waiting < WAITING_ROWS_MAX / 2) return null
    half ??= flush()
      .catch(() => {})
      .finally(() => {
        half = null
      })
    return waiting < WAITING_ROWS_MAX ? null : half
  }
}
