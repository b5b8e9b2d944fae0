/** `stint run`: one command or a plan's agents, on the budget, in trees that can always be stopped. */
import { createWriteStream, type WriteStream, writeFileSync } from "node:fs"
import type { Writable } from "node:stream"
import type { AgentSummary, Summary } from "../../../machines/budget/summary.ts"
import type { Environment } from "../../config/environment.ts"
import type { PlannedAgent } from "../../config/plan.ts"
import { ConfigurationError } from "../../config/problem.ts"
import type { Agent } from "../../host/agent.ts"
import {
  AdmissionRefused,
  CanaryAdmitted,
  ClockStepped,
  InvalidRequest,
} from "../../host/errors.ts"
import type { Sweep } from "../../host/host.ts"
import { startSupervisor } from "../../host/start.ts"
import type { Supervisor } from "../../host/supervisor.ts"
import { LedgerUnavailable } from "../../ledger/ledger.ts"
import { CommandLauncher } from "../../runners/command.ts"
import { startGuard } from "../../runners/guard.ts"
import { sweepStrays } from "../../runners/stray-sweep.ts"
import { type AgentStdio, agentRunner } from "./agent-process.ts"
import { BadCall } from "./arguments.ts"
import { EXIT, type Outcome, statusOfCommand, statusOfPlan } from "./exit-status.ts"
import { type LiveView, openLiveView } from "./live/view.ts"
import { type RunCall, readRunArguments, runHelp } from "./run-arguments.ts"
import { type Interruption, watchSignals } from "./run-signals.ts"

export interface RunIo {
  readonly stdout: Writable & { readonly isTTY?: boolean }
  readonly stderr: Writable & { readonly isTTY?: boolean; readonly columns?: number }
  readonly stdin: { readonly isTTY?: boolean }
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
  const guard = startGuard()
  const launcher = new CommandLauncher({ guard })
  try {
    const supervisor = await startSupervisor({
      budget: call.settings,
      ledger: call.ledger,
      retentionDays: call.retentionDays,
      sweep: sweepLost,
    })
    const events = writeEvents(supervisor, call)
    const interruption = watchSignals(supervisor)
    const view = viewOf(supervisor, call, io)
    const outcomes = await runAgents(call, io, { supervisor, launcher, view })
    view?.close()
    const summary = supervisor.summary()
    await supervisor.close()
    interruption.stopWatching()
    events?.end()
    writeSummary(summary, call, io)
    return statusOf(call, outcomes, interruption, io)
  } finally {
    launcher.close()
    await guard.goodbye()
  }
}

/** What a dead Stint left alive is stopped before anything is admitted; its agents end `lost`. */
const sweepLost: Sweep = async (lost) => {
  const orphans = lost.map(({ key, process: leader, graceMs }) => ({ tag: key, leader, graceMs }))
  await sweepStrays(orphans)
}

interface Running {
  readonly supervisor: Supervisor
  readonly launcher: CommandLauncher
  readonly view: LiveView | null
}

const runAgents = (call: RunCall, io: RunIo, running: Running): Promise<readonly Outcome[]> =>
  Promise.all(call.agents.map((planned) => runAgent(planned, call, io, running)))

const runAgent = async (
  planned: PlannedAgent,
  call: RunCall,
  io: RunIo,
  { supervisor, launcher, view }: Running,
): Promise<Outcome> => {
  const stdio = stdioOf(planned, call, io, view)
  try {
    const agent = await supervisor.run({
      agentId: planned.id,
      taskId: planned.task,
      queue: true,
      waitForReset: call.waitForReset,
      limits: planned.limits,
      runner: (admitted) => agentRunner({ planned, admitted, launcher, stdio, call, env: io.env }),
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
const stdioOf = (
  planned: PlannedAgent,
  call: RunCall,
  io: RunIo,
  view: LiveView | null,
): AgentStdio => {
  if (call.planPath === null) {
    const foreground = io.stdin.isTTY === true || io.stdout.isTTY === true
    return io.stdout.isTTY === true && !call.meterNamed
      ? { kind: "terminal", foreground }
      : { kind: "bytes", foreground, stdout: io.stdout }
  }
  const prefix = call.prefix ? `${planned.id} | ` : ""
  const print = (to: Writable) => (text: string) => {
    if (view === null) to.write(text)
    else view.print(text)
  }
  return { kind: "lines", prefix, stdout: print(io.stdout), stderr: print(io.stderr) }
}

const viewOf = (supervisor: Supervisor, call: RunCall, io: RunIo): LiveView | null =>
  call.planPath !== null && io.stderr.isTTY === true && io.stdout.isTTY === true
    ? openLiveView(supervisor, { screen: io.stderr, env: io.env })
    : null

const tell = (io: RunIo, view: LiveView | null, line: string): void => {
  if (view === null) say(io, line)
  else view.print(`stint: ${line}\n`)
}

const tellEnd = (
  agent: Agent,
  ended: AgentSummary,
  call: RunCall,
  io: RunIo,
  view: LiveView | null,
): void => {
  const who = `agent ${agent.agentId}`
  if (ended.error !== null) tell(io, view, `${who}: ${ended.error}`)
  if (ended.enforcement === "unmetered")
    tell(
      io,
      view,
      `${who}: no meter has spoken, so its tokens are unknown; only slots and duration were enforced`,
    )
  const byItself = ended.reason === "completed" || ended.reason === "failed"
  if (byItself && call.planPath === null) return
  tell(io, view, `${who} ended: ${ended.reason} (${ended.mechanism}), ${ended.totalTokens} tokens`)
}

const writeEvents = (supervisor: Supervisor, call: RunCall): WriteStream | null => {
  if (call.events === null) return null
  const file = createWriteStream(call.events === "-" ? "/dev/stdout" : call.events, { flags: "a" })
  supervisor.on("*", (fact) => file.write(`${JSON.stringify(fact)}\n`))
  return file
}

const writeSummary = (summary: Summary, call: RunCall, io: RunIo): void => {
  if (call.summary === null) return
  const text = `${JSON.stringify(summary, null, 2)}\n`
  if (call.summary === "-") io.stdout.write(text)
  else writeFileSync(call.summary, text)
}

const statusOf = (
  call: RunCall,
  outcomes: readonly Outcome[],
  interruption: Interruption,
  io: RunIo,
): number => {
  const status =
    call.planPath === null
      ? statusOfCommand(outcomes[0] ?? { refused: "draining" })
      : statusOfPlan(outcomes)
  const signalled = interruption.status()
  if (signalled !== null) {
    say(
      io,
      `interrupted; ${outcomes.filter((outcome) => "ended" in outcome).length} agents were stopped`,
    )
    return signalled
  }
  return status
}
