/** Taking a ledger's lock, where somebody else's having it is an ordinary answer. */
import type { Worker } from "node:worker_threads"
import { LedgerUnavailable } from "../ledger/ledger.ts"
import { openSqliteLedger } from "../ledger/sqlite.ts"

/** The ledger, or that it is `locked`; any other trouble is thrown. */
export const openLedger = async (path: string, thread?: Worker) => {
  try {
    return await openSqliteLedger(path, thread === undefined ? {} : { thread })
  } catch (error) {
    if (error instanceof LedgerUnavailable && error.reason === "locked") return error
    throw error
  }
}
