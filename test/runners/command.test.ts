import { readdirSync } from "node:fs"
import { describe, expect, it } from "vitest"
import type { TreeGuard } from "../../src/runners/guard-messages.ts"
import { newLauncher, newMark, options, printed, start, wholeOutput } from "./commands.ts"
import { aliveWith, eventually, isAlive, nobodyLeft, stateOf } from "./proc-reader.ts"

describe("a started command", () => {
  it("tells its output and its exit status, and is reaped without being stopped", async () => {
    const mark = newMark()
    const command = await start(newLauncher(), "polite.sh", mark, {
      args: ["-c", "echo out; exit 3"],
    })
    const output = wholeOutput(command)
    expect(await command.exited).toEqual({ exitCode: 3, signal: null })
    await command.reaped()
    expect(await output).toBe("out\n")
  })

  it("ends by its own handler when it is asked to stop", async () => {
    const mark = newMark()
    const command = await start(newLauncher(), "polite.sh", mark)
    await printed(command, "ready")
    command.requestStop()
    expect(await command.exited).toEqual({ exitCode: 7, signal: null })
    await command.reaped()
    expect(aliveWith(mark)).toEqual([])
  })

  it("hears the request although it was suspended", async () => {
    const mark = newMark()
    const command = await start(newLauncher(), "suspended.sh", mark)
    await printed(command, "ready")
    await eventually(() => aliveWith(mark).some(({ state }) => state === "T"))
    command.requestStop()
    expect(await command.exited).toEqual({ exitCode: 7, signal: null })
    await nobodyLeft(mark)
  })

  it("is killed with all its children when it is deaf to the request", async () => {
    const mark = newMark()
    const command = await start(newLauncher(), "deaf.sh", mark)
    await printed(command, "ready")
    command.requestStop()
    expect(isAlive(command.identity.pid)).toBe(true)
    expect(await command.killTree()).toEqual({ reaped: true })
    expect(await command.exited).toEqual({ exitCode: null, signal: "SIGKILL" })
    await command.reaped()
    expect(aliveWith(mark)).toEqual([])
  })

  it("is killed although it is suspended", async () => {
    const mark = newMark()
    const command = await start(newLauncher(), "suspended.sh", mark)
    await printed(command, "ready")
    await command.killTree()
    expect(aliveWith(mark)).toEqual([])
  })

  it("stops and goes on with all its children when it is suspended and resumed", async () => {
    const mark = newMark()
    const command = await start(newLauncher(), "", mark, {
      args: ["-c", "setsid sleep 40 & exec sleep 40"],
    })
    const states = () => command.members().map(({ pid }) => stateOf(pid))
    const sleeping = () => aliveWith(mark).filter(({ words }) => words.startsWith("sleep"))
    await eventually(() => sleeping().length === 2)
    command.suspend()
    await eventually(() => states().join("") === "TT")
    command.resume()
    await eventually(() => states().every((state) => state !== "T"))
  })

  it("may refuse to read what is written to it", async () => {
    const command = await start(newLauncher(), "", newMark(), {
      args: ["-c", "exec <&-; echo closed; exec sleep 30"],
      stdio: ["pipe", "pipe", "ignore"],
    })
    await printed(command, "closed")
    const broken = new Promise((resolve) => command.stdin?.write("unread\n", resolve))
    expect(await broken).toMatchObject({ code: "EPIPE" })
    await command.killTree()
    expect(command.stderr).toBeNull()
  })

  it("leaves no descriptor and no file behind", async () => {
    const launcher = newLauncher()
    const run = async (args: readonly string[]): Promise<void> => {
      const command = await start(launcher, "", newMark(), {
        args,
        stdio: ["ignore", "pipe", "pipe"],
      })
      command.stderr?.resume()
      await wholeOutput(command)
      await command.reaped()
    }
    await run(["-c", "echo first"])
    const before = descriptors()
    for (let count = 0; count < 20; count += 1) await run(["-c", "echo more"])
    await eventually(() => descriptors() <= before, undefined, descriptors)
  })
})

describe("a guard", () => {
  const recorder = () => {
    const told: string[] = []
    const guard: TreeGuard = {
      watch: ({ leader }) => told.push(leader === null ? "tag" : "leader"),
      seen: () => told.push("seen"),
      forget: () => told.push("forget"),
    }
    return { guard, told }
  }

  it("hears of a tree before its birth, at its birth and after its end", async () => {
    const { guard, told } = recorder()
    const command = await start(newLauncher({ guard }), "", newMark(), { args: ["-c", "exit 0"] })
    expect(told).toEqual(["tag", "leader"])
    command.stdout?.resume()
    await command.reaped()
    expect(told).toEqual(["tag", "leader", "forget"])
  })

  it("is told to forget a tree that was never born", async () => {
    const { guard, told } = recorder()
    const args = ["x".repeat(4_000_000)]
    const failure = await newLauncher({ guard }).start(options(newMark(), { args }))
    expect(failure).toMatchObject({ started: false })
    expect(told).toEqual(["tag", "forget"])
  })
})

const descriptors = (): number => readdirSync("/proc/self/fd").length
