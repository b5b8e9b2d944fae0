/** Why the file cannot be used, as the worker says it; the main thread makes it a typed error. */
import { randomUUID } from "node:crypto"
import { closeSync, openSync, unlinkSync } from "node:fs"
import { dirname } from "node:path"
import type { LedgerUnavailable } from "../ledger.ts"

export type Reason = LedgerUnavailable["reason"]

export class Trouble extends Error {
  override readonly name = "Trouble"
  readonly reason: Reason

  constructor(reason: Reason, message: string) {
    super(message)
    this.reason = reason
  }
}

/** Something in the file that its writer cannot have written; says what and where. */
export class Damage extends Error {
  override readonly name = "Damage"
}

const damaged = (path: string, what: string): Trouble =>
  new Trouble(
    "damaged",
    `The ledger ${path} is damaged: ${what}. Restore it from a backup, or move it and the files beside it (${path}-*) away to begin a new one.`,
  )

/** Primary SQLite result codes, and the extended ones that mean something else than theirs. */
const ERROR = 1
const BUSY = 5
const LOCKED = 6
const READONLY = 8
const IOERR = 10
const CORRUPT = 11
const FULL = 13
const CANTOPEN = 14
const PROTOCOL = 15
const CONSTRAINT = 19
const MISMATCH = 20
const NOTADB = 26
const IOERR_SHMSIZE = 4874
const IOERR_CORRUPTFS = 8458
/** Of locking, reading and giving back a lock; of locking and mapping shared memory. */
const NO_LOCKS: readonly number[] = [3850, 2314, 2058, 5130, 5386]

/** Whatever was thrown while the file was used, as one of the port's reasons. */
export const troubleOf = (error: unknown, path: string): Trouble => {
  if (error instanceof Trouble) return error
  if (error instanceof Damage) return damaged(path, error.message)
  const code = errcodeOf(error)
  if (code === null) return systemTrouble(error, path)
  const said = error instanceof Error ? error.message : String(error)
  if (NO_LOCKS.includes(code)) return noLocks(path)
  if (code === IOERR_SHMSIZE) return full(path)
  if (code === IOERR_CORRUPTFS) return damaged(path, said)
  switch (code & 0xff) {
    case BUSY:
    case LOCKED:
      return new Trouble(
        "locked",
        `The ledger ${path} is locked by another program (${said}). Close whatever else has it open.`,
      )
    case READONLY:
      return readOnly(path)
    // The statements are fixed: when one does not fit the file, it is the file.
    case ERROR:
    case CONSTRAINT:
    case MISMATCH:
    case CORRUPT:
    case NOTADB:
      return damaged(path, said)
    case FULL:
      return full(path)
    case CANTOPEN:
      return cannotOpen(path, said)
    case PROTOCOL:
      return noLocks(path)
    case IOERR:
      return io(path, said)
    default:
      return io(path, said)
  }
}

export const isBusy = (error: unknown): boolean => {
  const code = errcodeOf(error)
  return code !== null && ((code & 0xff) === BUSY || (code & 0xff) === LOCKED)
}

export const noLocks = (path: string): Trouble =>
  new Trouble(
    "no_locks",
    `The ledger ${path} cannot be kept there: the file system of ${dirname(path)} does not lock or share files between processes, and a ledger needs both to have one writer. Network and other mounted folders are often like that; name a file on a local disk.`,
  )

const full = (path: string): Trouble =>
  new Trouble(
    "full",
    `There is no space left to write the ledger ${path}. Free some; what waits is written then.`,
  )

const readOnly = (path: string): Trouble =>
  new Trouble(
    "read_only",
    `The ledger ${path} cannot be written: the file, its folder or its file system is read-only. Allow writing there, or name another file.`,
  )

/** A folder that is needed for the ledger cannot be made. */
export const notMade = (folder: string, path: string, error: unknown): Trouble => {
  const trouble = systemTrouble(error, path)
  return trouble.reason === "io" ? noPlace(folder, path, error) : trouble
}

/** As in /proc: nothing says that it is read-only, and yet no file can be made. */
const noPlace = (folder: string, path: string, error: unknown): Trouble =>
  new Trouble(
    "io",
    `The ledger ${path} cannot be made: ${folder} takes no new file (${systemCodeOf(error) ?? "refused"}). A ledger needs a folder on a local disk in which files can be made; name another file.`,
  )

const io = (path: string, said: string): Trouble =>
  new Trouble("io", `The ledger ${path} could not be read or written: ${said}.`)

/** SQLite says only "unable to open"; making a file there ourselves tells why. */
const cannotOpen = (path: string, said: string): Trouble => {
  const probe = `${path}-probe-${randomUUID()}`
  try {
    closeSync(openSync(probe, "wx", 0o600))
    unlinkSync(probe)
    return io(path, said)
  } catch (error) {
    const trouble = systemTrouble(error, path)
    return trouble.reason === "io" ? noPlace(dirname(path), path, error) : trouble
  }
}

const systemTrouble = (error: unknown, path: string): Trouble => {
  const said = error instanceof Error ? error.message : String(error)
  switch (systemCodeOf(error)) {
    case "EROFS":
    case "EACCES":
    case "EPERM":
      return readOnly(path)
    case "ENOSPC":
    case "EDQUOT":
      return full(path)
    case "ERR_OUT_OF_RANGE":
      return damaged(path, said)
    case "ENOTDIR":
    case "EEXIST":
      return io(path, `${dirname(path)} is not a folder`)
    default:
      return io(path, said)
  }
}

const errcodeOf = (error: unknown): number | null =>
  error instanceof Error && "errcode" in error && typeof error.errcode === "number"
    ? error.errcode
    : null

const systemCodeOf = (error: unknown): string | null =>
  error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : null
