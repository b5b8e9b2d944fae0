/** All tables of operations: run against the machines here, and against their mutants too. */

import { account } from "./budget/account.table.ts"
import { admission } from "./budget/admission.table.ts"
import { amounts } from "./budget/amounts.table.ts"
import { callBound } from "./budget/call-bound.table.ts"
import { checkpoint } from "./budget/checkpoint.table.ts"
import { days } from "./budget/days.table.ts"
import { granting } from "./budget/granting.table.ts"
import { holds } from "./budget/holds.table.ts"
import { limits } from "./budget/limits.table.ts"
import { metering } from "./budget/metering.table.ts"
import { money } from "./budget/money.table.ts"
import { recovery } from "./budget/recovery.table.ts"
import { stopping } from "./budget/stopping.table.ts"
import { summary } from "./budget/summary.table.ts"
import { tail } from "./budget/tail.table.ts"
import { charts } from "./charts.table.ts"
import { facts } from "./facts.table.ts"

export const tables = {
  amounts,
  account,
  admission,
  callBound,
  granting,
  money,
  holds,
  metering,
  stopping,
  limits,
  days,
  recovery,
  checkpoint,
  summary,
  tail,
  facts,
  charts,
}
