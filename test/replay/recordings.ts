/** Recordings for tests: a folder that is gone afterwards, and calls in a few words. */
import { mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { onTestFinished } from "vitest"
import { type BudgetSettings, DEFAULT_SETTINGS } from "../../machines/budget/settings.ts"
import type { StoppedAgent } from "../../src/replay/outcomes.ts"
import type { RecordedCall, SkippedLine } from "../../src/replay/recorded-call.ts"
import { type ReplayOptions, replay } from "../../src/replay/replay.ts"
import { summaryJson } from "../../src/replay/summary-json.ts"

export const folder = async (files: Readonly<Record<string, string | Buffer>>): Promise<string> => {
  const made = await mkdtemp(join(tmpdir(), "stint-replay-"))
  onTestFinished(() => rm(made, { recursive: true }))
  for (const [name, content] of Object.entries(files)) await writeFile(join(made, name), content)
  return made
}

export const NO_LIMITS: BudgetSettings = {
  ...DEFAULT_SETTINGS,
  dailyTokenLimit: null,
  perAgentTokenLimit: null,
  maxConcurrentAgents: null,
  maxTaskDurationMinutes: null,
}

/** An instant of 2026-03-01, UTC. */
export const at = (clock: string): number => Date.parse(`2026-03-01T${clock}Z`)

export const recordedCall = (call: Partial<RecordedCall> = {}, inputTokens = 1): RecordedCall => ({
  at: at("10:00:00"),
  agentId: "a",
  taskId: "a",
  callId: null,
  model: null,
  usage: { inputTokens, outputTokens: 0, cacheWriteTokens: 0, cacheReadTokens: 0 },
  ...call,
})

/** One line of usage: who, when (of 2026-03-01, or a whole instant), how many input tokens. */
export type Brief = readonly [agentId: string, when: string, inputTokens: number]

export const ndjson = (calls: readonly Brief[]): string =>
  calls
    .map(([agentId, when, inputTokens]) => {
      const instant = when.includes("T") ? when : new Date(at(when)).toISOString()
      return JSON.stringify({ type: "stint.usage", at: instant, agentId, inputTokens })
    })
    .join("\n")

export interface Summary {
  readonly calls: number
  readonly callsAllowed: number
  readonly callsRefused: number
  readonly agents: number
  readonly peakActiveAgents: number
  readonly tokens: Readonly<Record<"input" | "output" | "cacheWrite" | "cacheRead", number>>
  readonly days: readonly Readonly<Record<string, unknown>>[]
  readonly stopped: readonly StoppedAgent[]
  readonly refused: readonly Omit<StoppedAgent, "tokensUsed">[]
  readonly skippedLines: number
}

const MINUTE = 60_000

/** Replays files or folders and gives the summary as a reader of its JSON sees it. */
export const summaryOf = async (
  paths: readonly string[],
  settings: Partial<BudgetSettings> = {},
  options: Partial<ReplayOptions> = {},
): Promise<Summary & { readonly skipped: readonly SkippedLine[] }> => {
  const skipped: SkippedLine[] = []
  const all: ReplayOptions = {
    paths,
    settings: { ...NO_LIMITS, ...settings },
    idleMs: 30 * MINUTE,
    onSkipped: (line) => skipped.push(line),
    ...options,
  }
  const json = await replay(all, (replayed) => [...summaryJson(replayed)].join(""))
  const summary: Summary = JSON.parse(json)
  return { ...summary, skipped }
}

/** The same for calls in a few words. */
export const replayed = async (
  calls: readonly Brief[],
  settings: Partial<BudgetSettings> = {},
  options: Partial<ReplayOptions> = {},
): Promise<Summary> => {
  const made = await folder({ "usage.ndjson": ndjson(calls) })
  const { skipped: _, ...summary } = await summaryOf([made], settings, options)
  return summary
}
