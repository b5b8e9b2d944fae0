/** Whether somebody holds a ledger's lock, found out without taking it. */
import { existsSync } from "node:fs"
import { DatabaseSync } from "node:sqlite"
import { isBusy } from "./trouble.ts"

/** A holder keeps the lock's file for itself alone, so that not even reading it is possible. */
export const isHeld = (path: string): boolean => {
  const file = `${path}-lock`
  if (!existsSync(file)) return false
  const lock = new DatabaseSync(file, { readOnly: true, timeout: 0 })
  try {
    lock.prepare("SELECT count(*) FROM sqlite_schema").get()
    return false
  } catch (error) {
    if (isBusy(error)) return true
    throw error
  } finally {
    lock.close()
  }
}
