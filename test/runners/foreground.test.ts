/** Commands on a real terminal, made by `script` of util-linux. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process"
import { describe, expect, it } from "vitest"
import { fixture, newMark } from "./commands.ts"
import { aliveWith, eventually } from "./proc-reader.ts"

const hasScript = spawnSync("script", ["--version"]).stdout?.includes("util-linux") ?? false

class Terminal {
  readonly #process: ChildProcess
  #text = ""

  constructor(mark: string, name: string) {
    const words = [process.execPath, "--no-warnings", fixture("terminal-supervisor.ts"), mark, name]
    this.#process = spawn("script", [
      "-qec",
      words.map((word) => `'${word}'`).join(" "),
      "/dev/null",
    ])
    this.#process.stdout?.setEncoding("utf8").on("data", (chunk: string) => {
      this.#text += chunk
    })
  }

  type(text: string): void {
    this.#process.stdin?.write(text)
  }

  shows(pattern: RegExp): Promise<RegExpExecArray> {
    return eventually(
      () => pattern.exec(this.#text) ?? undefined,
      undefined,
      () => this.#text,
    )
  }
}

describe.skipIf(!hasScript)("a command on a terminal (needs script of util-linux)", () => {
  it("keeps the terminal in the foreground, and reads what is typed", async () => {
    const mark = newMark()
    const terminal = new Terminal(mark, "on-terminal.sh")
    await terminal.shows(/three terminals/)
    await terminal.shows(/in the foreground/)
    await terminal.shows(/no session of its own/)
    terminal.type("hello\n")
    await terminal.shows(/read hello/)
  })

  it("hears Ctrl-C itself, as does its supervisor, and tells its own exit status", async () => {
    const mark = newMark()
    const terminal = new Terminal(mark, "on-terminal.sh")
    await terminal.shows(/no session of its own/)
    terminal.type("word\n")
    await terminal.shows(/read word/)
    terminal.type("\x03")
    await terminal.shows(/child heard Ctrl-C/)
    await terminal.shows(/supervisor heard Ctrl-C/)
    await terminal.shows(/ended \{"exitCode":5,"signal":null\}/)
  })

  it("is killed with its strays, and its supervisor in the same group is not", async () => {
    const mark = newMark()
    const terminal = new Terminal(mark, "escapee.sh")
    const [, pid] = await terminal.shows(/supervisor (\d+)/)
    await eventually(
      () => aliveWith(mark).filter(({ words }) => words.includes("deaf")).length === 2,
    )
    process.kill(Number(pid), "SIGUSR2")
    await terminal.shows(/ended \{"exitCode":null,"signal":"SIGKILL"\}/)
    // `script` starts the supervisor through a shell of its own, which may outlive it by a moment.
    const isOfTheCommand = ({ words }: { words: string }): boolean =>
      /^sh |^sleep/.test(words) && !words.includes("terminal-supervisor")
    expect(aliveWith(mark).filter(isOfTheCommand)).toEqual([])
  })
})
