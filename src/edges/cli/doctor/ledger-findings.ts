/** The ledger: where it is, whether it is sound and can be written, and who holds it. */
import { accessSync, constants, existsSync } from "node:fs"
import { dirname } from "node:path"
import type { Budget } from "../../../../machines/budget/budget.ts"
import { recoverBudget } from "../../../host/recover.ts"
import { LedgerUnavailable } from "../../../ledger/ledger.ts"
import { isHeld } from "../../../ledger/sqlite/held.ts"
import { openSqliteReader, type SqliteReader } from "../../../ledger/sqlite/reader.ts"
import { byteFigure, counted } from "../figures.ts"
import { bad, type Finding, good } from "./finding.ts"

export interface LedgerFound {
  readonly findings: readonly Finding[]
  /** What its rows come to; null when there is none, or none that can be read. */
  readonly budget: Budget | null
}

export const lookAtLedger = async (path: string): Promise<LedgerFound> => {
  try {
    const reader = await openSqliteReader(path)
    if (reader === null) return { findings: [placeOf(path)], budget: null }
    try {
      return await lookThrough(reader)
    } finally {
      reader.close()
    }
  } catch (error) {
    if (!(error instanceof LedgerUnavailable)) throw error
    return { findings: [bad("ledger", error.message)], budget: null }
  }
}

/** There is no ledger yet: could one be made? */
const placeOf = (path: string): Finding => {
  const folder = existingFolder(dirname(path))
  return isWritable(folder)
    ? good("ledger", `none yet; the first run makes ${path}`)
    : bad("ledger", `none yet, and ${folder} cannot be written: allow it, or name another file`)
}

const existingFolder = (folder: string): string =>
  existsSync(folder) || dirname(folder) === folder ? folder : existingFolder(dirname(folder))

const isWritable = (path: string): boolean => {
  try {
    accessSync(path, constants.W_OK)
    return true
  } catch {
    return false
  }
}

const lookThrough = async (reader: SqliteReader): Promise<LedgerFound> => {
  const { path } = reader
  const { bytes, version, rows, lastSeq, holder } = reader.facts()
  reader.check()
  const budget = await recoverBudget(reader)
  const size = `version ${version}, ${byteFigure(bytes)}, ${counted(rows, "row")} up to row ${lastSeq}`
  const sound = good("ledger", path, [`${size}; every page and row is as it was written`])
  const writable = [path, dirname(path)].find((place) => !isWritable(place))
  const findings = [
    writable === undefined ? sound : bad("ledger", `${writable} cannot be written: allow it`),
    isHeld(path)
      ? good("lock", `held by ${holder}`)
      : good("lock", `free; held last by ${holder || "nobody"}`),
  ]
  return { findings, budget }
}
