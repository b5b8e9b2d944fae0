/** What `stint run` tells: on stderr as it goes, and at its end in summary and status. */
import { createWriteStream, writeFileSync } from "node:fs"
import type { Writable } from "node:stream"
import type { AgentSummary, Summary } from "../../../machines/budget/summary.ts"
import type { Session, SessionAgent } from "../../sharing/session.ts"
import { EXIT, type Outcome, statusOfCommand, statusOfPlan } from "./exit-status.ts"
import { dollars, shortFigure } from "./figures.ts"
import type { LiveView } from "./live/view.ts"
import type { RunIo } from "./run.ts"
import type { RunCall } from "./run-arguments.ts"
import type { Interruption } from "./run-signals.ts"

export const say = (io: RunIo, line: string): void => {
  io.stderr.write(`stint: ${line}\n`)
}

export const tell = (io: RunIo, view: LiveView | null, line: string): void => {
  if (view === null) say(io, line)
  else view.print(`stint: ${line}\n`)
}

export const tellEnd = (
  agent: SessionAgent,
  ended: AgentSummary,
  call: RunCall,
  io: RunIo,
  view: LiveView | null,
): void => {
  const who = `agent ${agent.agentId}`
  if (ended.error !== null) tell(io, view, `${who}: ${ended.error}`)
  if (ended.enforcement === "unmetered" && ended.reason !== "spawn_failed")
    tell(
      io,
      view,
      `${who}: no meter has spoken, so its tokens are unknown; only slots and duration were enforced`,
    )
  const byItself = ended.reason === "completed" || ended.reason === "failed"
  if (byItself) tellComparison(who, ended, (line) => tell(io, view, line))
  if (byItself && call.planPath === null) return
  tell(
    io,
    view,
    `${who} ended: ${ended.reason} (${ended.mechanism}), ${ended.totalTokens} tokens${costOf(ended)}`,
  )
}

const costOf = ({ costMicroUsd }: AgentSummary): string =>
  costMicroUsd === 0 ? "" : `, ${dollars(costMicroUsd)}`

/** A cross-check: only where it differs is there anything to say, and not of one that was cut short. */
const tellComparison = (
  who: string,
  { ownAccount, rawTokens }: AgentSummary,
  tellLine: (line: string) => void,
): void => {
  if (ownAccount === null || ownAccount.differenceTokens === 0) return
  tellLine(
    `${who}: its own account (${ownAccount.meter}) says ${ownAccount.rawTokens} tokens of all kinds, counted were ${rawTokens}`,
  )
}

export const writeEvents = (session: Session, call: RunCall, io: RunIo): Writable | null => {
  if (call.events === null) return null
  const isOurs = call.events === "-"
  const to: Writable = isOurs ? io.stdout : createWriteStream(call.events, { flags: "a" })
  to.once("error", (error: Error) =>
    say(io, `--events: ${error.message}; no more of them are written`),
  )
  session.on("*", (fact) => to.write(`${JSON.stringify(fact)}\n`))
  return isOurs ? null : to
}

/** The status when it could not be written; null when all is well. */
export const writeSummary = (summary: Summary, call: RunCall, io: RunIo): number | null => {
  if (call.summary === null) return null
  const text = `${JSON.stringify(summary, null, 2)}\n`
  if (call.summary === "-") io.stdout.write(text)
  else {
    try {
      writeFileSync(call.summary, text)
    } catch (error) {
      say(io, `--summary: ${error instanceof Error ? error.message : error}`)
      return EXIT.stintFailed
    }
  }
  return null
}

export const statusOf = (
  call: RunCall,
  outcomes: readonly Outcome[],
  interruption: Interruption,
): number => {
  const [only = { refused: "draining" }] = outcomes
  return call.planPath === null
    ? statusOfCommand(only, interruption.status())
    : statusOfPlan(outcomes, interruption.status())
}

/** The last line: what a plan came to, and, of any run, what broke it off. */
export const tellWhole = (
  outcomes: readonly Outcome[],
  { dailyTokensUsed, dailyTokenLimit }: Summary,
  call: RunCall,
  io: RunIo,
  interruption: Interruption,
): void => {
  const signal = interruption.signal()
  if (signal === null && call.planPath === null) return
  const counts = new Map<string, number>()
  for (const outcome of outcomes) {
    const word = "ended" in outcome ? (outcome.ended.reason ?? "ended") : "not started"
    counts.set(word, (counts.get(word) ?? 0) + 1)
  }
  const parts = [...counts].map(([word, count]) => `${count} ${word}`).join(", ")
  const day = dailyTokenLimit === null ? "" : ` of ${shortFigure(dailyTokenLimit)}`
  const cause = signal === null ? "" : `${causeOf(signal)}; `
  say(io, `${cause}${parts}; the day has used ${shortFigure(dailyTokensUsed)}${day} tokens`)
}

const causeOf = (signal: NodeJS.Signals): string =>
  signal === "SIGPIPE" ? "nobody reads standard output any more" : `interrupted by ${signal}`
