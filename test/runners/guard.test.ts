import { type ChildProcess, spawn, spawnSync } from "node:child_process"
import { once } from "node:events"
import { createInterface } from "node:readline"
import { afterEach, describe, expect, it } from "vitest"
import { type Guard, startGuard } from "../../src/runners/guard.ts"
import { fixture, newLauncher, newMark, printed, start } from "./commands.ts"
import { aliveWith, eventually, handlesSignals, isAlive, nobodyLeft } from "./proc-reader.ts"

/** The promise of the product: nothing is alive this long after Stint's sudden death. */
const PROMISED_MS = 10_000

interface Told {
  readonly guard: number
  readonly members: readonly number[]
}

class Supervisor {
  readonly process: ChildProcess
  readonly #lines: AsyncIterator<string>

  constructor(mark: string, names: readonly string[]) {
    this.process = spawn(
      process.execPath,
      ["--no-warnings", fixture("supervisor.ts"), mark, ...names],
      {
        stdio: ["pipe", "pipe", "inherit"],
        detached: true,
      },
    )
    const input = this.process.stdout
    if (input === null) throw new Error("no stdout")
    this.#lines = createInterface({ input })[Symbol.asyncIterator]()
  }

  async told(): Promise<Told> {
    const { value } = await this.#lines.next()
    return JSON.parse(value ?? "null")
  }

  ask(word: "tell" | "goodbye"): void {
    this.process.stdin?.write(`${word}\n`)
  }

  async end(signal: NodeJS.Signals): Promise<void> {
    this.process.kill(signal)
    await once(this.process, "exit")
  }
}

const guards: Guard[] = []
const newGuard = (onReplaced?: (pid: number) => void): Guard => {
  const guard = startGuard(onReplaced ? { onReplaced } : {})
  guards.push(guard)
  return guard
}
afterEach(() => Promise.all(guards.splice(0).map((guard) => guard.goodbye())))

const pidOf = (guard: Guard): number => {
  if (guard.pid === null) throw new Error("no guard")
  return guard.pid
}

describe("when the supervisor is killed", () => {
  it("the guard stops every agent with all it started, then ends itself", async () => {
    const mark = newMark()
    const supervisor = new Supervisor(mark, [
      "escapee.sh",
      "polite.sh",
      "leaver.sh",
      "suspended.sh",
    ])
    const { guard } = await supervisor.told()
    await eventually(
      () => aliveWith(mark).filter(({ words }) => words.includes("deaf")).length >= 3,
    )
    await supervisor.end("SIGKILL")
    await nobodyLeft(mark, PROMISED_MS)
    await eventually(() => !isAlive(guard))
  })

  it("the guard also stops what only the supervisor had seen", async () => {
    const mark = newMark()
    const supervisor = new Supervisor(mark, ["seen.sh"])
    await supervisor.told()
    const sleeper = await eventually(() => aliveWith(mark).find(isSleeper))
    for (let members: readonly number[] = []; !members.includes(sleeper.pid); ) {
      supervisor.ask("tell")
      members = (await supervisor.told()).members
    }
    // Its parent goes; from then on only memory ties it to its agent.
    process.kill(sleeper.ppid, "SIGKILL")
    await eventually(() => !isAlive(sleeper.ppid))
    await supervisor.end("SIGKILL")
    await nobodyLeft(mark, PROMISED_MS)
  })

  it("a guard that replaced a killed one knows the same trees", async () => {
    const mark = newMark()
    const supervisor = new Supervisor(mark, ["escapee.sh"])
    const first = await supervisor.told()
    process.kill(first.guard, "SIGKILL")
    let second = first
    while (second.guard === first.guard) {
      supervisor.ask("tell")
      second = await supervisor.told()
    }
    expect(aliveWith(mark)).not.toEqual([])
    await supervisor.end("SIGKILL")
    await nobodyLeft(mark, PROMISED_MS)
  })
})

describe("when the supervisor says goodbye", () => {
  it("the guard ends and touches nobody", async () => {
    const mark = newMark()
    const supervisor = new Supervisor(mark, ["deaf.sh"])
    const { guard, members } = await supervisor.told()
    supervisor.ask("goodbye")
    await once(supervisor.process, "exit")
    expect(isAlive(guard)).toBe(false)
    expect(members.filter(isAlive)).not.toEqual([])
  })
})

describe("a guard", () => {
  it("outlives what a terminal or a service manager sends to everyone", async () => {
    const mark = newMark()
    const guard = newGuard()
    const command = await start(newLauncher({ guard }), "deaf.sh", mark)
    await printed(command, "ready")
    const pid = pidOf(guard)
    await eventually(() => handlesSignals(pid))
    for (const signal of ["SIGINT", "SIGHUP", "SIGTERM", "SIGQUIT", "SIGUSR1"] as const) {
      process.kill(pid, signal)
    }
    await command.killTree()
    expect(guard.pid).toBe(pid)
    await guard.goodbye()
    expect(isAlive(pid)).toBe(false)
  })

  it("is replaced when it is killed, without harm to any agent", async () => {
    const mark = newMark()
    const replaced = Promise.withResolvers<number>()
    const guard = newGuard(replaced.resolve)
    const command = await start(newLauncher({ guard }), "deaf.sh", mark)
    await printed(command, "ready")
    process.kill(pidOf(guard), "SIGKILL")
    const pid = await replaced.promise
    expect(isAlive(pid)).toBe(true)
    expect(isAlive(command.identity.pid)).toBe(true)
  })

  it.each([
    ["first", "files"],
    ["next", "files"],
    ["first", "environment"],
    ["next", "environment"],
  ])("is launched later where it cannot be now: the %s, for its %s", (which, need) => {
    const program = [process.execPath, "--no-warnings", fixture("guard-in-need.ts"), which, need]
    const few = ["-c", 'ulimit -n 64; exec "$@"', "sh", ...program]
    const { stdout, stderr } = spawnSync("sh", few, { encoding: "utf8" })
    expect({ stdout, stderr }).toEqual({ stdout: "true", stderr: "" })
  })

  it("is reported lost when it dies again and again, and still replaced", async () => {
    const guard = newGuard()
    let isLost = false
    guard.lost.then(({ message }) => {
      expect(message).toMatch(/outlive a crash/)
      isLost = true
    })
    let last = 0
    while (!isLost) {
      const pid = await eventually(() => isLost || (guard.pid !== last && guard.pid))
      if (typeof pid !== "number") break
      last = pid
      process.kill(pid, "SIGKILL")
    }
    expect(isLost).toBe(true)
    await eventually(() => guard.pid !== last)
  })
})

const isSleeper = ({ words }: { words: string }): boolean => /^sh \S*\/sleeper\.sh mark/.test(words)
