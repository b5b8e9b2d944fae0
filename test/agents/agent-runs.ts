/**
 * Agent programs as users run them, `stint run -- AGENT …`, against a model on the loopback that asks
 * for tools. Each run has a home, a ledger and keys of its own, and its processes are looked at while
 * they live.
 */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs"
import { homedir, tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { onTestFinished } from "vitest"
import type { Summary } from "../../machines/budget/summary.ts"
import { systemDisk } from "../../src/runners/profiles/launch-folder.ts"
import { type Ended, newPlace, type Place, startRun } from "../edges/cli/stint-process.ts"
import { type ModelServer, startModelServer } from "../gateway/model-server.ts"
import { aliveWith, eventually } from "../runners/proc-reader.ts"
import type { RealAgent } from "../runners/profiles/real-agents.ts"

/** Every one of them has this in it, and nothing else has. */
export const REAL = "real-0123456789"
const KEYS = {
  ANTHROPIC_API_KEY: `sk-ant-${REAL}`,
  OPENAI_API_KEY: `sk-${REAL}`,
  GEMINI_API_KEY: `AI-${REAL}`,
}

export interface AgentWorld {
  readonly place: Place
  readonly models: ModelServer
  readonly env: NodeJS.ProcessEnv
  /** Where the tools of its agents write. */
  readonly notes: string
}

/** Gemini CLI reads no settings where others may write above them. */
const SAFE = [homedir(), tmpdir()].find((folder) => !systemDisk.isWorldWritable(folder))

/** Those that are installed and can be tried here. */
export const canTry = ({ file, name }: RealAgent): boolean =>
  file !== null && (name !== "gemini" || SAFE !== undefined)

export const openAgentWorld = async (): Promise<AgentWorld> => {
  const place = newPlace()
  const models = await startModelServer()
  onTestFinished(() => models.close())
  // Words that say little: Gemini CLI takes one text over and over for a loop.
  models.answerTokens = 8
  const home = mkdtempSync(join(SAFE ?? tmpdir(), ".stint-agents-"))
  onTestFinished(() => rmSync(home, { recursive: true, force: true, maxRetries: 5 }))
  mkdirSync(join(home, "tmp"))
  return {
    place,
    models,
    notes: join(home, "notes"),
    env: {
      ...KEYS,
      ANTHROPIC_BASE_URL: models.url,
      OPENAI_BASE_URL: `${models.url}/v1`,
      GOOGLE_GEMINI_BASE_URL: models.url,
      HOME: home,
      TMPDIR: join(home, "tmp"),
      XDG_STATE_HOME: join(home, "state"),
      TERM: "dumb",
      STINT_AGENTS_DIR: undefined,
      PATH: `${dirname(process.execPath)}:${process.env.PATH}`,
    },
  }
}

export interface AgentRun extends Ended {
  readonly summary: Summary
  /** Arguments and environments of all that lived below Stint, as the system has shown them. */
  readonly seen: string
}

export const commandOf = ({ file, args }: RealAgent): readonly string[] => [file ?? "", ...args]

const WITHIN_MS = 240_000

/** `stint run WORDS` to its end, with its books in the place's folder. */
export const runAgents = async (
  { place, env }: AgentWorld,
  words: readonly string[],
): Promise<AgentRun> => {
  const books = ["--summary", place.path("summary.json"), "--events", place.path("events.ndjson")]
  const stint = startRun(place, [...books, ...words], env)
  stint.process.stdin?.end()
  const seen = new Set<string>()
  const result = await Promise.race([
    stint.ended,
    eventually(
      () => {
        for (const { pid, words } of aliveWith(place.mark)) {
          const environ = environOf(pid)
          // Of the agent's tree; Stint's own child is not yet, before it has become the agent.
          if (environ.includes("STINT_TREE=")) seen.add(words).add(environ)
        }
        return stint.process.exitCode !== null || stint.process.signalCode !== null
      },
      WITHIN_MS,
      () => stint.stderr,
    ).then(() => stint.ended),
  ])
  const summary: Summary = JSON.parse(place.read("summary.json"))
  return { ...result, summary, seen: [...seen].join("\n") }
}

const environOf = (pid: number): string => {
  try {
    return readFileSync(`/proc/${pid}/environ`, "latin1").replaceAll("\0", "\n")
  } catch {
    // It ended meanwhile.
    return ""
  }
}

/** All that a run leaves on disk: ledger, summary, events. */
export const leftOnDisk = ({ place }: AgentWorld): string =>
  readdirSync(place.folder, { withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ name }) => readFileSync(join(place.folder, name), "latin1"))
    .join("\n")

/** By the provider's own log. */
export const billedTokens = ({ models }: AgentWorld): number =>
  models.calls.reduce((sum, call) => sum + call.inputTokens + call.outputTokens, 0)
