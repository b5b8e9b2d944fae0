/**
 * The ledger's thread before it has a ledger. Its start takes tens of milliseconds on another
 * core, so whoever knows that one will be needed begins it early. Imports nothing that is slow.
 */
import { Worker } from "node:worker_threads"

let spare: Worker | null = null

/** Begins a thread for the next ledger; alone it keeps no process alive. */
export const prepareThread = (): void => {
  if (spare !== null) return
  const worker = newThread()
  spare = worker
  // Died unused: the next opening starts its own, and tells what is wrong.
  const forget = (): void => {
    if (spare === worker) spare = null
  }
  worker.once("error", forget)
  worker.once("exit", forget)
  worker.unref()
}

/** The one that was prepared, or a new one; it waits to be told what to open. */
export const takeThread = (): Worker => {
  const worker = spare ?? newThread()
  spare = null
  worker.ref()
  return worker
}

/** No ledger is opened here after all. */
export const dropThread = (): void => {
  const worker = spare
  spare = null
  worker?.terminate()
}

const newThread = (): Worker => new Worker(workerFile(), { name: "ledger", execArgv: [] })

/** Beside this file, under the same extension: `.ts` from source, `.js` once built. */
const workerFile = (): URL => {
  const extension = new URL(import.meta.url).pathname.endsWith(".ts") ? "ts" : "js"
  return new URL(`./worker.${extension}`, import.meta.url)
}
