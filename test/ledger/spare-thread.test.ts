/** The thread begun before its ledger is known: used once, never in place of a working one. */
import { once } from "node:events"
import { join } from "node:path"
import type { Worker } from "node:worker_threads"
import { afterEach, beforeEach, expect, it } from "vitest"
import { dropThread, prepareThread, takeThread } from "../../src/ledger/sqlite/spare-thread.ts"
import { openSqliteLedger } from "../../src/ledger/sqlite.ts"
import { temporaryFolder } from "./temporary-folder.ts"

let begun: Worker[] = []
const note = (worker: Worker): void => {
  begun.push(worker)
}

beforeEach(() => {
  begun = []
  process.on("worker", note)
})

afterEach(async () => {
  process.off("worker", note)
  dropThread()
  await Promise.all(begun.map((worker) => worker.terminate()))
})

it("an opening takes the thread that was prepared, and the next one begins its own", async () => {
  prepareThread()
  prepareThread()
  const first = await openSqliteLedger(join(temporaryFolder(), "a.db"))
  expect(begun).toHaveLength(1)
  const second = await openSqliteLedger(join(temporaryFolder(), "b.db"))
  expect(begun).toHaveLength(2)
  await Promise.all([first.close(), second.close()])
})

it("a prepared thread that died is not handed out", async () => {
  const worker = await prepared()
  await worker.terminate()
  expect(takeThread()).not.toBe(worker)
})

it("a prepared thread that nobody needs ends", async () => {
  const worker = await prepared()
  const ended = once(worker, "exit")
  dropThread()
  await ended
  expect(takeThread()).not.toBe(worker)
})

it("a refused opening ends the thread that was prepared for it", async () => {
  const worker = await prepared()
  const ended = once(worker, "exit")
  await expect(openSqliteLedger(temporaryFolder())).rejects.toMatchObject({ reason: "io" })
  await ended
})

/** Node tells of a thread in the tick after its beginning. */
const prepared = async (): Promise<Worker> => {
  const told = once(process, "worker")
  prepareThread()
  const [worker] = await told
  return worker
}
