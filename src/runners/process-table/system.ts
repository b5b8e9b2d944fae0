/** The table of this machine. */
import { existsSync } from "node:fs"
import type { ProcessTable } from "../process-table.ts"
import { procTable } from "./proc.ts"
import { psTable } from "./ps.ts"

/** `/proc` where there is one, otherwise `ps`, which is weaker. */
export const systemTable = (): ProcessTable =>
  existsSync("/proc/self/stat") ? procTable() : psTable()
