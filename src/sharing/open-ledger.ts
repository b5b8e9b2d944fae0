/** Taking a ledger's lock, where somebody else's having it is an ordinary answer. */
import { LedgerUnavailable } from "../ledger/ledger.ts"

/** The ledger, or that it is `locked`; any other trouble is thrown. */
export const openLedger = async (path: string) => {
  const { openSqliteLedger } = await import("../ledger/sqlite.ts")
  try {
    return await openSqliteLedger(path)
  } catch (error) {
    if (error instanceof LedgerUnavailable && error.reason === "locked") return error
    throw error
  }
}
