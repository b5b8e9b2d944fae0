import { join } from "node:path"
import { expect, test } from "vitest"
import { beginThread, isGone } from "../../src/ledger/sqlite/begin-thread.ts"
import { openSqliteLedger } from "../../src/ledger/sqlite.ts"
import { temporaryFolder } from "./temporary-folder.ts"
import { rowsTo } from "./written-rows.ts"

const writesWith = async (thread: ReturnType<typeof beginThread>): Promise<void> => {
  const ledger = await openSqliteLedger(join(temporaryFolder(), "stint.db"), { thread })
  ledger.append(rowsTo(3))
  await ledger.durable(3)
  await ledger.close()
}

test("a thread that was begun early writes the ledger, and ends with it", async () => {
  const thread = beginThread()
  await writesWith(thread)
  expect(isGone(thread)).toBe(true)
})

test("one that ended before it was needed is replaced", async () => {
  const thread = beginThread()
  await thread.terminate()
  await writesWith(thread)
})
