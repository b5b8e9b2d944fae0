import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { RunningCommand } from "../../src/runners/running-command.ts"
import { newLauncher, newMark, options, wholeOutput } from "./commands.ts"

let folder = ""
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "stint-program-"))
  writeFileSync(join(folder, "plain"), "#!/bin/sh\necho never\n")
  writeFileSync(join(folder, "orphaned"), "#!/nowhere/interpreter\n")
  writeFileSync(join(folder, "bare"), 'echo "bare $0"\n')
  writeFileSync(join(folder, "hello"), '#!/bin/sh\necho "hello from $(pwd)"\n')
  for (const name of ["orphaned", "bare", "hello"]) chmodSync(join(folder, name), 0o755)
})
afterAll(() => rmSync(folder, { recursive: true }))

const failure = (command: string, more: object = {}) =>
  newLauncher().start(options(newMark(), { command, cwd: folder, ...more }))

describe("a command that cannot be started", () => {
  it("is not found: 127, and the message names it", async () => {
    expect(await failure("no-such-program")).toMatchObject({
      started: false,
      reason: "not_found",
      exitCode: 127,
      message: expect.stringContaining('"no-such-program"'),
    })
    expect(await failure("./no-such-file")).toMatchObject({ reason: "not_found" })
    expect(await failure("")).toMatchObject({ reason: "not_found" })
  })

  it("is not executable: 126, and the message says why", async () => {
    const found = { reason: "not_executable", exitCode: 126 }
    expect(await failure("./plain")).toMatchObject({
      ...found,
      message: expect.stringMatching(/not executable/),
    })
    expect(await failure(folder)).toMatchObject({
      ...found,
      message: expect.stringMatching(/is a directory/),
    })
    expect(await failure("./orphaned")).toMatchObject({
      ...found,
      message: expect.stringMatching(/interpreter/),
    })
  })

  it("has a working directory that is not there: the message names that, not the program", async () => {
    const cwd = join(folder, "missing")
    expect(await failure("sh", { cwd })).toMatchObject({
      reason: "no_directory",
      exitCode: 125,
      message: expect.stringContaining(cwd),
    })
  })

  it("has arguments longer than the system takes", async () => {
    expect(await failure("sh", { args: ["x".repeat(4_000_000)] })).toMatchObject({
      reason: "failed",
      exitCode: 125,
      message: expect.stringMatching(/E2BIG/),
    })
  })
})

describe("a program is searched", () => {
  it("in the child's own PATH, relative to the child's own folder", async () => {
    const env = { PATH: `.:${process.env.PATH}` }
    const command = await newLauncher().start(
      options(newMark(), { command: "hello", cwd: folder, env }),
    )
    if (!(command instanceof RunningCommand)) throw new Error(command.message)
    expect(await wholeOutput(command)).toBe(`hello from ${folder}\n`)
  })

  it("and run by a shell when it has no first line of its own", async () => {
    const command = await newLauncher().start(
      options(newMark(), { command: "./bare", cwd: folder }),
    )
    if (!(command instanceof RunningCommand)) throw new Error(command.message)
    expect(await wholeOutput(command)).toMatch(/^bare .*bare\n$/)
  })
})
