/** One agent of a run as a process: its command, its streams, and the meter that reads along. */
import { once } from "node:events"
import { setTimeout as delay } from "node:timers/promises"
import type { Environment } from "../../config/environment.ts"
import type { PlannedAgent } from "../../config/plan.ts"
import type { Lead } from "../../gateway/run-gateway.ts"
import type { StdioKinds } from "../../runners/child-stdio.ts"
import type { CommandLauncher } from "../../runners/command.ts"
import { commandRunner } from "../../runners/command-runner.ts"
import type { SpawnFailure } from "../../runners/program.ts"
import type { Runner } from "../../runners/runner.ts"
import type { RunningCommand } from "../../runners/running-command.ts"
import type { Room } from "../../sharing/room.ts"
import type { SessionAgent } from "../../sharing/session.ts"
import { type MeterOptions, openMeter } from "./agent-meter.ts"
import {
  type GivenOutput,
  type LineOutput,
  passBytes,
  passLines,
  type ReadAlong,
} from "./agent-output.ts"
import type { RunCall } from "./run-arguments.ts"
import type { Suspension } from "./suspension.ts"

export type AgentStdio =
  /** Inherited untouched. */
  | { readonly kind: "terminal"; readonly foreground: boolean }
  /** Captured, and passed on byte for byte. */
  | { readonly kind: "bytes"; readonly foreground: boolean; readonly stdout: GivenOutput }
  /** Captured, and passed on in whole lines with the agent's name. */
  | {
      readonly kind: "lines"
      readonly prefix: string
      readonly stdout: LineOutput
      readonly stderr: LineOutput
    }

export interface AgentProcess {
  readonly planned: PlannedAgent
  readonly admitted: SessionAgent
  /** Asked after each piece of output: whether more usage can be taken, or when. */
  readonly room: Room
  readonly launcher: CommandLauncher
  readonly stdio: AgentStdio
  readonly call: RunCall
  readonly env: Environment
  /** Its way through the gateway; null without one. */
  readonly lead: Lead | null
  readonly prices: MeterOptions["prices"]
  /** Stands still with us on Ctrl-Z. */
  readonly suspension: Suspension
  /** Something its user should know, in one line. */
  readonly onNotice: (line: string) => void
}

/** What the child is given as standard input, output and error. */
export const STREAMS: Readonly<Record<AgentStdio["kind"], StdioKinds>> = {
  terminal: ["inherit", "inherit", "inherit"],
  bytes: ["inherit", "pipe", "inherit"],
  lines: ["ignore", "pipe", "pipe"],
}

/** Nobody of the tree lives any more: whoever reads our output has this long to take the rest. */
const DRAINED_WITHIN_MS = 5_000

export const agentRunner = (process: AgentProcess): Runner => {
  const { planned, stdio, call, launcher, lead, admitted } = process
  if (lead !== null && lead.failure !== null) return failing(lead.failure)
  lead?.follow(admitted.calls)
  const drained = Promise.withResolvers<void>()
  const [command, ...args] = lead?.command ?? planned.command
  return commandRunner(launcher, {
    command,
    args,
    cwd: planned.cwd,
    env: lead?.env ?? environmentBefore(process),
    ...(lead === null ? {} : { stopSignal: lead.stopSignal }),
    stdio: STREAMS[stdio.kind],
    foreground: stdio.kind !== "lines" && stdio.foreground,
    contain: call.contain,
    graceMs: (planned.limits.graceSeconds ?? call.settings.graceSeconds) * 1000,
    onStarted: (running) => attend(process, running, drained.resolve),
    drained: () =>
      Promise.race([drained.promise, delay(DRAINED_WITHIN_MS, undefined, { ref: false })]),
  })
}

/** As its environment would be without a gateway. */
export const environmentBefore = ({
  env,
  planned,
}: Pick<AgentProcess, "env" | "planned">): Environment => ({ ...env, ...planned.env })

/** What it needs could not be made, so it is not started. */
const failing =
  ({ message, exitCode }: SpawnFailure): Runner =>
  (_, report) => {
    report.failed(message, exitCode)
    return { interrupt: () => {}, kill: () => {}, warn: () => {} }
  }

const attend = (process: AgentProcess, running: RunningCommand, onDrained: () => void): void => {
  const { suspension, stdio, onNotice, admitted, planned, lead, prices, room } = process
  // In the foreground the terminal's own Ctrl-Z reaches it, and it may have a screen to put back.
  if (stdio.kind === "lines" || !stdio.foreground) {
    suspension.add(running)
    running.reaped().then(() => suspension.remove(running))
  }
  const streams = [running.stdout, running.stderr].filter((stream) => stream !== null)
  const closed = Promise.all(streams.map((stream) => once(stream, "close")))
  if (running.stdout === null || stdio.kind === "terminal") {
    closed.then(onDrained, onDrained)
    return
  }
  const onUnreadable = (why: string): void =>
    onNotice(`agent ${admitted.agentId}: a line of usage could not be counted: ${why}`)
  const meter = openMeter({ name: planned.meter, agent: admitted, lead, prices, onUnreadable })
  closed.then(meter.end).then(onDrained, onDrained)
  pass(stdio, running, (chunk) => {
    meter.read(chunk)
    return room()
  })
}

const pass = (
  stdio: Exclude<AgentStdio, { kind: "terminal" }>,
  { stdout, stderr }: RunningCommand,
  read: ReadAlong,
): void => {
  if (stdout === null) return
  if (stdio.kind === "bytes") {
    passBytes(stdout, stdio.stdout, read)
    return
  }
  passLines(stdout, stdio.stdout, stdio.prefix, read)
  if (stderr !== null) passLines(stderr, stdio.stderr, stdio.prefix, () => null)
}
