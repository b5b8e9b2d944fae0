/** What this machine offers for keeping and stopping process trees, tried out. */
import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { existsSync } from "node:fs"
import { setTimeout as pause } from "node:timers/promises"
import type { Environment } from "../../../config/environment.ts"
import { findContainment } from "../../../runners/containment.ts"
import { startGuard } from "../../../runners/guard.ts"
import { systemTable } from "../../../runners/process-table/system.ts"
import type { ProcessTable } from "../../../runners/process-table.ts"
import { bad, type Finding, good, note } from "./finding.ts"

export const processFindings = async (env: Environment): Promise<readonly Finding[]> => {
  if (process.platform === "win32")
    return [bad("processes", "stint run needs Linux or macOS; the library and replay work here")]
  const table = systemTable()
  return [
    tableFinding(table),
    await groupFinding(table),
    await reapingFinding(table),
    containmentFinding(env),
    await guardFinding(table),
  ]
}

const tableFinding = (table: ProcessTable): Finding =>
  existsSync("/proc/self/stat")
    ? good("processes", `/proc, boot ${table.bootId}`)
    : note("processes", "ps instead of /proc: what leaves its group and parent may be missed")

/** A child of its own group is what the stop of a whole tree begins with. */
const groupFinding = async (table: ProcessTable): Promise<Finding> => {
  const child = spawn("/bin/sh", ["-c", "read line"], {
    detached: true,
    stdio: ["pipe", "ignore", "ignore"],
  })
  const started = await startOf(child)
  if (started !== null) return bad("groups", `no process could be started: ${started}`)
  const pid = child.pid ?? 0
  const leads = table.find(pid)?.pgid === pid
  const over = once(child, "exit")
  child.stdin.end()
  await over
  return leads
    ? good("groups", "a child leads a process group of its own")
    : bad("groups", "a child got no process group of its own, so its tree could not be stopped")
}

const startOf = (child: ChildProcess): Promise<string | null> =>
  new Promise((resolve) => {
    child.once("spawn", () => resolve(null))
    child.once("error", (error) => resolve(error.message))
  })

/**
 * Zombies that PID 1 does not reap are dead and counted as such, so this is no fault; they only
 * pile up. Where there are some already nothing is tried: the trial would leave one more.
 */
const reapingFinding = async (table: ProcessTable): Promise<Finding> => {
  const left = [...table.snapshot().entries.values()].filter(({ ppid, dead }) => ppid === 1 && dead)
  const reaps = left.length === 0 && (await isOrphanReaped(table))
  return reaps
    ? good("reaping", "orphans that ended are reaped")
    : note("reaping", "PID 1 does not reap orphans: zombies pile up; harmless to stopping them", [
        "start the container with an init (docker run --init)",
      ])
}

const REAPED_WITHIN_MS = 1_000
const LOOK_EVERY_MS = 20

const isOrphanReaped = async (table: ProcessTable): Promise<boolean> => {
  const child = spawn("/bin/sh", ["-c", "sleep 0 >/dev/null & echo $!"], {
    stdio: ["ignore", "pipe", "ignore"],
  })
  let said = ""
  child.stdout.on("data", (chunk) => {
    said += chunk
  })
  if ((await startOf(child)) !== null) return false
  await once(child, "close")
  const orphan = Number(said)
  for (let waitedMs = 0; waitedMs < REAPED_WITHIN_MS; waitedMs += LOOK_EVERY_MS) {
    if (table.find(orphan) === null) return true
    await pause(LOOK_EVERY_MS)
  }
  return false
}

const containmentFinding = (env: Environment): Finding => {
  const containment = findContainment(env)
  if (!containment.available) return note("contain", containment.message)
  return good("contain", "PID namespaces are available: --contain can be kept")
}

const guardFinding = async (table: ProcessTable): Promise<Finding> => {
  const guard = startGuard()
  const { pid } = guard
  const stands = pid !== null && table.find(pid) !== null
  await guard.goodbye()
  return stands
    ? good("guard", "starts; should stint die, it stops what is left")
    : bad("guard", "could not be started: agents would outlive a crash; check process limits")
}
