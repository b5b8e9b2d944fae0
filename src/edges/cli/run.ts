/** `stint run`: one command or a plan's agents, on the budget, in trees that can always be stopped. */
import { createWriteStream, writeFileSync } from "node:fs"
import type { Writable } from "node:stream"
import type { Worker } from "node:worker_threads"
import type { AgentSummary, Summary } from "../../../machines/budget/summary.ts"
import type { Environment } from "../../config/environment.ts"
import type { PlannedAgent } from "../../config/plan.ts"
import { ConfigurationError } from "../../config/problem.ts"
import {
  AdmissionRefused,
  CanaryAdmitted,
  ClockStepped,
  InvalidRequest,
} from "../../host/errors.ts"
import { LedgerUnavailable } from "../../ledger/ledger.ts"
import { CommandLauncher } from "../../runners/command.ts"
import { startGuard } from "../../runners/guard.ts"
import { openSession, type Session, type SessionAgent } from "../../sharing/session.ts"
import { type LineOutput, lineOutput } from "./agent-output.ts"
import { type AgentStdio, agentRunner, STREAMS } from "./agent-process.ts"
import { BadCall } from "./arguments.ts"
import type { DescriptorOutput } from "./descriptor-output.ts"
import { EXIT, type Outcome, statusOfCommand, statusOfPlan } from "./exit-status.ts"
import { shortFigure } from "./figures.ts"
import { type LiveView, openLiveView } from "./live/view.ts"
import { type RunCall, readRunArguments, runHelp } from "./run-arguments.ts"
import { type Interruption, watchSignals } from "./run-signals.ts"
import { tellLimits } from "./shared-limits.ts"
import { type Suspension, watchSuspension } from "./suspension.ts"
import { sweepLost } from "./sweep-lost.ts"

export interface RunIo {
  readonly stdout: DescriptorOutput
  readonly stderr: DescriptorOutput
  /** Whether standard input is a terminal; the stream itself is the child's. */
  readonly stdinIsTTY: boolean
  /** From `beginThread`; whoever runs us may have known sooner that a ledger will be needed. */
  readonly thread?: Worker
  readonly env: Environment
  readonly cwd: string
}

export const runCommand = async (argv: readonly string[], io: RunIo): Promise<number> => {
  try {
    const call = await readRunArguments(argv, io.env, io.cwd)
    if (call === null) {
      io.stdout.write(runHelp())
      return EXIT.completed
    }
    for (const warning of call.warnings) say(io, warning)
    if (call.checkOnly) return checked(call, io)
    return await run(call, io)
  } catch (error) {
    if (!isTold(error)) throw error
    for (const line of error.message.split("\n")) say(io, line)
    return EXIT.stintFailed
  }
}

/** Mistakes and circumstances, told in words; anything else is a bug. */
const isTold = (error: unknown): error is Error =>
  error instanceof BadCall ||
  error instanceof ConfigurationError ||
  error instanceof LedgerUnavailable ||
  error instanceof ClockStepped ||
  error instanceof CanaryAdmitted ||
  error instanceof InvalidRequest

const say = (io: RunIo, line: string): void => {
  io.stderr.write(`stint: ${line}\n`)
}

const checked = (call: RunCall, io: RunIo): number => {
  const count = call.agents.length
  io.stdout.write(`${call.planPath}: ${count} ${count === 1 ? "agent" : "agents"}, nothing wrong\n`)
  return EXIT.completed
}

const run = async (call: RunCall, io: RunIo): Promise<number> => {
  const interruption = watchSignals(isForeground(call, io))
  const suspension = watchSuspension()
  const guard = startGuard()
  const launcher = new CommandLauncher({ guard })
  launcher.prepare(STREAMS[kindOf(call, io)])
  io.stdout.once("error", () => interruption.receive("SIGPIPE"))
  try {
    const session = await openSession({
      budget: call.settings,
      ledger: call.ledger,
      retentionDays: call.retentionDays,
      sweep: sweepLost,
      ...(io.thread === undefined ? {} : { thread: io.thread }),
      ...(call.inspect === null ? {} : { inspect: call.inspect }),
    })
    tellLimits(session, call, (line) => say(io, line))
    const view = viewOf(session, call, io)
    if (view !== null) suspension.add(view)
    const running = { session, launcher, view, suspension, lines: linesOf(io, view) }
    try {
      const events = writeEvents(session, call, io)
      interruption.govern(session)
      const outcomes = await runAgents(call, io, running)
      const summary = await session.refresh()
      if (view !== null) suspension.remove(view)
      view?.close()
      events?.end()
      // Every agent's tree is reaped by now: the guard has nobody left to look after.
      await Promise.all([session.close(), guard.goodbye()])
      tellWhole(outcomes, summary, call, io, interruption)
      return writeSummary(summary, call, io) ?? statusOf(call, outcomes, interruption)
    } finally {
      // Also after a fault: the guard is told goodbye only when nobody lives any more.
      await session.close()
    }
  } finally {
    await launcher.close()
    await guard.goodbye()
    suspension.stopWatching()
    interruption.stopWatching()
  }
}

/** The child shares our terminal, so it hears Ctrl-C and Ctrl-Z as we do. */
const isForeground = (call: RunCall, io: RunIo): boolean =>
  call.planPath === null && (io.stdinIsTTY || io.stdout.isTTY)

interface Running {
  readonly session: Session
  readonly launcher: CommandLauncher
  readonly view: LiveView | null
  readonly suspension: Suspension
  readonly lines: Lines
}

const runAgents = (call: RunCall, io: RunIo, running: Running): Promise<readonly Outcome[]> =>
  Promise.all(call.agents.map((planned) => runAgent(planned, call, io, running)))

const runAgent = async (
  planned: PlannedAgent,
  call: RunCall,
  io: RunIo,
  { session, launcher, view, suspension, lines }: Running,
): Promise<Outcome> => {
  const stdio = stdioOf(planned, call, io, lines)
  const onNotice = (line: string): void => tell(io, view, line)
  try {
    const agent = await session.run({
      agentId: planned.id,
      taskId: planned.task,
      queue: true,
      waitForReset: call.waitForReset,
      limits: planned.limits,
      runner: (admitted) => {
        const { env } = io
        const room = session.room
        const given = { planned, launcher, stdio, call, env, suspension, onNotice, room }
        return agentRunner({ ...given, admitted })
      },
    })
    const ended = await agent.ended
    tellEnd(agent, ended, call, io, view)
    return { ended }
  } catch (error) {
    if (!(error instanceof AdmissionRefused)) throw error
    tell(io, view, error.message)
    return { refused: error.refusal.reason }
  }
}

/** On a terminal a single command keeps it; a plan's agents are always read. */
const kindOf = (call: RunCall, io: RunIo): AgentStdio["kind"] => {
  if (call.planPath !== null) return "lines"
  return io.stdout.isTTY && !call.meterNamed ? "terminal" : "bytes"
}

const stdioOf = (planned: PlannedAgent, call: RunCall, io: RunIo, lines: Lines): AgentStdio => {
  const kind = kindOf(call, io)
  const foreground = isForeground(call, io)
  if (kind === "lines") return { kind, prefix: call.prefix ? `${planned.id} | ` : "", ...lines }
  return kind === "terminal" ? { kind, foreground } : { kind, foreground, stdout: io.stdout }
}

interface Lines {
  readonly stdout: LineOutput
  readonly stderr: LineOutput
}

/** With a picture on the screen every line goes through it, and waits for the screen. */
const linesOf = (io: RunIo, view: LiveView | null): Lines => {
  if (view === null) return { stdout: lineOutput(io.stdout), stderr: lineOutput(io.stderr) }
  const onScreen = lineOutput(io.stderr, (lines) => view.print(lines.toString("utf8")))
  return { stdout: onScreen, stderr: onScreen }
}

const viewOf = (session: Session, call: RunCall, io: RunIo): LiveView | null =>
  call.planPath !== null && io.stderr.isTTY && io.stdout.isTTY
    ? openLiveView(session, { screen: io.stderr, env: io.env })
    : null

const tell = (io: RunIo, view: LiveView | null, line: string): void => {
  if (view === null) say(io, line)
  else view.print(`stint: ${line}\n`)
}

const tellEnd = (
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
  if (byItself && call.planPath === null) return
  tell(io, view, `${who} ended: ${ended.reason} (${ended.mechanism}), ${ended.totalTokens} tokens`)
}

const writeEvents = (session: Session, call: RunCall, io: RunIo): Writable | null => {
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
const writeSummary = (summary: Summary, call: RunCall, io: RunIo): number | null => {
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

const statusOf = (
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
const tellWhole = (
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
