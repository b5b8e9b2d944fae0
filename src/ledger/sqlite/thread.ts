/** The main thread's end of the ledger's worker: a question, a promise of its answer. */
import type { Worker } from "node:worker_threads"
import { LedgerUnavailable } from "../ledger.ts"
import { beginThread, isGone } from "./begin-thread.ts"
import type { Input, Opening, Operation, Output, Refused, Reply, WorkerInput } from "./messages.ts"

export interface LedgerThread {
  readonly epoch: number
  readonly lastSeq: number
  /** Rejects with `LedgerUnavailable` only. */
  readonly ask: <O extends Operation>(operation: O, input: Input<O>) => Promise<Output<O>>
  /** Resolves when the worker is gone. */
  readonly ended: Promise<void>
}

interface Waiting {
  readonly resolve: (output: Output<Operation>) => void
  readonly reject: (error: LedgerUnavailable) => void
}

/** `begun` is a thread that has nothing to do yet; without one that lives, another is begun. */
export const startThread = async (input: WorkerInput, begun?: Worker): Promise<LedgerThread> => {
  const worker = begun === undefined || isGone(begun) ? beginThread() : begun
  worker.ref()
  const unavailable = ({ reason, message }: Refused): LedgerUnavailable =>
    new LedgerUnavailable({ reason, path: input.path, message })
  const waiting = new Map<number, Waiting>()
  let over: Refused | null = null
  let asked = 0
  let closing = false

  const end = (why: Refused): void => {
    over ??= why
    for (const { reject } of waiting.values()) reject(unavailable(over))
    waiting.clear()
  }
  const ended = new Promise<void>((resolve) => worker.once("exit", () => resolve()))
  worker.on("error", (error) => end(crashed(input.path, error)))
  worker.on("exit", () => end(closed(input.path)))

  const opening = await new Promise<Opening>((resolve, reject) => {
    waiting.set(0, { resolve: () => {}, reject })
    worker.once("message", resolve)
    worker.postMessage(input)
  })
  waiting.clear()
  if ("refused" in opening) {
    await ended
    throw unavailable(opening.refused)
  }

  worker.on("message", (reply: Reply) => {
    const caller = waiting.get(reply.id)
    waiting.delete(reply.id)
    if (waiting.size === 0 && !closing) worker.unref()
    if ("refused" in reply) caller?.reject(unavailable(reply.refused))
    else caller?.resolve(reply.output)
  })
  // Only a question that waits for its answer keeps the process alive.
  worker.unref()

  const ask = <O extends Operation>(operation: O, input: Input<O>): Promise<Output<O>> =>
    new Promise<Output<Operation>>((resolve, reject) => {
      if (over !== null) return reject(unavailable(over))
      if (waiting.size === 0) worker.ref()
      if (operation === "close") closing = true
      asked += 1
      waiting.set(asked, { resolve, reject })
      worker.postMessage({ id: asked, operation, input })
      // The worker answers each question with the answer of its own kind.
    }) as Promise<Output<O>>

  return { ...opening.opened, ask, ended }
}

const closed = (path: string): Refused => ({
  reason: "closed",
  message: `The ledger ${path} is closed. Open it again.`,
})

const crashed = (path: string, error: unknown): Refused => ({
  reason: "io",
  message: `The thread that writes the ledger ${path} has ended: ${error instanceof Error ? error.message : String(error)}. Start again; a ledger needs Node 24 or later.`,
})
