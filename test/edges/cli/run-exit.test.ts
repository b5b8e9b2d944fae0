import { describe, expect, it } from "vitest"
import { nobodyLeft } from "../../runners/proc-reader.ts"
import { newPlace, planOf, run, STINT, StintProcess, startRun } from "./stint-process.ts"

const USAGE = (id: string, tokens: number): string =>
  `echo '{"type":"stint.usage","id":"${id}","inputTokens":${tokens},"outputTokens":0}'`

describe("the exit status of one command", () => {
  it.each([
    ["its own", ["sh", "-c", "exit 3"], 3],
    ["its own, also where Stint has a meaning for it", ["sh", "-c", "exit 124"], 124],
    ["126 when it cannot be run", ["/etc/passwd"], 126],
    ["127 when there is none", ["no-such-program"], 127],
    ["128 and the number of a signal that Stint did not send", ["sh", "-c", "kill -USR1 $$"], 138],
  ])("is %s", async (_, command, status) => {
    const place = newPlace()
    const ended = await run(place, ["--", ...command])
    expect(ended).toMatchObject({ status, signal: null })
  })

  it("is 124 when it ran too long, even if it is deaf, and 124 is not for its tree to escape", async () => {
    const place = newPlace()
    const words = ["--max-task-duration-minutes", "0.005", "--grace-seconds", "0.2", "--summary"]
    const deaf = "trap '' TERM; while :; do sleep 0.1; done"
    const ended = await run(place, [...words, place.path("s.json"), "--", "sh", "-c", deaf])
    expect(ended.status).toBe(124)
    const { agentUsage } = JSON.parse(place.read("s.json"))
    expect(agentUsage).toMatchObject([{ reason: "duration_limit", mechanism: "kill" }])
    await nobodyLeft(place.mark)
  })

  it("is 124 when its usage reaches its own limit, and the report is counted in full", async () => {
    const place = newPlace()
    const program = `${USAGE("a", 60)}; ${USAGE("a", 60)}; ${USAGE("b", 70)}; sleep 60`
    const words = [
      "--per-agent-token-limit",
      "100",
      "--id",
      "big",
      "--summary",
      place.path("s.json"),
    ]
    const ended = await run(place, [...words, "--", "sh", "-c", program])
    expect(ended.status).toBe(124)
    expect(ended.stderr).toContain("agent big ended: agent_token_limit (term), 130 tokens")
    const { agentUsage } = JSON.parse(place.read("s.json"))
    expect(agentUsage).toMatchObject([{ agentId: "big", totalTokens: 130, enforcement: "metered" }])
  })

  it("is 124 when it was refused, and it never began", async () => {
    const place = newPlace()
    const began = place.path("began")
    const words = ["--daily-token-limit", "0", "--summary", "-", "--", "touch", began]
    const ended = await run(place, words)
    expect(ended.status).toBe(124)
    expect(ended.stderr).toContain("daily_token_limit")
    expect(JSON.parse(ended.stdout.toString()).refused).toHaveLength(1)
    expect(() => place.read("began")).toThrow()
  })

  it.each([
    ["SIGINT", 130],
    ["SIGTERM", 143],
    ["SIGHUP", 129],
  ] as const)(
    "is that of %s to Stint, which stops the tree first and sums up",
    async (signal, status) => {
      const place = newPlace()
      const program = "trap 'echo ended; exit 0' TERM; echo ready; while :; do sleep 0.1; done"
      const words = ["--summary", place.path("s.json"), "--", "sh", "-c", program]
      const stint = startRun(place, words)
      await stint.shows(/ready/)
      stint.process.kill(signal)
      const ended = await stint.ended
      expect(ended).toMatchObject({ status, signal: null })
      expect(ended.stdout.toString()).toBe("ready\nended\n")
      expect(ended.stderr).toMatch(new RegExp(`interrupted by ${signal}; 1 cancelled`))
      expect(JSON.parse(place.read("s.json")).agentUsage).toMatchObject([{ reason: "cancelled" }])
      await nobodyLeft(place.mark)
    },
  )

  it("is 125 with a damaged ledger, and nothing was started", async () => {
    const place = newPlace()
    place.file("ledger.db", "this is no ledger\n".repeat(400))
    const ended = await run(place, ["--", "touch", place.path("began")])
    expect(ended.status).toBe(125)
    expect(ended.stderr).toContain(place.ledger)
    expect(() => place.read("began")).toThrow()
  })

  it("is the inner one's when Stint runs under Stint", async () => {
    const place = newPlace()
    const inner = [...STINT, "run", "--ledger", place.path("inner.db"), "--id", "in", "--"]
    const program = `echo "$STINT_AGENT_ID"; exit 7`
    const ended = await run(place, ["--id", "out", "--", ...inner, "sh", "-c", program])
    expect(ended).toMatchObject({ status: 7, stdout: Buffer.from("in\n") })
  })
})

describe("the exit status of a plan", () => {
  const agent = (id: string, command: string, more: object = {}) => ({ id, command, ...more })
  const tooLong = { limits: { maxTaskDurationMinutes: 0.005, graceSeconds: 0.5 } }

  it.each([
    ["0 when all completed", [agent("a", "exit 0"), agent("b", "true")], 0],
    ["1 when one failed, whatever its own status", [agent("a", "true"), agent("b", "exit 125")], 1],
    [
      "124 when a limit stopped one, before 1",
      [agent("a", "exit 1"), agent("b", "sleep 60", tooLong)],
      124,
    ],
  ])("is %s", async (_, agents, status) => {
    const place = newPlace()
    const ended = await run(place, [place.file("plan.yaml", planOf(agents))])
    expect(ended.status).toBe(status)
    expect(ended.stderr).toMatch(/stint: 1 |stint: 2 completed/)
  })

  it("is 143 after SIGTERM, before 124; who waited in line is not started", async () => {
    const place = newPlace()
    const agents = [
      agent("long", "sleep 60", tooLong),
      agent("first", "echo up; exec sleep 60"),
      agent("waits", `touch ${place.path("began")}`),
    ]
    const plan = place.file("plan.yaml", planOf(agents, { maxConcurrentAgents: 1 }))
    const stint = startRun(place, ["--summary", place.path("s.json"), plan])
    await stint.shows(/first \| up/)
    stint.process.kill("SIGTERM")
    const ended = await stint.ended
    expect(ended.status).toBe(143)
    expect(ended.stderr).toContain("1 duration_limit, 1 cancelled, 1 not started")
    expect(() => place.read("began")).toThrow()
    expect(JSON.parse(place.read("s.json")).agentUsage).toHaveLength(2)
  })
})

describe("what a run leaves to read", () => {
  it("--events tells what happened as NDJSON, one object a line", async () => {
    const place = newPlace()
    await run(place, ["--events", place.path("e.ndjson"), "--id", "one", "--", "true"])
    const facts = place
      .read("e.ndjson")
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line).type)
    expect(facts).toContain("agent.admitted")
    expect(facts.filter((type) => type === "agent.ended")).toHaveLength(1)
  })

  it("a fault is 125 in words where a summary cannot be written", async () => {
    const place = newPlace()
    const ended = await run(place, ["--summary", "/dev/full", "--", "true"])
    expect(ended.status).toBe(125)
    expect(ended.stderr).toContain("--summary")
  })

  it("the version stands alone", async () => {
    const place = newPlace()
    const { stdout, status } = await new StintProcess([...STINT, "--version"], place).ended
    expect({ status, stdout: stdout.toString() }).toMatchObject({
      status: 0,
      stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/),
    })
  })
})
