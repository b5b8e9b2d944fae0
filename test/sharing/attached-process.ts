/** A holder in this process, and an attached process as the holder sees it. */
import { join } from "node:path"
import type { AgentKey } from "../../machines/vocabulary.ts"
import { LedgerUnavailable } from "../../src/ledger/ledger.ts"
import { connectToHolder, type Reached } from "../../src/sharing/connect.ts"
import { type HoldingOptions, listenAndHold } from "../../src/sharing/holding.ts"
import type { FromHolder, ToHolder } from "../../src/sharing/messages.ts"
import { openLedger } from "../../src/sharing/open-ledger.ts"
import { temporaryFolder } from "../ledger/temporary-folder.ts"

export const OPTIONS: HoldingOptions = {
  sources: {},
  retentionDays: 30,
  sweep: async () => {},
  keepSettings: false,
}

export const newLedger = (): string => join(temporaryFolder(), "ledger.db")

export const hold = async (path: string, options: Partial<HoldingOptions> = {}) => {
  const ledger = await openLedger(path)
  if (ledger instanceof LedgerUnavailable) throw ledger
  const { holding } = await listenAndHold(ledger, { ...OPTIONS, ...options })
  return holding
}

/** An attached process as the holder sees it: what it says is in our hands. */
export const attach = async (path: string) => {
  const heard: FromHolder[] = []
  const waiting = new Set<() => void>()
  const reached: Reached = await connectToHolder(path, (message) => {
    heard.push(message)
    for (const check of waiting) check()
  })
  if (!reached.reached) throw new Error("nobody holds it")
  const hears = (wanted: (message: FromHolder) => boolean): Promise<FromHolder> =>
    new Promise((resolve) => {
      const check = (): void => {
        const found = heard.find(wanted)
        if (found === undefined) return
        waiting.delete(check)
        resolve(found)
      }
      waiting.add(check)
      check()
    })
  const say = (...messages: readonly ToHolder[]): void => messages.forEach(reached.channel.send)
  return { say, heard, hears, ...reached.channel }
}

export const KEY = "key-1" as AgentKey

export const agent = (begun: boolean): ToHolder => ({
  type: "agent",
  key: KEY,
  agentId: "far",
  taskId: "far",
  queue: true,
  waitForReset: false,
  limits: {},
  begun,
})

export const started: ToHolder = { type: "started", key: KEY, process: null }

export const over: readonly ToHolder[] = [
  {
    type: "exited",
    key: KEY,
    exit: {
      outcome: "completed",
      mechanism: "exited",
      exitCode: 0,
      signal: null,
      error: null,
      treeGone: false,
    },
  },
  { type: "reaped", key: KEY, mechanism: "exited" },
]

export const is =
  (type: FromHolder["type"]) =>
  (message: FromHolder): boolean =>
    message.type === type

/** The next holder while it still waits for those who outlived the last one. */
export const takeOver = async (path: string, options: Partial<HoldingOptions> = {}) => {
  const ledger = await openLedger(path)
  if (ledger instanceof LedgerUnavailable) throw ledger
  return listenAndHold(ledger, { ...OPTIONS, ...options })
}
