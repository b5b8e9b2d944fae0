/**
 * The agent programs themselves under `stint run`: a task that completes, a limit that stops it after
 * one refused call, a day that two share. What is not installed is skipped, and said.
 */
import { existsSync, readFileSync } from "node:fs"
import { describe, expect, test } from "vitest"
import { planOf } from "../edges/cli/stint-process.ts"
import { aliveWith, nobodyLeft } from "../runners/proc-reader.ts"
import { REAL_AGENTS, type RealAgent } from "../runners/profiles/real-agents.ts"
import {
  type AgentRun,
  type AgentWorld,
  billedTokens,
  canTry,
  commandOf,
  leftOnDisk,
  openAgentWorld,
  REAL,
  runAgents,
} from "./agent-runs.ts"

const WITHIN_MS = 300_000
const NOT_HERE = "not installed in test/agents or STINT_AGENTS_DIR, so not tried"

/** A limit after the first calls, with the tokens for thinking that each call wants; and how many fit. */
const LIMITS: Readonly<Record<string, readonly [limit: number, calls: number]>> = {
  claude: [85_000, 2],
  codex: [24_000, 2],
  gemini: [38_000, 2],
  opencode: [20_000, 3],
  pi: [12_500, 2],
}

/** Shows its environment, and leaves somebody behind in a session of their own. */
const toolFor = ({ notes }: AgentWorld): string =>
  `env >> ${notes}; setsid tail -f /dev/null > /dev/null 2>&1 & echo hello`

const noteIn = (notes: string, name: string): string =>
  new RegExp(`^${name}=(.*)$`, "m").exec(notes)?.[1] ?? ""

/** The tool has run inside the tree, and neither it nor any process of the tree was shown a key. */
const expectNoKey = (world: AgentWorld, run: AgentRun, agent: RealAgent): void => {
  const notes = readFileSync(world.notes, "utf8")
  expect(noteIn(notes, "FIXTURE_MARK")).toBe(world.place.mark)
  const shown = run.seen.split("\n").filter((line) => line.includes("_API_KEY="))
  expect(run.seen).toContain(commandOf(agent).at(-1))
  expect(shown.length).toBeGreaterThan(0)
  const places = { notes, seen: run.seen, stdout: run.stdout.toString(), stderr: run.stderr }
  for (const [place, text] of Object.entries({ ...places, disk: leftOnDisk(world) }))
    expect(text.includes(REAL), place).toBe(false)
  // They were real: the provider was shown them.
  expect(JSON.stringify(world.models.calls.at(-1)?.headers)).toContain(REAL)
}

const expectNobodyLeft = async (world: AgentWorld): Promise<void> => {
  const tree = noteIn(readFileSync(world.notes, "utf8"), "STINT_TREE")
  expect(tree).not.toBe("")
  expect(aliveWith(tree)).toEqual([])
  await nobodyLeft(world.place.mark)
}

describe.each(REAL_AGENTS)("$name", (agent) => {
  const { name } = agent

  test(
    "completes a task of two tools, and its account is the gateway's",
    async ({ skip }) => {
      skip(!canTry(agent), NOT_HERE)
      const world = await openAgentWorld()
      world.models.script = { toolCalls: 2, command: toolFor(world) }
      const run = await runAgents(world, ["--id", "worker", "--", ...commandOf(agent)])
      expect(run.status, run.stderr).toBe(0)
      expect(world.models.calls).toHaveLength(agent.calls)
      const billed = billedTokens(world)
      // opencode leaves out the call that names its session.
      const differenceTokens = name === "opencode" ? expect.any(Number) : 0
      expect(run.summary.agentUsage).toMatchObject([
        {
          ...{ agentId: "worker", reason: "completed", enforcement: "reserved" },
          ...{ credential: "stint", rawTokens: billed, heldTokens: 0, unpricedCalls: 0 },
          ownAccount: { meter: agent.meter, differenceTokens },
        },
      ])
      expect(run.summary).toMatchObject({ refused: [], heldTokens: 0, dailyTokensUsed: billed })
      expectNoKey(world, run, agent)
      await expectNobodyLeft(world)
    },
    WITHIN_MS,
  )

  test(
    "is stopped at its limit after one refused call, with all that it started",
    async ({ skip }) => {
      skip(!canTry(agent), NOT_HERE)
      const world = await openAgentWorld()
      world.models.script = { toolCalls: 1_000, command: toolFor(world) }
      const [limit, calls] = LIMITS[name] ?? [0, 0]
      const words = ["--id", "worker", "--per-agent-token-limit", String(limit)]
      const run = await runAgents(world, [...words, "--", ...commandOf(agent)])
      expect(run.status, run.stderr).toBe(124)
      expect(run.summary.refused).toMatchObject([
        { subject: "hold", agentId: "worker", reason: "agent_token_limit", limit },
      ])
      const billed = billedTokens(world)
      expect(world.models.calls).toHaveLength(calls)
      expect(billed).toBeLessThanOrEqual(limit)
      const [ended] = run.summary.agentUsage
      expect(ended).toMatchObject({
        ...{ reason: "agent_token_limit", enforcement: "reserved", credential: "stint" },
        ...{ rawTokens: billed, heldTokens: 0 },
      })
      expect(run.summary).toMatchObject({ overshootBound: 0, overrunTokens: 0, uncertainTokens: 0 })
      // Its grace was enough.
      expect(ended?.mechanism).not.toBe("kill")
      expectNoKey(world, run, agent)
      await expectNobodyLeft(world)
    },
    WITHIN_MS,
  )
})

const FLEET = REAL_AGENTS.filter(({ name }) => name === "pi" || name === "codex").filter(canTry)

describe("two agents of a plan", () => {
  test(
    "share a day to its last call, and no further",
    async ({ skip }) => {
      skip(FLEET.length === 0, NOT_HERE)
      const world = await openAgentWorld()
      world.models.script = { toolCalls: 1_000, command: toolFor(world) }
      const two = [...FLEET, ...FLEET].slice(0, 2)
      const agents = two.map((agent, at) => ({ id: `worker-${at}`, command: commandOf(agent) }))
      const dailyTokenLimit = 60_000
      const plan = world.place.file("plan.yaml", planOf(agents, { dailyTokenLimit }))
      const run = await runAgents(world, [plan])
      const billed = billedTokens(world)
      expect(billed).toBeLessThanOrEqual(dailyTokenLimit)
      const { summary } = run
      expect(summary, run.stderr).toMatchObject({
        ...{ dailyTokensUsed: billed, heldTokens: 0, overshootBound: 0, overrunTokens: 0 },
        ...{ uncertainTokens: 0, activeAgents: 0 },
      })
      for (const { id } of agents) {
        const own = summary.agentUsage.filter(({ agentId }) => agentId === id)
        expect(own).toMatchObject([{ enforcement: "reserved", credential: "stint" }])
        expect(own[0]?.rawTokens).toBeGreaterThan(0)
        // The day comes back, so nobody is stopped for it; each program ends by itself.
        const refused = summary.refused.filter(({ agentId }) => agentId === id)
        expect(refused).toMatchObject([{ reason: "daily_token_limit", never: false }])
      }
      expect(existsSync(world.notes)).toBe(true)
      await expectNobodyLeft(world)
    },
    WITHIN_MS,
  )
})
