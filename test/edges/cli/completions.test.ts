import { spawnSync } from "node:child_process"
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { beforeAll, describe, expect, it, test } from "vitest"
import { COMMANDS } from "../../../src/edges/cli/commands.ts"
import { completionsCommand } from "../../../src/edges/cli/completions.ts"
import { emptyFolder, hear } from "./heard.ts"

const PRESS_TAB = fileURLToPath(new URL("./fixtures/press-tab.zsh", import.meta.url))

const completions = (argv: readonly string[]) =>
  hear((io) => completionsCommand(argv, io, COMMANDS), { cwd: "/nonexistent" })

const isInstalled = (shell: string): boolean => spawnSync(shell, ["-c", "exit 0"]).status === 0

/** As a file: fish cannot read a script from a socket, which is what a child of Node's gets. */
const written = (script: string): string => {
  const file = join(emptyFolder(), "script")
  writeFileSync(file, script)
  return file
}

for (const shell of ["bash", "zsh", "fish"])
  if (!isInstalled(shell))
    process.stderr.write(`completions for ${shell} are not tried: it is not installed\n`)

describe.each(["bash", "zsh", "fish"])("for %s", (shell) => {
  test.skipIf(!isInstalled(shell))("the script has no mistake the shell can find", async () => {
    const { status, stdout } = await completions([shell])
    expect(status).toBe(0)
    const checked = spawnSync(shell, ["-n", written(stdout)], { encoding: "utf8" })
    expect([checked.status, checked.stderr]).toEqual([0, ""])
  })

  it("every command and every flag of each is there", async () => {
    const { stdout } = await completions([shell])
    for (const [name, { sheet }] of Object.entries(COMMANDS)) {
      expect(stdout).toContain(name)
      for (const { flag } of (await sheet()).flags) expect(stdout).toContain(flag)
    }
    for (const flag of ["daily-token-limit", "soft", "time-zone", "ledger", "idle"])
      expect(stdout).toContain(flag)
  })
})

describe.skipIf(!isInstalled("bash"))("in bash", () => {
  let script = ""
  beforeAll(async () => {
    script = (await completions(["bash"])).stdout
  })

  /** What is offered for the last of `words`. */
  const offered = (words: readonly string[], cwd = "/") => {
    const quoted = words.map((word) => `'${word}'`).join(" ")
    const input = `${script}
COMP_WORDS=(${quoted}); COMP_CWORD=${words.length - 1}
_stint
printf '%s\\n' "\${COMPREPLY[@]}"`
    const { stdout, stderr } = spawnSync("bash", ["--norc"], { input, cwd, encoding: "utf8" })
    expect(stderr).toBe("")
    return stdout.split("\n").filter((line) => line !== "")
  }

  it("commands are completed", () => {
    expect(offered(["stint", "re"])).toEqual(["replay"])
    expect(offered(["stint", ""])).toEqual(expect.arrayContaining(Object.keys(COMMANDS)))
  })

  it("flags of the command, and of no other, are completed", () => {
    expect(offered(["stint", "history", "--f"])).toEqual(["--from", "--format"])
    expect(offered(["stint", "run", "--daily-t"])).toEqual(["--daily-token-limit"])
    expect(offered(["stint", "history", "--daily-t"])).toEqual([])
  })

  it("a value out of few is completed, a free one is not", () => {
    expect(offered(["stint", "history", "--by", ""])).toEqual(["day", "agent", "task", "model"])
    expect(offered(["stint", "run", "--daily-token-limit", ""])).toEqual([])
    expect(offered(["stint", "completions", "z"])).toEqual(["zsh"])
    expect(offered(["stint", "budget", "un"])).toEqual(["unset"])
    expect(offered(["stint", "budget", "set", "daily"])).toEqual([
      "dailyTokenLimit",
      "dailyCostLimitMicroUsd",
    ])
  })

  it("file names are completed for run, after a flag that takes one, and after --", () => {
    const folder = emptyFolder()
    writeFileSync(join(folder, "a plan.yaml"), "")
    for (const words of [
      ["run", "a"],
      ["run", "--ledger", "a"],
      ["run", "--", "cat", "a"],
    ])
      expect(offered(["stint", ...words], folder)).toEqual(["a plan.yaml"])
    expect(offered(["stint", "run", "--", "bas"])).toContain("bash")
  })
})

describe.skipIf(!isInstalled("fish"))("in fish", () => {
  let script = ""
  beforeAll(async () => {
    script = (await completions(["fish"])).stdout
  })

  /** What is offered for the last word of `line`. */
  const offered = (line: string, cwd = "/") => {
    const asked = written(`${script}\ncomplete -C '${line}'\n`)
    const { stdout, stderr } = spawnSync("fish", ["--no-config", asked], { cwd, encoding: "utf8" })
    expect(stderr).toBe("")
    const words = stdout.split("\n").map((each) => each.replace(/\t.*/, ""))
    return words.filter((word) => word !== "").sort()
  }

  it("commands are completed", () => {
    expect(offered("stint re")).toEqual(["replay"])
    expect(offered("stint ")).toEqual(Object.keys(COMMANDS).sort())
  })

  it("flags of the command, and of no other, are completed", () => {
    expect(offered("stint history --f")).toEqual(["--format", "--from"])
    expect(offered("stint run --daily-t")).toEqual(["--daily-token-limit"])
    expect(offered("stint history --daily-t")).toEqual([])
  })

  it("a value out of few is completed, a free one is not", () => {
    expect(offered("stint history --by ")).toEqual(["agent", "day", "model", "task"])
    expect(offered("stint run --daily-token-limit ")).toEqual([])
    expect(offered("stint completions z")).toEqual(["zsh"])
  })

  it("file names are completed for run, after a flag that takes one, and after --", () => {
    const folder = emptyFolder()
    writeFileSync(join(folder, "quixotic.yaml"), "")
    for (const words of ["run quix", "run --ledger quix", "run -- cat quix"])
      expect(offered(`stint ${words}`, folder)).toEqual(["quixotic.yaml"])
    expect(offered("stint run -- bas")).toContain("bash")
  })
})

describe.skipIf(!isInstalled("zsh"))("in zsh", () => {
  let script = ""
  beforeAll(async () => {
    script = (await completions(["zsh"])).stdout
  })

  /** The line after TAB was pressed at its end in a real, interactive zsh. */
  const completed = (line: string, cwd = "/"): string => {
    const folder = emptyFolder()
    writeFileSync(join(folder, "_stint"), script)
    const { stdout, stderr } = spawnSync("zsh", ["-f", PRESS_TAB, folder, line], {
      cwd,
      encoding: "utf8",
      env: { ...process.env, TERM: "dumb" },
    })
    expect(stderr).toBe("")
    return stdout
  }

  it("a command, a flag and a value out of few are completed", () => {
    expect(completed("stint repl")).toBe("stint replay ")
    expect(completed("stint run --daily-t")).toBe("stint run --daily-token-limit=")
    expect(completed("stint history --by mo")).toBe("stint history --by model ")
    expect(completed("stint completions fi")).toBe("stint completions fish ")
  })

  it("a flag of another command is not", () => {
    expect(completed("stint history --daily-t")).toBe("stint history --daily-t")
  })

  it("file names are completed for run, and what stands after -- as if it stood alone", () => {
    const cwd = emptyFolder()
    writeFileSync(join(cwd, "quixotic.yaml"), "")
    expect(completed("stint run quix", cwd)).toBe("stint run quixotic.yaml ")
    expect(completed("stint run -- cat quix", cwd)).toBe("stint run -- cat quixotic.yaml ")
  })
})

it.each([
  [[], "found no shell, expected one of bash, zsh, fish"],
  [["fisch"], "found fisch, expected one of bash, zsh, fish: did you mean fish?"],
  [["constructor"], "found constructor, expected one of bash, zsh, fish"],
  [["bash", "zsh"], "found bash zsh, expected one of bash, zsh, fish"],
] as const)("a bad call %j is told", async (argv, message) => {
  const { status, stdout, stderr } = await completions(argv)
  expect([status, stdout]).toEqual([125, ""])
  expect(stderr).toContain(message)
})
