/**
 * `PATH-acked`: the last row whose writing was acknowledged, noted beside the ledger.
 *
 * SQLite reads a write-ahead log up to its first bad frame and takes the rest for a torn tail,
 * which it is after a power cut and is not when a bit flipped or the log was deleted. The note
 * tells the two apart. It is written after each answer and never synced, so it may lag behind
 * the ledger and is never ahead of it.
 */
import { closeSync, fsyncSync, openSync, readFileSync, unlinkSync, writeSync } from "node:fs"
import { checksum } from "./schema.ts"

export interface AcknowledgedNote {
  readonly write: (seq: number) => void
  readonly close: () => void
}

const noteFile = (path: string): string => `${path}-acked`

/** Opens the note for writing; call only while holding the ledger's lock. */
export const openNote = (path: string): AcknowledgedNote => {
  const file = openSync(noteFile(path), "a", 0o600)
  closeSync(file)
  const note = openSync(noteFile(path), "r+")
  return {
    write: (seq) => {
      try {
        writeSync(note, noteOf(seq), 0, "latin1")
      } catch {
        // The row is in the ledger all the same; a note that lags behind is still true.
      }
    },
    close: () => {
      try {
        fsyncSync(note)
      } finally {
        closeSync(note)
      }
    },
  }
}

/** The noted row; 0 when there is no note, or none that can be trusted. */
export const acknowledgedSeq = (path: string): number => {
  const note = readNote(path)
  const seq = Number(note.slice(0, 16))
  return Number.isSafeInteger(seq) && noteOf(seq) === note ? seq : 0
}

export const forgetNote = (path: string): void => {
  if (readNote(path) !== "") unlinkSync(noteFile(path))
}

const noteOf = (seq: number): string => {
  const digits = String(seq).padStart(16, "0")
  return `${digits} ${checksum(digits).toString(16).padStart(8, "0")}\n`
}

const readNote = (path: string): string => {
  try {
    return readFileSync(noteFile(path), "latin1")
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return ""
    throw error
  }
}
