/**
 * Reads a provider's key once, at the start: from the environment, a file or a command that
 * prints it. It stays wrapped, so that no log, message or JSON shows it by accident, and no
 * message about it ever holds a part of it.
 */
import { spawn } from "node:child_process"
import { open } from "node:fs/promises"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import type { Environment } from "../config/environment.ts"
import { filePath, type Machine } from "../config/ledger-path.ts"
import {
  type ConfigurationError,
  configurationError,
  describePlace,
  type ProblemReason,
} from "../config/problem.ts"
import type { KeySource, SentAs } from "../config/upstreams.ts"

export interface UpstreamKey {
  readonly secret: Redacted.Redacted<string>
  readonly sentAs: SentAs
  /** Mistakes that stop nothing, one line each. */
  readonly warnings: readonly string[]
}

type Read = { readonly text: string; readonly warnings: readonly string[] }
/** Found and expected, in words that hold nothing of the key. */
type NotRead = { readonly reason: ProblemReason; readonly found: string; readonly allowed: string }

/** What a header can carry: printable, without spaces. */
const KEY = /^[\x21-\x7e]+$/
const KEY_BYTES_MAX = 16_384
const KEY_ALLOWED = "a key: one line of printable ASCII characters without spaces"
const COMMAND_MS_MAX = 10_000

export interface KeyReading {
  readonly machine: Machine
  /** How long a command may take. */
  readonly commandMsMax?: number
}

/** Fails with the place that names the key, what is wrong with it, and what to do. */
export const readKey = async (
  source: KeySource,
  { machine, commandMsMax = COMMAND_MS_MAX }: KeyReading,
): Promise<Result.Result<UpstreamKey, ConfigurationError>> => {
  const read = await textOf(source, machine, commandMsMax)
  const key = "text" in read ? checked(read) : read
  if ("reason" in key) return Result.fail(configurationError([{ ...source.place, ...key }]))
  const secret = Redacted.make(key.text, { label: source.place.key })
  const where = describePlace(source.place)
  const warnings = key.warnings.map((words) => `${where}: ${words}`)
  return Result.succeed({ secret, sentAs: source.sentAs, warnings })
}

const checked = ({ text, warnings }: Read): Read | NotRead => {
  const trimmed = text.replace(/(?:\r?\n)+$/, "")
  if (KEY.test(trimmed)) return { text: trimmed, warnings }
  const found =
    trimmed === ""
      ? "nothing"
      : /[\r\n]/.test(trimmed)
        ? "several lines"
        : "a text with spaces or characters that are not printable ASCII"
  return { reason: "invalid_value", found, allowed: KEY_ALLOWED }
}

const textOf = async (
  source: KeySource,
  machine: Machine,
  msMax: number,
): Promise<Read | NotRead> => {
  if (source.from === "environment") return { text: Redacted.value(source.secret), warnings: [] }
  if (source.from === "file") return fileText(source.path, machine)
  return commandText(source.command, machine, msMax)
}

const READABLE_BY_OTHERS = 0o044

const fileText = async (given: string, machine: Machine): Promise<Read | NotRead> => {
  try {
    await using file = await open(filePath(given, machine), "r")
    const { mode, size } = await file.stat()
    if (size > KEY_BYTES_MAX) return TOO_LONG
    const text = await file.readFile("utf8")
    const isOpen = machine.platform !== "win32" && (mode & READABLE_BY_OTHERS) !== 0
    const bits = (mode & 0o777).toString(8)
    const warnings = isOpen ? [`others can read ${given} (mode ${bits}): chmod 600 it`] : []
    return { text, warnings }
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "unknown"
    const found = code === "ENOENT" ? `no file ${given}` : `${given}, which is unreadable (${code})`
    return { reason: "unreadable", found, allowed: "a file that holds the key and can be read" }
  }
}

const NO_KEY_PRINTED = {
  reason: "unreadable",
  allowed: "a command that prints the key and exits with 0",
} as const

const TOO_LONG: NotRead = {
  reason: "invalid_value",
  found: `more than ${KEY_BYTES_MAX} bytes`,
  allowed: KEY_ALLOWED,
}

/** What it says on stderr reaches whoever started Stint; what it prints reaches nobody. */
const commandText = (
  [program, ...args]: readonly [string, ...(readonly string[])],
  { env, folder }: { readonly env: Environment; readonly folder: string },
  msMax: number,
): Promise<Read | NotRead> =>
  new Promise((resolve) => {
    // A group of its own, so that what the command started ends with it.
    const child = spawn(program, args, {
      cwd: folder,
      env: { ...env },
      detached: true,
      stdio: ["ignore", "pipe", "inherit"],
    })
    const chunks: Buffer[] = []
    let bytes = 0
    const end = (answer: Read | NotRead): void => {
      clearTimeout(timer)
      resolve(answer)
    }
    const failed = (found: string): void => end({ ...NO_KEY_PRINTED, found })
    const cut = (answer: NotRead): void => {
      child.stdout.destroy()
      killGroup(child.pid)
      end(answer)
    }
    const tooSlow = `a command that printed no key within ${msMax / 1000} seconds`
    const timer = setTimeout(() => cut({ ...NO_KEY_PRINTED, found: tooSlow }), msMax)
    child.stdout.on("data", (chunk: Buffer) => {
      bytes += chunk.length
      if (bytes > KEY_BYTES_MAX) cut(TOO_LONG)
      else chunks.push(chunk)
    })
    child.on("error", (error: NodeJS.ErrnoException) =>
      failed(`a command that cannot be started (${error.code ?? error.name})`),
    )
    child.on("close", (code, signal) => {
      if (code === 0) end({ text: Buffer.concat(chunks).toString("utf8"), warnings: [] })
      else failed(`a command that ended with ${signal ?? `exit status ${code}`}`)
    })
  })

const killGroup = (pid: number | undefined): void => {
  if (pid === undefined) return
  try {
    process.kill(-pid, "SIGKILL")
  } catch {
    // All of it is gone already.
  }
}
