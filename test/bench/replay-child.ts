/** Replays a folder in a process of its own and tells what it took, as JSON. */
import { DEFAULT_SETTINGS } from "../../machines/budget/settings.ts"
import { replay } from "../../src/replay/replay.ts"

const settings = {
  ...DEFAULT_SETTINGS,
  dailyTokenLimit: null,
  perAgentTokenLimit: null,
  maxConcurrentAgents: null,
  maxTaskDurationMinutes: null,
}
const started = performance.now()
const callsAllowed = await replay(
  { paths: process.argv.slice(2), settings, idleMs: 1_800_000 },
  (replayed) => replayed.callsAllowed,
)
const elapsedMs = performance.now() - started
const peakKiB = process.resourceUsage().maxRSS
process.stdout.write(JSON.stringify({ callsAllowed, elapsedMs, peakKiB }))
