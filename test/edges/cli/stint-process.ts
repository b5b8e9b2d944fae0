/** Starts the command line as a user would, each with a mark of its own, and cleans up behind it. */
import { type ChildProcess, spawn } from "node:child_process"
import { randomUUID } from "node:crypto"
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { afterEach } from "vitest"
import { aliveWith, eventually, type Sighting } from "../../runners/proc-reader.ts"

const ROOT = fileURLToPath(new URL("../../../", import.meta.url))

/** Node and its arguments; a command of Stint follows. */
export const STINT: readonly string[] = [
  process.execPath,
  "--no-warnings",
  "--conditions=source",
  join(ROOT, "src/bin.ts"),
]

const folders: string[] = []
const marks: string[] = []

afterEach(() => {
  for (const mark of marks.splice(0))
    for (const { pid } of aliveWith(mark)) {
      try {
        process.kill(pid, "SIGKILL")
      } catch {
        // It ended by itself meanwhile.
      }
    }
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true })
})

export interface Place {
  readonly folder: string
  readonly ledger: string
  readonly mark: string
  readonly path: (name: string) => string
  /** Writes a file and returns its path. */
  readonly file: (name: string, content: string) => string
  readonly read: (name: string) => string
}

/** A folder, a ledger and a mark for one test. */
export const newPlace = (): Place => {
  const folder = mkdtempSync(join(tmpdir(), "stint-run-"))
  const mark = `mark-${randomUUID()}`
  folders.push(folder)
  marks.push(mark)
  const path = (name: string): string => join(folder, name)
  return {
    folder,
    mark,
    path,
    ledger: path("ledger.db"),
    file: (name, content) => {
      writeFileSync(path(name), content)
      return path(name)
    },
    read: (name) => readFileSync(path(name), "utf8"),
  }
}

export const environment = (place: Place): NodeJS.ProcessEnv => {
  // What steers the tests is no setting of the program under test, which would say so.
  const env = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !name.startsWith("STINT_")),
  )
  return { ...env, FIXTURE_MARK: place.mark, XDG_STATE_HOME: place.folder }
}

export interface Ended {
  readonly status: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: Buffer
  readonly stderr: string
}

export class StintProcess {
  readonly process: ChildProcess
  readonly ended: Promise<Ended>
  #stdout: Buffer[] = []
  #stderr = ""

  constructor(words: readonly string[], place: Place, env: NodeJS.ProcessEnv = {}) {
    const [program = "", ...args] = words
    this.process = spawn(program, args, {
      cwd: place.folder,
      env: { ...environment(place), ...env },
    })
    this.process.stdout?.on("data", (chunk: Buffer) => this.#stdout.push(chunk))
    this.process.stderr?.setEncoding("utf8").on("data", (text: string) => {
      this.#stderr += text
    })
    this.process.stdin?.on("error", () => {})
    this.ended = new Promise((resolve) => {
      this.process.once("close", (status, signal) =>
        resolve({ status, signal, stdout: Buffer.concat(this.#stdout), stderr: this.#stderr }),
      )
    })
  }

  get pid(): number {
    return this.process.pid ?? 0
  }

  get stdout(): string {
    return Buffer.concat(this.#stdout).toString("utf8")
  }

  get stderr(): string {
    return this.#stderr
  }

  shows(pattern: RegExp, withinMs?: number): Promise<true> {
    return eventually(
      () => pattern.test(this.stdout + this.#stderr),
      withinMs,
      () => this.stdout + this.#stderr,
    )
  }
}

/** `stint run --ledger … WORDS`, still running; its standard input stays open. */
export const startRun = (
  place: Place,
  words: readonly string[],
  env?: NodeJS.ProcessEnv,
): StintProcess =>
  new StintProcess([...STINT, "run", "--ledger", place.ledger, ...words], place, env)

/** The same to its end, with nothing to read, or with `input`. */
export const run = (
  place: Place,
  words: readonly string[],
  input: string | Buffer = "",
  env?: NodeJS.ProcessEnv,
): Promise<Ended> => {
  const started = startRun(place, words, env)
  started.process.stdin?.end(input)
  return started.ended
}

/** A plan's text; YAML is a superset of JSON. */
export const planOf = (agents: readonly object[], budget: object = {}): string =>
  JSON.stringify({ budget, agents }, null, 2)

/** Processes of this test, but for Stint's own. */
export const agentsAlive = (mark: string): readonly Sighting[] =>
  aliveWith(mark).filter(({ words }) => !/src\/bin\.ts|^stint-guard|guard-main/.test(words))

/** Stint's guard, once it has its name. */
export const guardOf = (stintPid: number): number | undefined =>
  aliveWith("stint-guard").find(({ ppid }) => ppid === stintPid)?.pid
