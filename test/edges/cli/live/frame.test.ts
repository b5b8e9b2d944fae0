import { describe, expect, it } from "vitest"
import { type FrameOptions, frame } from "../../../../src/edges/cli/live/frame.ts"
import { startFleet } from "../../../host/fleet.ts"

const lines = async (colour: boolean): Promise<readonly string[]> => {
  const { supervisor, clock } = await startFleet()
  for (const agentId of ["a", "a-longer-name"])
    await (await supervisor.spawn({ agentId, taskId: "t", run: () => {} })).ended
  const drawn = frame(supervisor.summary(), {
    columns: 80,
    rows: 24,
    colour,
    now: clock.now(),
    waiting: 0,
    recent: [],
  })
  await supervisor.close()
  return drawn
}

/** Two agents: one with money of its own sign-in, the other with a call of no known price. */
const withMoney = async (columns: number, dailyCostLimitMicroUsd: number | null = 5_000_000) => {
  const { supervisor, clock } = await startFleet({ dailyCostLimitMicroUsd, allowUnpriced: true })
  const usage = { inputTokens: 1_000 }
  const spent = await supervisor.spawn({
    agentId: "spent",
    taskId: "t",
    run: ({ recordUsage }) => recordUsage({ ...usage, costMicroUsd: 1_230_000 }),
  })
  await spent.ended
  const none = await supervisor.spawn({
    agentId: "no-price",
    taskId: "t",
    run: ({ recordUsage }) => recordUsage(usage),
  })
  await none.ended
  const summary = supervisor.summary()
  await supervisor.close()
  const options = { columns, rows: 24, colour: false, now: clock.now(), waiting: 0, recent: [] }
  return { summary, options }
}

const withoutColour = (line: string): string =>
  line.replaceAll(new RegExp(`${String.fromCharCode(27)}\\[[0-9;]*m`, "g"), "")

describe("the picture", () => {
  it("stands in the same columns with and without colour", async () => {
    const plain = await lines(false)
    expect((await lines(true)).map(withoutColour)).toEqual(plain)
    const bars = plain.filter((line) => line.startsWith("■")).map((line) => line.indexOf("·"))
    expect(bars).toHaveLength(2)
    expect(new Set(bars).size).toBe(1)
    const heads = plain.find((line) => line.includes("TOKENS"))
    expect(heads?.indexOf("TOKENS")).toBe(bars[0])
  })

  it("has no word of money where there is none", async () => {
    expect((await lines(false)).join("\n")).not.toContain("$")
    expect((await lines(false)).join("\n")).not.toContain("COST")
  })

  it("has a line of money below the day's, and a column of it where that fits", async () => {
    const { summary, options } = await withMoney(80)
    const narrow = frame(summary, options)
    expect(narrow[2]).toBe("    $1.23 of $5.00 · 24% · 1 call without a price")
    expect(narrow.join("\n")).not.toContain("COST")
    const wide = frame(summary, { ...options, columns: 100 })
    const head = wide.find((line) => line.includes("USED / LIMIT")) ?? ""
    const end = head.indexOf("COST") + "COST".length
    const cells = wide
      .filter((line) => line.startsWith("■"))
      .map((line) => line.slice(end - 5, end))
    expect(cells).toEqual(["$1.23", "    –"])
    for (const line of [...narrow, ...wide]) expect(line.length).toBeLessThanOrEqual(100)
    for (const line of narrow) expect(line.length).toBeLessThanOrEqual(80)
  })

  it("shows money without a limit, and what is held of it", async () => {
    const { summary, options } = await withMoney(80, null)
    const drawn = frame({ ...summary, heldCostMicroUsd: 70_000, unpricedCalls: 0 }, options)
    expect(drawn[2]).toBe("    $1.23 · held $0.07")
  })

  it("says who is wrapping up, whose own sign-in pays, and whose own count differs", async () => {
    const { summary, options } = await withMoney(80)
    const [agent, other] = summary.agentUsage
    if (agent === undefined || other === undefined) throw new Error("there are two")
    const ownAccount = { meter: "claude-code", rawTokens: 2_200, differenceTokens: 1_200 }
    const running = { ...agent, state: "running", wrappingUp: true } as const
    const agentUsage = [{ ...running, credential: "own", ownAccount } as const, other]
    const drawn = frame({ ...summary, agentUsage }, options)
    const at = drawn.findIndex((line) => line.startsWith("▶ wrapping up"))
    expect(drawn[at + 1]).toBe("  └ own sign-in · own count +1.20k")
    expect(drawn[at + 2]).toMatch(/^■ completed/)
  })

  it.each([10, 11, 12, 13])("keeps to %i rows, notes included", async (rows) => {
    const { summary, options } = await withMoney(80)
    const agentUsage = summary.agentUsage.map((agent) => ({ ...agent, credential: "own" as const }))
    const drawn = frame({ ...summary, agentUsage }, { ...options, rows } satisfies FrameOptions)
    expect(drawn.length).toBeLessThan(rows)
    const shown = drawn.filter((line) => line.startsWith("■ completed")).length
    const more = Number(/… and (\d+) more/.exec(drawn.join("\n"))?.[1] ?? 0)
    expect(shown + more).toBe(2)
  })
})
