import { describe, expect, it } from "vitest"
import { frame } from "../../../../src/edges/cli/live/frame.ts"
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
})
