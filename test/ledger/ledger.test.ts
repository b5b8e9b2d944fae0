import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll } from "vitest"
import { makeMemoryLedger } from "../../src/ledger/memory.ts"
import { openSqliteLedger, type SqliteLedgerOptions } from "../../src/ledger/sqlite.ts"
import { type LedgerUnderTest, ledgerAnswersAsAnArray, ledgerContract } from "./ledger.contract.ts"

const folder = mkdtempSync(join(tmpdir(), "ledger-contract-"))
let files = 0

afterAll(() => rmSync(folder, { recursive: true, force: true }))

const inMemory: LedgerUnderTest = { open: async () => makeMemoryLedger(), reopen: null }

const inFile = (options: SqliteLedgerOptions): LedgerUnderTest => ({
  open: () => {
    files += 1
    return openSqliteLedger(join(folder, `${files}.db`), options)
  },
  reopen: ({ path }) => openSqliteLedger(path, options),
})

ledgerContract("the ledger in memory", inMemory)
ledgerContract("the ledger in a file", inFile({}))

ledgerAnswersAsAnArray("the ledger in memory", inMemory)
ledgerAnswersAsAnArray("the ledger in a file", inFile({}))
// The same answers when lookups and sums leave memory every few rows.
ledgerAnswersAsAnArray("a ledger with short runs", inFile({ runRows: 7, maxBatchRows: 5 }))
