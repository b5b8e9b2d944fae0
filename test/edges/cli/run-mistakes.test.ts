/** Mistakes are told with the file, the key, what was found and what is allowed; nothing starts. */
import { describe, expect, it } from "vitest"
import { newPlace, type Place, planOf, run } from "./stint-process.ts"

const expectNothingStarted = (place: Place): void => {
  expect(() => place.read("began")).toThrow()
  expect(() => place.read("ledger.db")).toThrow()
}

describe("a plan with mistakes", () => {
  it("is refused with every one of them, by line and key", async () => {
    const place = newPlace()
    const began = place.path("began")
    const text = `budget:
  dailyTokenLimit: -5
  dailyTokenLimits: 7
agents:
  - id: a
    command: touch ${began}
    comand: x
  - id: a
    command: [no-such-program]
    meter: claud-code
    agent: claud
  - task: ""
    command: []
    cwd: 7
    env: {N: 1}
    limits: {perAgentTokenLimit: many, dailyTokenLimit: 5, reserveForWrapUp: -1}
agnets: []
`
    const ended = await run(place, [place.file("plan.yaml", text)])
    expect(ended.status).toBe(125)
    for (const [key, found, allowed] of [
      ["agents[0].comand", "an unknown key", "did you mean command?"],
      ["agents[1].id", '"a"', "a name that no other agent has"],
      ["agents[1].meter", '"claud-code"', "one of auto, stint, claude-code, codex, gemini"],
      ["agents[1].agent", '"claud"', "one of auto, claude, codex, gemini, opencode, pi"],
      ["agents[2].id", "nothing", "a text of 1 to 256 characters"],
      ["agents[2].task", '""', "a text of 1 to 256 characters"],
      ["agents[2].command", "[]", "a list of texts"],
      ["agents[2].cwd", "7", "a folder, relative to the plan"],
      ["agents[2].env.N", "1", "a text"],
      ["agents[2].limits.perAgentTokenLimit", '"many"', "a whole number"],
      ["agents[2].limits.dailyTokenLimit", "", "expected"],
      ["agents[2].limits.reserveForWrapUp", "-1", "a whole number from 0"],
      ["agnets", "an unknown key", "did you mean agents?"],
    ] as const) {
      const line = ended.stderr.split("\n").find((each) => each.includes(` ${key}: `)) ?? key
      expect(line).toMatch(/plan\.yaml:\d+: /)
      expect(line).toContain(found)
      expect(line).toContain(allowed)
    }
    expectNothingStarted(place)
  })

  it.each([
    [
      "a budget that cannot be",
      { dailyTokenLimit: -5 },
      /plan\.yaml:\d+: \S*dailyTokenLimit: found -5/,
    ],
    ["a setting nobody knows", { dailyTokenLimits: 5 }, /dailyTokenLimits.*did you mean/],
  ])("is refused for %s", async (_, budget, message) => {
    const place = newPlace()
    const agents = [{ id: "a", command: `touch ${place.path("began")}` }]
    const ended = await run(place, [place.file("plan.yaml", planOf(agents, budget))])
    expect(ended.status).toBe(125)
    expect(ended.stderr).toMatch(message)
    expectNothingStarted(place)
  })

  it.each([
    ["program", { command: ["no-such-program"] }, /agents\[1\]\.command: found "no-such-program"/],
    [
      "folder",
      { command: "true", cwd: "not-here" },
      /agents\[1\]\.cwd: found .*not-here, expected/,
    ],
  ])("is refused whole for a missing %s of one agent", async (_, wrong, message) => {
    const place = newPlace()
    const agents = [
      { id: "a", command: `touch ${place.path("began")}` },
      { id: "b", ...wrong },
    ]
    const ended = await run(place, [place.file("plan.yaml", planOf(agents))])
    expect(ended.status).toBe(125)
    expect(ended.stderr).toMatch(/plan\.yaml:\d+/)
    expect(ended.stderr).toMatch(message)
    expectNothingStarted(place)
  })

  it.each([
    ["a key that stands twice", "agents: []\nagents: []\n", /agents/],
    ["no text of YAML", "agents: [\n", /plan\.yaml/],
    ["no map", "just words\n", /a map with `agents`/],
    ["no agents", "agents: []\n", /at least one agent/],
  ])("is refused as %s", async (_, text, message) => {
    const place = newPlace()
    const ended = await run(place, [place.file("plan.yaml", text)])
    expect(ended.status).toBe(125)
    expect(ended.stderr).toMatch(message)
  })

  it("is read by --check, which starts nothing and makes no ledger; ten thousand agents as well", async () => {
    const place = newPlace()
    const agents = Array.from({ length: 10_000 }, (_, index) => ({
      id: `agent-${index}`,
      command: ["touch", place.path("began")],
    }))
    const ended = await run(place, ["--check", place.file("plan.yaml", planOf(agents))])
    expect(ended.stdout.toString()).toMatch(/10000 agents, nothing wrong/)
    expect(ended.status).toBe(0)
    expectNothingStarted(place)
  })

  it("of ten thousand agents that nothing is allowed for ends at once, each refused", async () => {
    const place = newPlace()
    const agents = Array.from({ length: 10_000 }, (_, index) => ({
      id: `agent-${index}`,
      command: ["touch", place.path("began")],
    }))
    const plan = place.file("plan.yaml", planOf(agents, { dailyTokenLimit: 0 }))
    const ended = await run(place, [plan])
    expect(ended.status).toBe(124)
    expect(ended.stderr).toContain("10000 not started")
    expect(() => place.read("began")).toThrow()
  })
})

describe("a call with mistakes", () => {
  const began = (place: Place) => ["--", "touch", place.path("began")]

  it.each([
    [["--daily-token-limt", "5"], /--daily-token-limt: .*did you mean --daily-token-limit\?/],
    [["--daily-token-limit", "-5"], /--daily-token-limit.*expected/],
    [["--daily-token-limit=many"], /--daily-token-limit.*found "?many"?/],
    [["--per-agent-token-limit", "5", "--per-agent-token-limit", "6"], /--per-agent-token-limit/],
    [["--id", "a", "--id", "b"], /--id: found it 2 times, expected it once/],
    [["--meter", "claud"], /--meter: found claud, expected one of auto, stint, claude-code, codex/],
    [["--agent", "claud"], /--agent: found claud, expected one of auto, claude, codex, gemini/],
    [["--require", "reserved"], /--require reserved.*nothing was started/],
    [["--require", "metered", "--meter", "none"], /--require metered/],
    [["--summary", "/no/such/folder/s.json"], /--summary: found \/no\/such\/folder/],
    [["--check"], /--check: found with a command/],
    [["plan.yaml"], /found both plan\.yaml and a command/],
  ])("%j is told, and nothing starts", async (flags, message) => {
    const place = newPlace()
    const ended = await run(place, [...flags, ...began(place)])
    expect(ended.stderr).toMatch(message)
    expect(ended.status).toBe(125)
    expectNothingStarted(place)
  })

  it.each([
    [[], /found neither a plan nor a command/],
    [["no-plan.yaml"], /no-plan\.yaml: there is no such file/],
    [["echo", "hi"], /a command stands after --/],
    [["--id", "x", "no-plan.yaml"], /--id: found with a plan/],
  ])("%j is told", async (words, message) => {
    const place = newPlace()
    const ended = await run(place, words)
    expect(ended.stderr).toMatch(message)
    expect(ended.status).toBe(125)
  })
})
