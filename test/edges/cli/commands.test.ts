import { spawnSync } from "node:child_process"
import { fileURLToPath } from "node:url"
import { describe, expect, it } from "vitest"
import { writeText } from "../../../src/config/kinds.ts"
import { settingsOf } from "../../../src/config/settings-table.ts"
import { COMMANDS } from "../../../src/edges/cli/commands.ts"

const BIN = fileURLToPath(new URL("../../../src/bin.ts", import.meta.url))

const stint = (...argv: readonly string[]) =>
  spawnSync(process.execPath, ["--conditions=source", BIN, ...argv], { encoding: "utf8" })

const isNarrow = (text: string): boolean => text.split("\n").every((line) => line.length <= 80)

describe("stint --help", () => {
  it("lists every command on lines of at most 80 columns", () => {
    const { status, stdout, stderr } = stint("--help")
    expect([status, stderr]).toEqual([0, ""])
    expect(isNarrow(stdout)).toBe(true)
    for (const [name, { summary }] of Object.entries(COMMANDS))
      expect(stdout).toMatch(new RegExp(`^  stint ${name} +${summary.slice(0, 20)}`, "m"))
  })
})

describe.each(Object.entries(COMMANDS))("stint %s --help", (name, { load, sheet }) => {
  it("fits 80 columns, and tells every flag and every default", async () => {
    const { help, scopes, flags } = await sheet()
    const text = help()
    expect(isNarrow(text)).toBe(true)
    for (const { flag } of flags) expect(text).toMatch(new RegExp(`--${flag}\\b`))
    const words = text.replaceAll(/\s+/g, " ")
    for (const { flag, switches, default: value, defaultText } of settingsOf(...scopes)) {
      if (switches.length > 1) expect(words).toMatch(/--hard [^(]*\(default\)/)
      else if (switches.length === 1) expect(words).toContain(`--${flag} ${switches[0]?.meaning}`)
      else {
        const shown = defaultText ?? writeText(value)
        expect(words.replaceAll(/(?<=\d)_(?=\d)/g, "")).toMatch(
          new RegExp(`--${flag} [^(]*\\(default ${shown.replaceAll(/[.]/g, "\\.")}`),
        )
      }
    }
  })

  it("is what the command prints", async () => {
    expect(await load()).toBeTypeOf("function")
    const { status, stdout } = stint(name, "--help")
    expect(status).toBe(0)
    expect(stdout).toBe((await sheet()).help())
  })
})

describe("an unknown command", () => {
  it.each([
    ["histroy", "did you mean stint history?"],
    ["Doctor", "did you mean stint doctor?"],
    ["frobnicate", "commands: run, replay, "],
    ["constructor", "commands: run, replay, "],
  ])("%s is told with the nearest one, or with all", (name, advice) => {
    const { status, stdout, stderr } = stint(name)
    expect([status, stdout]).toEqual([125, ""])
    expect(stderr).toContain(`stint: there is no command "${name}"; ${advice}`)
  })
})
