/** Starts fixture programs, each with a mark of its own, and cleans up behind every test. */
import { randomUUID } from "node:crypto"
import { fileURLToPath } from "node:url"
import { afterEach } from "vitest"
import {
  CommandLauncher,
  type CommandLauncherOptions,
  type CommandOptions,
} from "../../src/runners/command.ts"
import { RunningCommand } from "../../src/runners/running-command.ts"
import { aliveWith } from "./proc-reader.ts"

export const fixture = (name: string): string =>
  fileURLToPath(new URL(`./fixtures/${name}`, import.meta.url))

const marks: string[] = []
const launchers: CommandLauncher[] = []

/** A word that only one test's processes carry. */
export const newMark = (): string => {
  const mark = `mark-${randomUUID()}`
  marks.push(mark)
  return mark
}

export const newLauncher = (options?: CommandLauncherOptions): CommandLauncher => {
  const launcher = new CommandLauncher(options)
  launchers.push(launcher)
  return launcher
}

const killIfThere = (pid: number): void => {
  try {
    process.kill(pid, "SIGKILL")
  } catch {
    // It ended by itself meanwhile.
  }
}

afterEach(() => {
  for (const launcher of launchers.splice(0)) launcher.close()
  for (const mark of marks.splice(0)) {
    for (const { pid } of aliveWith(mark)) killIfThere(pid)
  }
})

export const options = (mark: string, more: Partial<CommandOptions> = {}): CommandOptions => ({
  command: "sh",
  args: [],
  cwd: process.cwd(),
  env: { ...process.env, FIXTURE_MARK: mark },
  stdio: ["ignore", "pipe", "ignore"],
  tag: `tree-${mark}`,
  ...more,
})

/** Starts `sh fixtures/NAME MARK`. */
export const start = async (
  launcher: CommandLauncher,
  name: string,
  mark: string,
  more: Partial<CommandOptions> = {},
): Promise<RunningCommand> => {
  const command = await launcher.start(options(mark, { args: [fixture(name), mark], ...more }))
  if (!(command instanceof RunningCommand)) throw new Error(command.message)
  return command
}

/** Reads stdout on, and resolves at the first `line` in it. */
export const printed = (command: RunningCommand, line: string): Promise<void> =>
  new Promise((resolve, reject) => {
    let text = ""
    command.stdout?.setEncoding("utf8")
    command.stdout?.on("data", (chunk: string) => {
      text += chunk
      if (text.split("\n").includes(line)) resolve()
    })
    command.stdout?.once("close", () => reject(new Error(`No line "${line}" in: ${text}`)))
  })

/** Everything a command prints, to the end of its output. */
export const wholeOutput = async (command: RunningCommand): Promise<string> => {
  let text = ""
  for await (const chunk of command.stdout ?? []) text += String(chunk)
  return text
}
