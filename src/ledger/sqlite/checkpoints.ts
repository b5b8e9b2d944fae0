/** The two newest checkpoints, so that a bad one leaves another. */
import type { DatabaseSync } from "node:sqlite"
import { checksum } from "./schema.ts"
import { numberIn, textIn } from "./values.ts"

export interface StoredCheckpoint {
  readonly seq: number
  /** The state as JSON. */
  readonly state: string
}

const KEPT = 2

/** Those whose checksum holds, newest first. */
export const checkpointsIn = (db: DatabaseSync): readonly StoredCheckpoint[] =>
  db
    .prepare("SELECT seq, state, crc FROM checkpoints ORDER BY seq DESC")
    .all()
    .map((columns) => ({
      seq: numberIn(columns, "seq"),
      state: textIn(columns, "state"),
      crc: numberIn(columns, "crc"),
    }))
    .filter(({ seq, state, crc }) => checksum(seq, state) === crc)
    .map(({ seq, state }) => ({ seq, state }))

/** Call within a transaction. */
export const saveCheckpoint = (db: DatabaseSync, { seq, state }: StoredCheckpoint): void => {
  db.prepare("INSERT OR REPLACE INTO checkpoints (seq, state, crc) VALUES (?, ?, ?)").run(
    seq,
    state,
    checksum(seq, state),
  )
  db.prepare(
    `DELETE FROM checkpoints WHERE seq NOT IN
       (SELECT seq FROM checkpoints ORDER BY seq DESC LIMIT ${KEPT})`,
  ).run()
}

/** Rows up to here are covered even when the newest checkpoint turns out bad; 0 without any. */
export const coveredSeq = (db: DatabaseSync): number => checkpointsIn(db).at(-1)?.seq ?? 0
