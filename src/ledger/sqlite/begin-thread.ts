/**
 * The ledger's thread before it has a ledger. Its start takes tens of milliseconds on another core,
 * so whoever knows that one will be needed begins it early. Imports nothing that takes long itself.
 */
import { Worker } from "node:worker_threads"

/**
 * Rows are garbage once they are written, one transaction later. V8 would let tens of MB of it come
 * together, more the more rows have passed.
 */
const YOUNG_MB = 8

/** Waits to be told what to open; until then it keeps no process alive and may be left to itself. */
export const beginThread = (): Worker => {
  const worker = new Worker(workerFile(), {
    name: "ledger",
    execArgv: [],
    resourceLimits: { maxYoungGenerationSizeMb: YOUNG_MB },
  })
  // Died before it was needed: whoever needs it sees that it is gone, and begins another.
  worker.on("error", () => {})
  worker.unref()
  return worker
}

export const isGone = (worker: Worker): boolean => worker.threadId === -1

/** Beside this file, under the same extension: `.ts` from source, `.js` once built. */
const workerFile = (): URL => {
  const extension = new URL(import.meta.url).pathname.endsWith(".ts") ? "ts" : "js"
  return new URL(`./worker.${extension}`, import.meta.url)
}
