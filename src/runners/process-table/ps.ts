/**
 * Who is running, as `ps` tells it: for systems without `/proc` (macOS).
 *
 * Weaker than `/proc`: start times have whole seconds, so a pid reused within the same second is
 * not told apart; sessions are not shown; and environments are visible only where the system
 * allows it, so a process that left the group and was never seen with its parent may be missed.
 */
import { spawnSync } from "node:child_process"
import { type ProcessEntry, type ProcessTable, snapshotOf } from "../process-table.ts"
import { tagsIn } from "../tree-tag.ts"

/** Runs a program and returns what it printed; throws when it could not be run. */
export type RunProgram = (command: string, args: readonly string[]) => string

const runProgram: RunProgram = (command, args) => {
  const result = spawnSync(command, args, {
    encoding: "utf8",
    env: { ...process.env, LC_ALL: "C" },
    maxBuffer: 256 * 1024 * 1024,
    stdio: ["ignore", "pipe", "ignore"],
  })
  if (result.error !== undefined) throw result.error
  return result.stdout
}

const COLUMNS = "pid=,ppid=,pgid=,stat=,lstart="

/** Reads `ps`; `platform` decides how it is asked for environments. */
export const psTable = (
  platform: NodeJS.Platform = process.platform,
  run: RunProgram = runProgram,
): ProcessTable => {
  const showEnvironment = platform === "darwin" ? ["-A", "-E"] : ["ax", "e"]

  const readTags = (): Map<number, readonly string[]> => {
    const output = run("ps", [...showEnvironment, "-ww", "-o", "pid=,command="])
    return new Map(output.split("\n").flatMap(tagsOfLine))
  }

  return {
    bootId:
      platform === "darwin" ? run("sysctl", ["-n", "kern.bootsessionuuid"]).trim() : "unknown",
    snapshot: () => {
      const entries = new Map<number, ProcessEntry>()
      for (const line of run("ps", ["-A", "-o", COLUMNS]).split("\n")) {
        const entry = parsePsLine(line)
        if (entry !== null) entries.set(entry.pid, entry)
      }
      if (entries.size === 0) throw new Error("ps showed no processes at all.")
      let tags: Map<number, readonly string[]> | null = null
      return snapshotOf(entries, (entry) => {
        tags ??= readTags()
        return tags.get(entry.pid) ?? []
      })
    },
    find: (pid) => parsePsLine(run("ps", ["-p", String(pid), "-o", COLUMNS])),
    now: () => Date.now() / 1000,
  }
}

/** `pid ppid pgid stat` and then a date of five words, as `Thu Nov 23 20:35:01 2023`. */
const parsePsLine = (line: string): ProcessEntry | null => {
  const [pid, ppid, pgid, state, ...started] = line.trim().split(/\s+/)
  if (state === undefined || started.length !== 5) return null
  const startTime = started.join(" ")
  return {
    pid: Number(pid),
    ppid: Number(ppid),
    pgid: Number(pgid),
    sid: 0,
    state: state.charAt(0),
    dead: state.startsWith("Z") || state.startsWith("X"),
    startTime,
    startedAt: Date.parse(startTime) / 1000,
  }
}

const tagsOfLine = (line: string): readonly [number, readonly string[]][] => {
  const [pid, ...words] = line.trim().split(/\s+/)
  const tags = tagsIn(words)
  return tags.length === 0 ? [] : [[Number(pid), tags]]
}
