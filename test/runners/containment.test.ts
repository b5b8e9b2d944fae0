import { describe, expect, it } from "vitest"
import { findContainment } from "../../src/runners/containment.ts"
import { newLauncher, newMark, options, printed, start } from "./commands.ts"
import { aliveWith, eventually, nobodyLeft } from "./proc-reader.ts"

const { available } = findContainment()

describe.skipIf(!available)("a contained command (needs PID namespaces)", () => {
  it("takes down even what left session, parent and environment behind", async () => {
    const mark = newMark()
    const command = await start(newLauncher(), "stranger.sh", mark, { contain: true })
    await printed(command, "gone")
    await eventually(() =>
      aliveWith(mark).some(
        ({ words }) => words.includes("sh -c setsid") === false && words.includes("sleeper.sh"),
      ),
    )
    expect(await command.killTree()).toEqual({ reaped: true })
    await command.reaped()
    expect(aliveWith(mark)).toEqual([])
  })

  it("leaves nothing when its leader ends by itself", async () => {
    const mark = newMark()
    const command = await start(newLauncher(), "leaver.sh", mark, { contain: true })
    expect(await command.exited).toEqual({ exitCode: 0, signal: null })
    await nobodyLeft(mark)
    await command.reaped()
  })

  it("hears a request to stop and keeps its own exit status", async () => {
    const mark = newMark()
    const command = await start(newLauncher(), "polite.sh", mark, { contain: true })
    await printed(command, "ready")
    command.requestStop()
    expect(await command.exited).toEqual({ exitCode: 7, signal: null })
    await command.reaped()
  })

  it("hears requests that the wrapper around it would die of", async () => {
    const mark = newMark()
    const command = await start(newLauncher(), "", mark, {
      args: ["-c", "trap 'exit 7' HUP; echo ready; while :; do sleep 0.1; done", mark],
      contain: true,
    })
    await printed(command, "ready")
    command.requestStop("SIGHUP")
    expect(await command.exited).toEqual({ exitCode: 7, signal: null })
    await command.reaped()
  })

  it("is asked to stop by a signal with its default effect, although it is alone in its namespace", async () => {
    const mark = newMark()
    const command = await start(newLauncher(), "", mark, {
      args: ["-c", "echo ready; exec sleep 60"],
      contain: true,
    })
    await printed(command, "ready")
    await eventually(() => aliveWith(mark).some(({ words }) => words.startsWith("sleep")))
    command.requestStop()
    expect(await command.exited).toEqual({ exitCode: 143, signal: null })
  })
})

describe("where there are no PID namespaces", () => {
  it("says what is missing and starts nothing", async () => {
    const nowhere = findContainment({ PATH: "/nowhere" })
    expect(nowhere).toMatchObject({ available: false })
    expect(nowhere.available || nowhere.message).toMatch(
      /--contain cannot be kept .*ENOENT.*without --contain/,
    )
    const mark = newMark()
    const launcher = newLauncher({ containment: () => nowhere })
    const failure = await launcher.start(options(mark, { args: ["-c", "sleep 60"], contain: true }))
    expect(failure).toMatchObject({ started: false, reason: "not_containable", exitCode: 125 })
    expect(aliveWith(mark)).toEqual([])
  })
})
