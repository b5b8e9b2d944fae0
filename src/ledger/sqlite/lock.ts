/**
 * One writer per ledger: `PATH-lock`, a second database held in an exclusive transaction.
 *
 * The lock is the operating system's, on a file of its own: it ends with the process, however
 * that ends, and readers of the ledger are not shut out by it. Only SQLite opens this file: any
 * other descriptor for it, once closed, would drop this process's lock.
 */
import { randomUUID } from "node:crypto"
import { accessSync, chmodSync, constants, existsSync, rmSync, statSync } from "node:fs"
import { hostname } from "node:os"
import { DatabaseSync } from "node:sqlite"
import { isBusy, noLocks, Trouble } from "./trouble.ts"

export const takeLock = (path: string): DatabaseSync => {
  const file = `${path}-lock`
  const isNew = !existsSync(file)
  const lock = new DatabaseSync(file, { timeout: 0 })
  try {
    if (isNew) chmodSync(file, 0o600)
    // On a file it may not write SQLite would take a shared lock and say nothing.
    accessSync(file, constants.W_OK)
    lock.exec("PRAGMA synchronous = OFF; BEGIN EXCLUSIVE")
    if (statSync(file).size === 0) fill(lock)
    return lock
  } catch (error) {
    lock.close()
    throw isBusy(error) ? busy(path) : error
  }
}

/** To lock an empty file SQLite keeps a journal, which a killed process would leave behind. */
const fill = (lock: DatabaseSync): void => {
  lock.exec("PRAGMA user_version = 1; COMMIT; BEGIN EXCLUSIVE")
}

/** Kept in the ledger by whoever holds the lock, for the message another one gets. */
export const holderName = (): string => `process ${process.pid} on ${hostname()}`

/** SQLite also says "busy" where the system has no lock to give, as on NFS without its lock service. */
const busy = (path: string): Trouble => {
  const holder = readHolder(path)
  return holder === null && !canLockBeside(path)
    ? noLocks(path)
    : inUse(path, holder ?? "another process")
}

/** Whether a file that nobody else can have can be locked there. */
const canLockBeside = (path: string): boolean => {
  const probe = `${path}-probe-${randomUUID()}`
  const lock = new DatabaseSync(probe, { timeout: 0 })
  try {
    lock.exec("BEGIN IMMEDIATE; ROLLBACK")
    return true
  } catch (error) {
    return !isBusy(error)
  } finally {
    lock.close()
    rmSync(probe, { force: true })
  }
}

const inUse = (path: string, holder: string): Trouble =>
  new Trouble(
    "locked",
    `The ledger ${path} is in use by ${holder}. One process writes a ledger at a time: end that one first, or name another file.`,
  )

const readHolder = (path: string): string | null => {
  try {
    const ledger = new DatabaseSync(path, { readOnly: true, timeout: 100 })
    try {
      const holder = ledger.prepare("SELECT holder FROM meta").get()?.holder
      return typeof holder === "string" ? holder : null
    } finally {
      ledger.close()
    }
  } catch {
    return null
  }
}
