/**
 * A process that writes a ledger until it is killed: `writer.process.ts PATH CALLERS`.
 *
 * Prints `opened N` with the last row it found, then `acked N` for each row it was told is on
 * disk. With 0 callers it writes one row, says so and ends, leaving the ledger open.
 */
import { openSqliteLedger } from "../../src/ledger/sqlite.ts"
import { rowAt } from "./written-rows.ts"

const [path = "", callers = "1"] = process.argv.slice(2)
const say = (what: string): void => {
  process.stdout.write(`${what}\n`)
}

const ledger = await openSqliteLedger(path, { runRows: 50, maxBatchRows: 16 })
let seq = 0
for await (const row of (await ledger.recover()).rows) seq = row.seq
say(`opened ${seq}`)

const writeOne = async (): Promise<void> => {
  seq += 1
  const mine = seq
  ledger.append([rowAt(mine)])
  await ledger.durable(mine)
  say(`acked ${mine}`)
}

if (callers === "0") await writeOne()
const forever = async (): Promise<never> => {
  for (;;) await writeOne()
}
await Promise.all(Array.from({ length: Number(callers) }, forever))
