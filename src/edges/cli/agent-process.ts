/** One agent of a run as a process: its command, its streams, and the meter that reads along. */
import type { Writable } from "node:stream"
import { setTimeout as delay } from "node:timers/promises"
import type { Environment } from "../../config/environment.ts"
import type { PlannedAgent } from "../../config/plan.ts"
import type { Agent } from "../../host/agent.ts"
import type { CommandLauncher } from "../../runners/command.ts"
import { commandRunner } from "../../runners/command-runner.ts"
import type { Runner } from "../../runners/runner.ts"
import type { RunningCommand } from "../../runners/running-command.ts"
import { openMeter } from "./agent-meter.ts"
import { passBytes, passLines, type ReadAlong } from "./agent-output.ts"
import type { RunCall } from "./run-arguments.ts"

export type AgentStdio =
  /** Inherited untouched. */
  | { readonly kind: "terminal"; readonly foreground: boolean }
  /** Captured, and passed on byte for byte. */
  | { readonly kind: "bytes"; readonly foreground: boolean; readonly stdout: Writable }
  /** Captured, and passed on in whole lines with the agent's name. */
  | {
      readonly kind: "lines"
      readonly prefix: string
      readonly stdout: (text: string) => void
      readonly stderr: (text: string) => void
    }

export interface AgentProcess {
  readonly planned: PlannedAgent
  readonly admitted: Agent
  readonly launcher: CommandLauncher
  readonly stdio: AgentStdio
  readonly call: RunCall
  readonly env: Environment
}

/** Nobody of the tree lives any more: whoever reads our output has this long to take the rest. */
const DRAINED_WITHIN_MS = 5_000

export const agentRunner = (process: AgentProcess): Runner => {
  const { planned, stdio, call, env, launcher } = process
  const drained = Promise.withResolvers<void>()
  const [command, ...args] = planned.command
  return commandRunner(launcher, {
    command,
    args,
    cwd: planned.cwd,
    env: { ...env, ...planned.env },
    stdio:
      stdio.kind === "terminal"
        ? ["inherit", "inherit", "inherit"]
        : stdio.kind === "bytes"
          ? ["inherit", "pipe", "inherit"]
          : ["ignore", "pipe", "pipe"],
    foreground: stdio.kind !== "lines" && stdio.foreground,
    contain: call.contain,
    onStarted: (running) => readAlong(process, running, drained.resolve),
    drained: () =>
      Promise.race([drained.promise, delay(DRAINED_WITHIN_MS, undefined, { ref: false })]),
  })
}

const readAlong = (
  { planned, admitted, stdio }: AgentProcess,
  running: RunningCommand,
  onDrained: () => void,
): void => {
  if (running.stdout === null || stdio.kind === "terminal") {
    onDrained()
    return
  }
  const meter = openMeter(planned.meter, admitted)
  running.stdout.on("end", () => {
    meter.end()
    onDrained()
  })
  pass(stdio, running, meter.read)
}

const pass = (
  stdio: Exclude<AgentStdio, { kind: "terminal" }>,
  running: RunningCommand,
  read: ReadAlong,
): void => {
  const { stdout, stderr } = running
  if (stdout === null) return
  if (stdio.kind === "bytes") {
    passBytes(stdout, stdio.stdout, read)
    return
  }
  passLines(stdout, stdio.stdout, stdio.prefix, read)
  if (stderr !== null) passLines(stderr, stdio.stderr, stdio.prefix, () => {})
}
