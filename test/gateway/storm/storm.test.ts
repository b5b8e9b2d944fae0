/**
 * Hard means hard: whatever clients, providers and connections do, no bill is over its limit. One
 * storm again: STINT_STORM_SEED. More of them: STINT_STORM_COUNT.
 */
import { describe, expect, it } from "vitest"
import { temporaryFolder } from "../../ledger/temporary-folder.ts"
import { breachesOf } from "./check.ts"
import { WITHOUT_CLAMP, WITHOUT_HOLD } from "./lies.ts"
import { planRace, planStorm } from "./plan.ts"
import { rage } from "./storm.ts"

const NAMED = process.env.STINT_STORM_SEED
const COUNT = Number(process.env.STINT_STORM_COUNT ?? 6)
/** Among the next few: calm and rough ones, both ledgers, limits of money, a reserve for winding down. */
const FIRST = 5
const SEEDS =
  NAMED === undefined ? Array.from({ length: COUNT }, (_, at) => FIRST + at) : [Number(NAMED)]

describe("in a storm of 200 clients", () => {
  it.each(SEEDS)("no bill is over a limit or the ledger (STINT_STORM_SEED=%i)", async (seed) => {
    const after = await rage(planStorm(seed), temporaryFolder())
    expect(breachesOf(after)).toEqual([])
    expect(after.served.length).toBeGreaterThan(0)
  })
})

describe("in a race for the last tokens", () => {
  it("calls are cut to what is left, and the bill is the ledger's, to the token", async () => {
    const after = await rage(planRace(1), temporaryFolder())
    expect(breachesOf(after)).toEqual([])
    expect(after.rows.some((row) => row.kind === "hold_placed" && row.askedTokens)).toBe(true)
    expect(after.summary.dailyTokensUsed).toBeGreaterThan(0)
  })

  it.each([
    ["requests are not clamped", WITHOUT_CLAMP],
    ["holds are granted whatever is left", WITHOUT_HOLD],
  ] as const)("a bill over its limit is found where %s", async (_, lie) => {
    const after = await rage(planRace(1), temporaryFolder(), lie)
    expect(breachesOf(after).join("\n")).toMatch(/bill is over its limit of tokens/)
  })
})
