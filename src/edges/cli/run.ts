/** `stint run`: one command or a plan's agents, on the budget, in trees that can always be stopped. */
import type { Worker } from "node:worker_threads"
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
import { Guard } from "../../runners/guard.ts"
import { openSession, type Session } from "../../sharing/session.ts"
import { type LineOutput, lineOutput } from "./agent-output.ts"
import { type AgentStdio, agentRunner, STREAMS } from "./agent-process.ts"
import { BadCall } from "./arguments.ts"
import { letGo } from "./chunk-memory.ts"
import type { DescriptorOutput } from "./descriptor-output.ts"
import { EXIT, type Outcome } from "./exit-status.ts"
import { type LiveView, openLiveView } from "./live/view.ts"
import { type RunCall, readRunArguments, runHelp } from "./run-arguments.ts"
import { beginGatewayOfRun, type GatewayOfRun, seenAs } from "./run-gateway.ts"
import { watchSignals } from "./run-signals.ts"
import {
  say,
  statusOf,
  tell,
  tellEnd,
  tellWhole,
  writeEvents,
  writeSummary,
} from "./run-telling.ts"
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

const checked = (call: RunCall, io: RunIo): number => {
  const count = call.agents.length
  io.stdout.write(`${call.planPath}: ${count} ${count === 1 ? "agent" : "agents"}, nothing wrong\n`)
  return EXIT.completed
}

const run = async (asked: RunCall, io: RunIo): Promise<number> => {
  const interruption = watchSignals(isForeground(asked, io))
  const suspension = watchSuspension()
  // Launched with the first agent: by then there is time for it, and a run without one needs none.
  const guard = new Guard()
  const launcher = new CommandLauncher({ guard })
  launcher.prepare(STREAMS[kindOf(asked, io)])
  io.stdout.once("error", () => interruption.receive("SIGPIPE"))
  let gateway: Promise<GatewayOfRun> | null = null
  try {
    gateway = (await beginGatewayOfRun(asked, io)).opened
    const session = await openSession({
      sources: asked.sources,
      ledger: asked.ledger,
      retentionDays: asked.retentionDays,
      sweep: sweepLost,
      ...(io.thread === undefined ? {} : { thread: io.thread }),
      ...(asked.inspect === null ? {} : { inspect: asked.inspect }),
    })
    try {
      const way = await gateway
      // With what the ledger keeps: known only now.
      const call = { ...asked, settings: session.ownSettings() }
      tellLimits(session, call, (line) => say(io, line))
      for (const warning of way.warnings) say(io, warning)
      const view = viewOf(session, call, io)
      if (view !== null) suspension.add(view)
      const running = { session, launcher, view, suspension, way, lines: linesOf(io, view) }
      const events = writeEvents(session, call, io)
      interruption.govern(session)
      const outcomes = await runAgents(call, io, running)
      // What the last calls came to is written before anybody reads the sum.
      await way.close()
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
    await (await gateway?.catch(() => null))?.close()
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
  readonly way: GatewayOfRun
  readonly lines: Lines
}

const runAgents = (call: RunCall, io: RunIo, running: Running): Promise<readonly Outcome[]> =>
  Promise.all(call.agents.map((planned) => runAgent(planned, call, io, running)))

const runAgent = async (
  planned: PlannedAgent,
  call: RunCall,
  io: RunIo,
  { session, launcher, view, suspension, way, lines }: Running,
): Promise<Outcome> => {
  const stdio = stdioOf(planned, call, io, lines)
  const onNotice = (line: string): void => tell(io, view, line)
  const lead = way.lead(planned, call, onNotice)
  try {
    const agent = await session.run({
      agentId: planned.id,
      taskId: planned.task,
      queue: true,
      waitForReset: call.waitForReset,
      limits: planned.limits,
      ...seenAs(lead),
      runner: (admitted) => {
        const { env } = io
        const { room } = session
        const prices = way.pricesFor(call, planned)
        const given = { planned, launcher, stdio, call, env, suspension, onNotice, room }
        return agentRunner({ ...given, lead, prices, admitted })
      },
    })
    const ended = await agent.ended
    tellEnd(agent, ended, call, io, view)
    return { ended }
  } catch (error) {
    if (!(error instanceof AdmissionRefused)) throw error
    tell(io, view, error.message)
    return { refused: error.refusal.reason }
  } finally {
    lead?.dispose()
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
  const give = (lines: Buffer, to: DescriptorOutput): unknown => to.give(lines)
  if (view === null)
    return { stdout: lineOutput(io.stdout, give), stderr: lineOutput(io.stderr, give) }
  const onScreen = lineOutput(io.stderr, (lines) => {
    view.print(lines.toString("utf8"))
    letGo(lines)
  })
  return { stdout: onScreen, stderr: onScreen }
}

const viewOf = (session: Session, call: RunCall, io: RunIo): LiveView | null =>
  call.planPath !== null && io.stderr.isTTY && io.stdout.isTTY
    ? openLiveView(session, { screen: io.stderr, env: io.env })
    : null
