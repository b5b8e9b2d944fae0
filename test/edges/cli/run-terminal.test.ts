/** `stint run` on a real terminal, made by Python's pty. */
import { spawnSync } from "node:child_process"
import { fileURLToPath } from "node:url"
import { describe, expect, it } from "vitest"
import { eventually, nobodyLeft, stateOf } from "../../runners/proc-reader.ts"
import { agentsAlive, newPlace, type Place, planOf, STINT, StintProcess } from "./stint-process.ts"

const fixture = (name: string): string =>
  fileURLToPath(new URL(`./fixtures/${name}`, import.meta.url))

const hasPty = spawnSync("python3", ["-c", "import pty, termios"]).status === 0
if (!hasPty) process.stderr.write("no python3 with pty here: nothing is tested on a terminal\n")

class Terminal extends StintProcess {
  constructor(place: Place, words: readonly string[], env: NodeJS.ProcessEnv = {}) {
    const stint = [...STINT, "run", "--ledger", place.ledger, ...words]
    super(["python3", fixture("terminal.py"), ...stint], place, { TERM: "xterm", ...env })
  }

  type(text: string): void {
    this.process.stdin?.write(text)
  }

  /** Of Stint itself. */
  async stint(): Promise<number> {
    await this.shows(/pid \d+/)
    return Number(/pid (\d+)/.exec(this.stderr)?.[1])
  }

  async foreground(): Promise<void> {
    await this.shows(/shell \d+/)
    process.kill(Number(/shell (\d+)/.exec(this.stderr)?.[1]), "SIGUSR1")
  }

  async status(): Promise<number> {
    await this.shows(/status -?\d+/)
    return Number(/status (-?\d+)/.exec(this.stderr)?.[1])
  }
}

const CTRL_C = "\x03"
const CTRL_Z = "\x1a"
const HIDDEN = "\x1b[?25l"
const GREEN = "\x1b[32m"
const BOLD = "\x1b[1m"
const SHOWN = "\x1b[?25h"

describe.skipIf(!hasPty)("one command on a terminal (needs python3 with pty)", () => {
  it("keeps it, in the foreground, and Ctrl-C lets it end in its own way", async () => {
    const place = newPlace()
    const terminal = new Terminal(place, ["--", "sh", fixture("on-terminal.sh")])
    await terminal.shows(/three terminals\r\nin the foreground/)
    terminal.type("hello\n")
    await terminal.shows(/read hello/)
    terminal.type(CTRL_C)
    await terminal.shows(/child heard INT\r\nchild ended/)
    await terminal.shows(/stint: interrupted by SIGINT; 1 failed/)
    expect(await terminal.status()).toBe(130)
    await nobodyLeft(place.mark)
  })

  it("is killed by a second Ctrl-C, when the first was not enough, and a summary follows", async () => {
    const place = newPlace()
    const deaf = "trap '' INT TERM; echo ready; while :; do sleep 0.1; done"
    const terminal = new Terminal(place, ["--grace-seconds", "300", "--", "sh", "-c", deaf])
    await terminal.shows(/ready/)
    terminal.type(CTRL_C)
    await terminal.shows(/\^C/)
    await eventually(() => {
      const isOver = agentsAlive(place.mark).every(({ words }) => !words.startsWith("sh -c trap"))
      if (!isOver) terminal.type(CTRL_C)
      return isOver
    })
    await terminal.shows(/ended: cancelled \(kill\)[\s\S]*interrupted by SIGINT; 1 cancelled/)
    expect(await terminal.status()).toBe(130)
    await nobodyLeft(place.mark)
  })

  it("stands still with Stint on Ctrl-Z, and both go on with fg", async () => {
    const place = newPlace()
    const program = "echo ready; read -r word; echo read $word; exit 4"
    const terminal = new Terminal(place, ["--", "sh", "-c", program])
    await terminal.shows(/ready/)
    terminal.type(CTRL_Z)
    await terminal.shows(/stopped/)
    const [child] = agentsAlive(place.mark).filter(({ words }) => words.includes("echo ready"))
    expect(stateOf(child?.pid ?? 0)).toBe("T")
    expect(stateOf(await terminal.stint())).toBe("T")
    await terminal.foreground()
    terminal.type("on\n")
    await terminal.shows(/read on/)
    expect(await terminal.status()).toBe(4)
  })

  it("ends when the terminal goes away", async () => {
    const place = newPlace()
    const terminal = new Terminal(place, [
      "--grace-seconds",
      "1",
      "--",
      "sh",
      "-c",
      "echo ready; sleep 300",
    ])
    await terminal.shows(/ready/)
    terminal.process.stdin?.end()
    await nobodyLeft(place.mark)
  })
})

describe.skipIf(!hasPty)("a plan on a terminal (needs python3 with pty)", () => {
  const plan = (place: Place, ...commands: readonly string[]): string =>
    place.file(
      "plan.yaml",
      planOf(commands.map((command, index) => ({ id: `no-${index}`, command }))),
    )

  const expectRestored = (screen: string): void => {
    expect(screen.split(HIDDEN).length).toBeGreaterThan(1)
    expect(screen.lastIndexOf(SHOWN)).toBeGreaterThan(screen.lastIndexOf(HIDDEN))
    expect(screen.lastIndexOf("\x1b[?7h")).toBeGreaterThan(screen.lastIndexOf("\x1b[?7l"))
  }

  it("is a picture with the agents' lines above it, and the cursor comes back", async () => {
    const place = newPlace()
    const terminal = new Terminal(place, [plan(place, "echo hello", "echo oops >&2; exit 1")])
    expect(await terminal.status()).toBe(1)
    await terminal.ended
    expect(terminal.stdout).toMatch(/no-0 \| hello\r\n/)
    expect(terminal.stdout).toMatch(/no-1 \| oops\r\n/)
    expect(terminal.stdout).toContain(GREEN)
    expect(terminal.stdout).toMatch(/1 completed, 1 failed|1 failed, 1 completed/)
    expectRestored(terminal.stdout)
  })

  it("has no colour where none is wanted", async () => {
    const place = newPlace()
    const terminal = new Terminal(place, [plan(place, "echo hello")], { NO_COLOR: "1" })
    expect(await terminal.status()).toBe(0)
    await terminal.ended
    expect(terminal.stdout).toContain("stint")
    for (const colour of [GREEN, BOLD]) expect(terminal.stdout).not.toContain(colour)
  })

  it.each([
    ["SIGINT", 130],
    ["SIGTERM", 143],
  ] as const)("gives the terminal back after %s", async (signal, status) => {
    const place = newPlace()
    const terminal = new Terminal(place, [plan(place, "echo up; exec sleep 300")])
    await terminal.shows(/no-0 \| up/)
    process.kill(await terminal.stint(), signal)
    expect(await terminal.status()).toBe(status)
    await terminal.ended
    expectRestored(terminal.stdout)
    await nobodyLeft(place.mark)
  })

  it("stands still as a whole on Ctrl-Z with the cursor shown, and goes on with fg", async () => {
    const place = newPlace()
    const program = `echo up; while [ ! -e ${place.path("go")} ]; do sleep 0.05; done; exit 0`
    const terminal = new Terminal(place, [plan(place, program)])
    await terminal.shows(/no-0 \| up/)
    terminal.type(CTRL_Z)
    await terminal.shows(/stopped/)
    await eventually(() => terminal.stdout.lastIndexOf(SHOWN) > terminal.stdout.lastIndexOf(HIDDEN))
    const [child] = agentsAlive(place.mark).filter(({ words }) => words.includes("echo up"))
    await eventually(() => stateOf(child?.pid ?? 0) === "T")
    await terminal.foreground()
    place.file("go", "")
    expect(await terminal.status()).toBe(0)
    await terminal.ended
    expectRestored(terminal.stdout)
  })

  it("does not draw for every line: thousands of them come with few pictures", async () => {
    const place = newPlace()
    const terminal = new Terminal(place, [plan(place, ...Array(5).fill("seq 4000"))])
    expect(await terminal.status()).toBe(0)
    await terminal.ended
    expect(terminal.stdout.match(/no-\d \| \d+\r\n/g)).toHaveLength(20_000)
    expect(terminal.stdout.split("\x1b[?2026h").length).toBeLessThan(1000)
  })
})
