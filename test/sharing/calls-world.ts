/** One agent on a shared ledger, run by whoever holds it or by a run that is attached to that one. */
import { join } from "node:path"
import type { Row } from "../../machines/budget/row.ts"
import type { AgentSummary, Summary } from "../../machines/budget/summary.ts"
import type { AgentCalls } from "../../src/host/calls.ts"
import { openSqliteReader } from "../../src/ledger/sqlite/reader.ts"
import type { Report, Runner } from "../../src/runners/runner.ts"
import { openSession, type Session } from "../../src/sharing/session.ts"
import { temporaryFolder } from "../ledger/temporary-folder.ts"

export interface CallsWorld {
  readonly role: "holder" | "attached"
  readonly calls: AgentCalls
  /** Its entry, by the word of whoever decides, after all that was said before. */
  readonly standing: () => Promise<AgentSummary | undefined>
  readonly summary: () => Promise<Summary>
  /** What is written by now. */
  readonly rows: () => Promise<readonly Row[]>
  /** Its work ends by itself. */
  readonly finish: () => void
  readonly ended: Promise<AgentSummary>
  readonly close: () => Promise<void>
}

export const openCallsWorld = async (
  role: CallsWorld["role"],
  flags: Readonly<Record<string, string>>,
): Promise<CallsWorld> => {
  const ledger = join(temporaryFolder(), "ledger.db")
  const holder = await sessionOn(ledger, flags)
  const session = role === "holder" ? holder : await sessionOn(ledger, flags)
  if (session.role !== role) throw new Error(`expected to be ${role}`)
  const work = puppet()
  const agent = await session.run({ agentId: "far", taskId: "far", runner: () => work.runner })
  await work.begun
  const summary = (): Promise<Summary> => session.refresh()
  return {
    role,
    calls: agent.calls,
    summary,
    standing: async () => (await summary()).agentUsage.find(({ agentId }) => agentId === "far"),
    rows: () => rowsOf(ledger),
    finish: work.finish,
    ended: agent.ended,
    close: async () => {
      await session.close()
      await holder.close()
    },
  }
}

const sessionOn = (ledger: string, flags: Readonly<Record<string, string>>): Promise<Session> =>
  openSession({ ledger, sources: { flags }, retentionDays: 30, sweep: async () => {} })

export const rowsOf = async (ledger: string): Promise<readonly Row[]> => {
  const reader = await openSqliteReader(ledger)
  const rows: Row[] = []
  for await (const row of reader?.rows({ fromSeq: 1 }) ?? []) rows.push(row)
  reader?.close()
  return rows
}

/** Work that begins at once and ends when it is told to. */
export const puppet = () => {
  const begun = Promise.withResolvers<Report>()
  let isOver = false
  const finish = (report: Report): void => {
    if (isOver) return
    isOver = true
    const exit = { exitCode: 0, signal: null, error: null, treeGone: false } as const
    report.exited({ outcome: "completed", mechanism: "exited", ...exit })
    report.reaped("exited")
  }
  const runner: Runner = (_, report) => {
    report.started(null)
    begun.resolve(report)
    const stop = (): void => finish(report)
    return { interrupt: stop, kill: stop, warn: () => {} }
  }
  return { runner, begun: begun.promise, finish: () => void begun.promise.then(finish) }
}
