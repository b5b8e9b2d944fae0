/**
 * A small orchestrator: a dozen agents share one budget and four slots.
 *
 *   npm run orchestrator                   live view in the terminal
 *   npm run orchestrator -- --inspect      also to an inspector on ws://localhost:8080
 *   npm run orchestrator -- --ledger x.db  keeps the day across runs
 *
 * The model is a stand-in that answers after a moment and says how many tokens it used; all
 * else is what an orchestrator of real agents does: hold before each call, settle with the truth.
 */
import { mkdtemp } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { setTimeout as wait } from "node:timers/promises"
import { parseArgs } from "node:util"
import { AdmissionRefused, type AgentContext, startSupervisor } from "stint"
import { openLiveView } from "stint/terminal"

const { values } = parseArgs({
  options: {
    inspect: { type: "boolean", default: false },
    "inspect-url": { type: "string", default: "ws://localhost:8080" },
    ledger: { type: "string" },
    speed: { type: "string", default: "1" },
  },
})
const speed = Number(values.speed)
const ledger = values.ledger ?? join(await mkdtemp(join(tmpdir(), "stint-")), "ledger.db")

/** Answers after a while, unless it is told to stop. */
const askModel = async (tokens: number, ms: number, signal?: AbortSignal) => {
  await wait(ms / speed, undefined, signal === undefined ? {} : { signal })
  return { inputTokens: Math.round(tokens * 0.8), outputTokens: Math.round(tokens * 0.15) }
}

/** The careful kind: nothing is spent that was not held before. */
const worker =
  (calls: number, tokensPerCall: number, ms = 400) =>
  async ({ hold, signal }: AgentContext) => {
    for (let call = 0; call < calls; call += 1) {
      const held = await hold(tokensPerCall)
      await held.settle(await askModel(tokensPerCall, ms, signal))
    }
  }

/** Reports what it spent afterwards, as most agents do; it is stopped at the report that is too much. */
const reporter =
  (tokensPerCall: number) =>
  async ({ recordUsage, signal }: AgentContext) => {
    while (recordUsage(await askModel(tokensPerCall, 300, signal)).verdict !== "stop");
  }

const stuck = ({ signal }: AgentContext) => wait(600_000, undefined, { signal })

/** Finishes its sentence whatever anybody says. */
const stubborn = async ({ signal }: AgentContext) => {
  while (!signal.aborted) await wait(50)
  await wait(2_000 / speed)
}

const crashing = async ({ hold, signal }: AgentContext) => {
  const held = await hold(4_000)
  await held.settle(await askModel(4_000, 500, signal))
  throw new Error("the repository does not build")
}

const AGENTS: Readonly<Record<string, (context: AgentContext) => Promise<unknown>>> = {
  "api-migration": worker(6, 7_000),
  "test-writer": worker(5, 5_000),
  "security-audit": worker(30, 9_000, 250),
  "fix-flaky-ci": reporter(11_000),
  "dep-upgrades": worker(4, 6_000),
  "refactor-auth": worker(5, 8_000),
  "triage-inbox": worker(8, 2_000, 200),
  "release-notes": crashing,
  "perf-profile": stuck,
  "docs-sweep": stubborn,
  changelog: worker(3, 3_000),
  "i18n-extract": worker(4, 12_000),
}

const supervisor = await startSupervisor({
  ledger,
  budget: {
    dailyTokenLimit: 400_000,
    perAgentTokenLimit: 80_000,
    maxConcurrentAgents: 4,
    maxTaskDurationMinutes: 0.1 / speed,
    graceSeconds: 1,
  },
  ...(values.inspect ? { inspect: values["inspect-url"] } : {}),
})
const view = openLiveView(supervisor, { screen: process.stdout, env: process.env })
process.once("SIGINT", () => supervisor.close())

const outcomes = await Promise.all(
  Object.entries(AGENTS).map(async ([agentId, run]) => {
    try {
      const agent = await supervisor.spawn({ agentId, taskId: agentId, queue: true, run })
      return (await agent.ended).reason
    } catch (error) {
      if (error instanceof AdmissionRefused) return error.refusal.reason
      throw error
    }
  }),
)

view.close()
const { dailyTokensUsed, overrunTokens } = supervisor.summary()
await supervisor.close()
const completed = outcomes.filter((reason) => reason === "completed").length
process.stdout.write(
  `\n${completed} of ${outcomes.length} completed, ${dailyTokensUsed.toLocaleString("en-US")} tokens used, ` +
    `${overrunTokens.toLocaleString("en-US")} without a hold. Ledger: ${ledger}\n`,
)
