import { join } from "node:path"
import * as Effect from "effect/Effect"
import { expect, test } from "vitest"
import { layerMemory, layerSqlite } from "../../src/ledger/layers.ts"
import { Ledger } from "../../src/ledger/ledger.ts"
import { temporaryFolder } from "./temporary-folder.ts"
import { rowsTo } from "./written-rows.ts"

const writeThree = Effect.gen(function* () {
  const ledger = yield* Ledger
  ledger.append(rowsTo(3))
  yield* Effect.promise(() => ledger.durable(3))
  return ledger
})

test("the layer of a file opens the ledger, closes it at the end, and lets the next one in", async () => {
  const path = join(temporaryFolder(), "stint.db")
  const layer = layerSqlite(path)
  const first = await Effect.runPromise(writeThree.pipe(Effect.provide(layer)))
  await expect(first.find("x")).rejects.toMatchObject({ reason: "closed" })
  const epoch = await Effect.runPromise(
    Effect.map(Ledger, (ledger) => ledger.epoch).pipe(Effect.provide(layerSqlite(path))),
  )
  expect(epoch).toBe(2)
})

test("the layer of a file that cannot be opened fails as a value", async () => {
  const path = temporaryFolder()
  const error = await Effect.runPromise(
    writeThree.pipe(Effect.provide(layerSqlite(path)), Effect.flip),
  )
  expect(error).toMatchObject({ _tag: "LedgerUnavailable", reason: "io", path })
})

test("the layer in memory writes no file and is closed at the end too", async () => {
  const ledger = await Effect.runPromise(writeThree.pipe(Effect.provide(layerMemory())))
  expect(ledger.path).toBe("memory")
  await expect(ledger.durable(4)).rejects.toMatchObject({ reason: "closed" })
})
