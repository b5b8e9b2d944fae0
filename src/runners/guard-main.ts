/**
 * The guard: a process that outlives its supervisor by as long as it takes to stop its agents.
 *
 * It holds the other end of a pipe and does nothing. End of file without a goodbye means that
 * the supervisor is dead, however it died: then every tree it was told of gets the kill ladder.
 */
import { setTimeout as delay } from "node:timers/promises"
import { decodeMessage, type GuardedTree, type GuardMessage } from "./guard-messages.ts"
import { sweepStrays } from "./stray-sweep.ts"

const trees = new Map<string, GuardedTree>()
const seen = new Map<string, GuardSeen>()
let saidGoodbye = false
process.title = "stint-guard"

type GuardSeen = Extract<GuardMessage, { seen: unknown }>["seen"]["identities"]

// What ends the supervisor must not end the guard first. SIGUSR1 would open Node's debugger.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP", "SIGUSR1", "SIGUSR2", "SIGQUIT"] as const) {
  process.on(signal, () => {})
}

const take = (message: GuardMessage | null): void => {
  if (message === null) return
  if ("tree" in message) trees.set(message.tree.tag, message.tree)
  else if ("seen" in message) {
    seen.set(message.seen.tag, message.seen.identities)
  } else if ("gone" in message) {
    trees.delete(message.gone)
    seen.delete(message.gone)
  } else if (message.bye) saidGoodbye = true
}

const listen = async (): Promise<void> => {
  let rest = ""
  for await (const chunk of process.stdin.setEncoding("utf8")) {
    const lines = (rest + chunk).split("\n")
    rest = lines.pop() ?? ""
    for (const line of lines) take(decodeMessage(line))
  }
}

/** So that nothing is alive ten seconds after the supervisor's death, whatever the agents' grace. */
const LONGEST_GRACE_MS = 5000
/** A child born while its supervisor died shows its tag only once it runs its program. */
const NEWBORN_MS = 500
/** What cannot be killed for this long will not be killed by waiting. */
const GIVE_UP_MS = 600_000

const stopAll = async (): Promise<void> => {
  const orphans = [...trees.values()].map((tree) => ({
    ...tree,
    graceMs: Math.min(tree.graceMs, LONGEST_GRACE_MS),
    seen: seen.get(tree.tag) ?? [],
  }))
  const reports = await sweepStrays(orphans)
  if (reports.some(({ unkillable }) => unkillable.length > 0)) await stopAll()
}

try {
  await listen()
} catch {
  // A broken pipe is an end of file.
}
if (!saidGoodbye) {
  setTimeout(() => process.exit(1), GIVE_UP_MS)
  await stopAll()
  await delay(NEWBORN_MS)
  await stopAll()
}
process.exit(0)
