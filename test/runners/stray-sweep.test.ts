import { describe, expect, it } from "vitest"
import { sweepStrays } from "../../src/runners/stray-sweep.ts"
import { newLauncher, newMark, printed, start } from "./commands.ts"
import { aliveWith, eventually, isAlive } from "./proc-reader.ts"

describe("the sweep at start", () => {
  it("stops what a dead Stint left, by recorded identity and tag", async () => {
    const [byTag, byIdentity, other] = [newMark(), newMark(), newMark()]
    const launcher = newLauncher()
    const tagged = await start(launcher, "escapee.sh", byTag)
    const identified = await start(launcher, "deaf.sh", byIdentity)
    const bystander = await start(launcher, "deaf.sh", other)
    await Promise.all([tagged, identified, bystander].map((each) => printed(each, "ready")))
    await eventually(
      () => aliveWith(byTag).filter(({ words }) => words.includes("deaf")).length === 2,
    )
    launcher.close()

    const reports = await sweepStrays([
      { tag: `tree-${byTag}`, leader: null, graceMs: 50 },
      { tag: "no-such-tag", leader: identified.identity, graceMs: 50 },
    ])
    expect(reports.map(({ tag, unkillable }) => [tag, unkillable])).toEqual([
      [`tree-${byTag}`, []],
      ["no-such-tag", []],
    ])
    expect(reports[0]?.found.length).toBeGreaterThanOrEqual(3)
    expect(reports[1]?.found).toContainEqual(identified.identity)
    expect(aliveWith(byTag)).toEqual([])
    expect(aliveWith(byIdentity)).toEqual([])
    expect(isAlive(bystander.identity.pid)).toBe(true)
  })

  it("leaves a process alone whose recorded identity is another's by now", async () => {
    const mark = newMark()
    const command = await start(newLauncher(), "deaf.sh", mark)
    await printed(command, "ready")
    const { identity } = command
    const strangers = [
      { ...identity, startTime: `${Number(identity.startTime) - 1}` },
      { ...identity, bootId: "another boot" },
    ]
    for (const leader of strangers) {
      const orphan = { tag: "no-such-tag", leader, graceMs: 10 }
      expect(await sweepStrays([orphan])).toEqual([
        { tag: "no-such-tag", found: [], unkillable: [] },
      ])
    }
    expect(isAlive(identity.pid)).toBe(true)
  })

  it("gives what can hear the time to end by itself", async () => {
    const mark = newMark()
    const command = await start(newLauncher(), "polite.sh", mark)
    await printed(command, "ready")
    await sweepStrays([{ tag: `tree-${mark}`, leader: command.identity, graceMs: 20_000 }])
    expect(await command.exited).toEqual({ exitCode: 7, signal: null })
  })
})

describe("a Stint inside an agent of another", () => {
  it("keeps what it starts in the outer tree as well", async () => {
    const [outer, inner] = [newMark(), newMark()]
    const command = await start(newLauncher(), "", outer, {
      command: process.execPath,
      args: [
        "--no-warnings",
        new URL("./fixtures/supervisor.ts", import.meta.url).pathname,
        inner,
        "escapee.sh",
      ],
      stdio: ["pipe", "pipe", "inherit"],
    })
    await eventually(
      () => aliveWith(inner).filter(({ words }) => words.includes("deaf")).length === 2,
    )
    expect(await command.killTree()).toEqual({ reaped: true })
    expect(aliveWith(inner)).toEqual([])
  })
})
