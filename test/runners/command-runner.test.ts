/** A command as the supervisor sees it: what is reported, in which order, and which orders it obeys. */
import { describe, expect, it } from "vitest"
import type { AgentKey } from "../../machines/vocabulary.ts"
import { type AgentCommand, commandRunner } from "../../src/runners/command-runner.ts"
import type { Report, Work } from "../../src/runners/runner.ts"
import { fixture, newLauncher, newMark, options, printed } from "./commands.ts"
import { aliveWith, eventually, nobodyLeft } from "./proc-reader.ts"

const run = (mark: string, more: Partial<AgentCommand> = {}) => {
  const told: unknown[] = []
  const over = Promise.withResolvers<void>()
  const report: Report = {
    started: (process) => told.push(["started", process !== null]),
    failed: (error, exitCode) => {
      told.push(["failed", error, exitCode])
      over.resolve()
    },
    exited: ({ outcome, mechanism, exitCode, signal }) =>
      told.push(["exited", outcome, mechanism, exitCode ?? signal]),
    reaped: (mechanism) => {
      told.push(["reaped", mechanism, aliveWith(mark).length])
      over.resolve()
    },
  }
  const { tag, ...command } = options(mark, { stdio: ["ignore", "ignore", "ignore"] })
  const context = { key: tag as AgentKey, agentId: "agent-1", taskId: "task-1" }
  const work: Work = commandRunner(newLauncher(), { ...command, ...more })(context, report)
  return { work, told, over: over.promise }
}

const script = (text: string): Partial<AgentCommand> => ({ args: ["-c", text] })
const program = (name: string, mark: string): Partial<AgentCommand> => ({
  args: [fixture(name), mark],
})

describe("a command's life is reported", () => {
  it("when it completes", async () => {
    const { told, over } = run(newMark(), script("exit 0"))
    await over
    expect(told).toEqual([
      ["started", true],
      ["exited", "completed", "exited", 0],
      ["reaped", "exited", 0],
    ])
  })

  it("when it fails by itself or by a signal that nobody of us sent", async () => {
    const failed = run(newMark(), script("exit 3"))
    const killed = run(newMark(), script("kill -SEGV $$"))
    await Promise.all([failed.over, killed.over])
    expect(failed.told[1]).toEqual(["exited", "failed", "exited", 3])
    expect(killed.told[1]).toEqual(["exited", "failed", "exited", "SIGSEGV"])
  })

  it("when it could not be started", async () => {
    const { told, over } = run(newMark(), { command: "no-such-program" })
    await over
    expect(told).toEqual([["failed", expect.stringContaining("no-such-program"), 127]])
  })

  it("when it ends because it was asked to, or was killed", async () => {
    const [asked, deaf] = [newMark(), newMark()]
    const polite = run(asked, program("polite.sh", asked))
    const stubborn = run(deaf, program("deaf.sh", deaf))
    await eventually(() => aliveWith(asked).length > 1 && aliveWith(deaf).length > 1)
    polite.work.interrupt("test")
    stubborn.work.interrupt("test")
    stubborn.work.kill()
    await Promise.all([polite.over, stubborn.over])
    expect(polite.told.at(-1)).toEqual(["reaped", "term", 0])
    expect(stubborn.told.slice(1)).toEqual([
      ["exited", "failed", "kill", "SIGKILL"],
      ["reaped", "kill", 0],
    ])
  })

  it("as reaped only when what its leader left is gone too", async () => {
    const mark = newMark()
    const { work, told, over } = run(mark, program("leaver.sh", mark))
    await eventually(() => told.length === 2)
    expect(told[1]).toEqual(["exited", "completed", "exited", 0])
    expect(aliveWith(mark)).not.toEqual([])
    work.kill()
    await over
    expect(told[2]).toEqual(["reaped", "exited", 0])
  })
})

describe("a command", () => {
  it("obeys orders that came before it was born", async () => {
    const mark = newMark()
    const { work, told, over } = run(mark, program("deaf.sh", mark))
    work.kill()
    await over
    expect(told.at(-1)).toEqual(["reaped", "kill", 0])
    await nobodyLeft(mark)
  })

  it("finds its names in its environment, and gives its streams to who reads them", async () => {
    const seen = Promise.withResolvers<void>()
    const { over } = run(newMark(), {
      ...script('echo "$STINT_AGENT_ID of $STINT_TASK_ID"'),
      stdio: ["ignore", "pipe", "ignore"],
      onStarted: (command) => seen.resolve(printed(command, "agent-1 of task-1")),
    })
    await seen.promise
    await over
  })
})
