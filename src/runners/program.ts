/** Finds the program a command names, and says in words why one cannot be started. */
import { accessSync, constants, statSync } from "node:fs"
import { resolve } from "node:path"

/** A child that was never born. `exitCode` is what `timeout(1)` and shells answer for it. */
export interface SpawnFailure {
  readonly started: false
  readonly reason: "not_found" | "not_executable" | "no_directory" | "not_containable" | "failed"
  readonly exitCode: 125 | 126 | 127
  readonly message: string
}

const EXIT_CODES = {
  not_found: 127,
  not_executable: 126,
  no_directory: 125,
  not_containable: 125,
  failed: 125,
} as const

export const spawnFailure = (reason: SpawnFailure["reason"], message: string): SpawnFailure => ({
  started: false,
  reason,
  exitCode: EXIT_CODES[reason],
  message,
})

/** What `execvp` searches when the environment has no `PATH`. */
const DEFAULT_PATH = "/usr/bin:/bin"

/** The file that `command` names, searched as `execvp` does with the child's own `PATH` and folder. */
export const findProgram = (
  command: string,
  cwd: string,
  path: string | undefined,
): { readonly file: string } | SpawnFailure => {
  if (kindOf(cwd) !== "directory") {
    return spawnFailure(
      "no_directory",
      `Cannot start ${command}: its working directory ${cwd} is not a directory. Create it, or change "cwd".`,
    )
  }
  const files = command.includes("/")
    ? [resolve(cwd, command)]
    : (path ?? DEFAULT_PATH).split(":").map((folder) => resolve(cwd, folder, command))
  const kinds = files.map((file) => ({ file, kind: kindOf(file) }))
  const found = kinds.find(({ kind }) => kind === "program")
  if (found !== undefined && command !== "") return { file: found.file }
  const wrong = kinds.find(({ kind }) => kind !== "nothing")
  return wrong === undefined || command === "" ? notFound(command) : notExecutable(wrong)
}

const notFound = (command: string): SpawnFailure =>
  spawnFailure(
    "not_found",
    command.includes("/")
      ? `Cannot start ${command}: there is no such file. Check the path.`
      : `Cannot start "${command}": no folder of PATH has a program of this name. Install it, or give its path.`,
  )

const notExecutable = ({ file, kind }: { file: string; kind: string }): SpawnFailure =>
  spawnFailure(
    "not_executable",
    kind === "directory"
      ? `Cannot start ${file}: it is a directory. Name a program.`
      : `Cannot start ${file}: it is not executable. Run chmod +x, or start it through its interpreter.`,
  )

const kindOf = (path: string): "program" | "file" | "directory" | "nothing" => {
  try {
    const stats = statSync(path)
    if (stats.isDirectory()) return "directory"
    accessSync(path, constants.X_OK)
    return "program"
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "EACCES" ? "file" : "nothing"
  }
}

/** Words for what the system said when it refused to start a program that is there. */
export const explainSpawnError = (file: string, error: unknown): SpawnFailure => {
  const code = error instanceof Error && "code" in error ? String(error.code) : "unknown"
  if (code === "ENOENT") {
    return spawnFailure(
      "not_executable",
      `Cannot start ${file}: the interpreter on its first line, or its loader, is missing. Install that.`,
    )
  }
  if (code === "EACCES" || code === "EPERM" || code === "ENOEXEC") {
    return spawnFailure(
      "not_executable",
      `Cannot start ${file}: the system does not allow to run it (${code}). Check its permissions and its mount.`,
    )
  }
  return spawnFailure(
    "failed",
    `Cannot start ${file}: the system refused (${code}). Check the limits on processes, open files and argument size.`,
  )
}
