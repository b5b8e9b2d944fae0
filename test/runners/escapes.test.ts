/** What agents leave behind, by every way out of their tree. */
import { setImmediate as nextTurn } from "node:timers/promises"
import { describe, expect, it } from "vitest"
import { newLauncher, newMark, printed, start, wholeOutput } from "./commands.ts"
import { aliveWith, eventually, nobodyLeft, stateOf } from "./proc-reader.ts"

describe("a tree", () => {
  it("includes tools with sessions of their own and what was forked twice", async () => {
    const mark = newMark()
    const command = await start(newLauncher(), "escapee.sh", mark)
    await printed(command, "ready")
    const deaf = () => aliveWith(mark).filter(({ words }) => words.includes("deaf.sh"))
    await eventually(() => deaf().length === 2 && deaf().some(isOrphan(mark)), undefined, deaf)
    const members = command.members().map(({ pid }) => pid)
    for (const { pid } of deaf()) expect(members).toContain(pid)
    await command.killTree()
    expect(aliveWith(mark)).toEqual([])
  })

  it("asks strays outside the group to stop as well", async () => {
    const mark = newMark()
    const command = await start(newLauncher(), "polite.sh", mark, {
      args: ["-c", 'setsid sh "$0" "$1" & wait; exec sleep 60', fixturePolite, mark],
    })
    await printed(command, "ready")
    command.requestStop()
    await nobodyLeft(mark)
    await command.reaped()
  })

  it("is not reaped when its leader exits 0 and leaves deaf and suspended children", async () => {
    const mark = newMark()
    const command = await start(newLauncher(), "leaver.sh", mark)
    await printed(command, "ready")
    expect(await command.exited).toEqual({ exitCode: 0, signal: null })
    await eventually(() => aliveWith(mark).some(({ state }) => state === "T"))
    expect(command.members().length).toBeGreaterThan(1)
    expect(await command.sweepAfterExit(100)).toEqual({ reaped: true })
    expect(aliveWith(mark)).toEqual([])
    await command.reaped()
  })

  it("remembers a child that later loses parent, session and environment", async () => {
    const mark = newMark()
    const launcher = newLauncher({ paces: { observeEveryMs: 10 } })
    const command = await start(launcher, "adopted.sh", mark, {
      stdio: ["pipe", "pipe", "inherit"],
    })
    const sleepers = () => aliveWith(mark).filter(isSleeper)
    await printed(command, "ready")
    await eventually(() => command.members().some(({ pid }) => pid === sleepers()[0]?.pid))
    command.stdin?.end("go\n")
    await eventually(() => sleepers().some(isOrphan(mark)))
    await command.killTree()
    expect(aliveWith(mark)).toEqual([])
  })

  it("does not claim a child that nobody saw leave everything behind", async () => {
    const mark = newMark()
    const command = await start(newLauncher(NEVER_OBSERVE), "stranger.sh", mark)
    await printed(command, "gone")
    await eventually(() => aliveWith(mark).some(isSleeper))
    await command.killTree()
    expect(aliveWith(mark).filter(isSleeper)).toHaveLength(1)
  })

  it("includes what cleared its environment but stayed in the session of a leader that has gone", async () => {
    const mark = newMark()
    const command = await start(newLauncher(NEVER_OBSERVE), "stayer.sh", mark)
    expect(await command.exited).toEqual({ exitCode: 0, signal: null })
    await eventually(() => aliveWith(mark).some(isSleeper))
    await command.killTree()
    expect(aliveWith(mark)).toEqual([])
  })

  it("is emptied while it forks faster than it is looked at", async () => {
    const mark = newMark()
    const command = await start(newLauncher(), "bomb.sh", mark)
    await printed(command, "ready")
    await eventually(
      () => aliveWith(mark).length >= 20,
      undefined,
      () => aliveWith(mark).length,
    )
    expect(await command.killTree()).toEqual({ reaped: true })
    expect(aliveWith(mark)).toEqual([])
  })

  it("is reaped although a PID 1 that does not reap keeps its zombies", async () => {
    const mark = newMark()
    const command = await start(newLauncher(), "leaver.sh", mark)
    await printed(command, "ready")
    await command.exited
    const orphans = command.members().map(({ pid }) => pid)
    expect(orphans.length).toBeGreaterThan(0)
    await command.killTree()
    await command.reaped()
    for (const pid of orphans) expect(["Z", "X", ""]).toContain(stateOf(pid))
  })
})

describe("captured output", () => {
  it("ends when the tree is reaped, though something unclaimed holds the pipe", async () => {
    const mark = newMark()
    const command = await start(newLauncher(NEVER_OBSERVE), "holder.sh", mark)
    expect(await wholeOutput(command)).toBe("last words")
    await eventually(() => aliveWith(mark).some(isSleeper))
    await command.reaped()
  })

  it("goes through pipes that a script can open by name", async () => {
    const command = await start(newLauncher(), "", newMark(), {
      args: ["-c", "echo one > /dev/stdout; echo two | tee /dev/stderr"],
      stdio: ["ignore", "pipe", "pipe"],
    })
    expect(await wholeOutput(command)).toBe("one\ntwo\n")
    let errors = ""
    for await (const chunk of command.stderr ?? []) errors += String(chunk)
    expect(errors).toBe("two\n")
  })

  it("arrives whole when its reader is slower than its writer's life", async () => {
    const command = await start(newLauncher(), "", newMark(), {
      args: ["-c", "head -c 110000 /dev/zero"],
    })
    await command.exited
    await command.reaped()
    await manyTurns()
    let text = ""
    for await (const chunk of command.stdout ?? []) {
      text += String(chunk)
      await manyTurns()
    }
    expect(text).toHaveLength(110_000)
  })
})

const fixturePolite = new URL("./fixtures/polite.sh", import.meta.url).pathname

/** So that nobody is seen by chance on their way out. */
const NEVER_OBSERVE = { paces: { observeEveryMs: 60_000 } }

const manyTurns = async (): Promise<void> => {
  for (let turn = 0; turn < 50; turn += 1) await nextTurn()
}

const isSleeper = ({ words }: { words: string }): boolean => /^sh \S*\/sleeper\.sh mark/.test(words)

/** Its parent, all of whose kin carry the mark, is gone. */
const isOrphan =
  (mark: string) =>
  ({ ppid }: { ppid: number }): boolean =>
    !aliveWith(mark).some(({ pid }) => pid === ppid)
