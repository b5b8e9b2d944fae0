import { describe, expect, it } from "vitest"
import { type Budget, openBudget } from "../../machines/budget/budget.ts"
import {
  decideClockStep,
  earlierUse,
  presentDay,
  uncertainAfter,
} from "../../machines/budget/clock-step.ts"
import type { Row } from "../../machines/budget/row.ts"
import { DEFAULT_SETTINGS } from "../../machines/budget/settings.ts"
import { windowAt } from "../../machines/budget/window.ts"

const HOUR = 3_600_000
const MIDNIGHT = Date.UTC(2026, 2, 2)
const USED = { confirmedTokens: 40, uncertainTokens: 7 }

const openAt = (timeZone = "UTC", seq = 9): Budget => ({
  ...openBudget({ ...DEFAULT_SETTINGS, timeZone }, windowAt(MIDNIGHT + 12 * HOUR, timeZone)),
  seq,
})

describe("a clock set back is accepted", () => {
  it.each([
    ["26 hours and a millisecond before the open day", MIDNIGHT - 26 * HOUR - 1, "steps"],
    ["26 hours before it, which zones alone can make", MIDNIGHT - 26 * HOUR, "stays"],
    ["an instant within the day", MIDNIGHT + HOUR, "stays"],
    ["the day after", MIDNIGHT + 30 * HOUR, "stays"],
  ] as const)("only when it is wrong: %s", (_, at, verdict) => {
    expect(decideClockStep(openAt(), at, USED).verdict).toBe(verdict)
  })

  it("by one row that opens the present day with its earlier use", () => {
    const at = MIDNIGHT - 72 * HOUR
    const { rows, after } = decideClockStep(openAt(), at, USED)
    expect(rows).toEqual([
      {
        kind: "clock_stepped",
        seq: 10,
        at,
        from: MIDNIGHT,
        window: windowAt(at, "UTC"),
        ...USED,
      },
    ])
    expect(after.window.id).toBe("2026-02-27")
    expect([after.day.confirmed, after.day.uncertain]).toEqual([40, 7])
    expect(decideClockStep(after, at, USED).verdict).toBe("stays")
  })

  it("and nothing changes where it stays", () => {
    const budget = openAt()
    const { rows, after } = decideClockStep(budget, MIDNIGHT, USED)
    expect(rows).toEqual([])
    expect(after).toBe(budget)
  })

  it("never of an empty ledger, whose day before all days is long gone", () => {
    expect(decideClockStep(openAt("UTC", 0), 0, USED).verdict).toBe("stays")
  })

  it("in the budget's own time zone", () => {
    expect(presentDay(openAt("Pacific/Kiritimati"), MIDNIGHT - 72 * HOUR).id).toBe("2026-02-27")
    expect(presentDay(openAt("Pacific/Kiritimati"), MIDNIGHT - 62 * HOUR).id).toBe("2026-02-28")
  })
})

const row = (parts: object): Row =>
  ({ seq: 1, at: 0, key: "a", windowId: "2026-03-02", ...parts }) as Row

describe("of a day's earlier use", () => {
  it.each([
    ["a reported call", { kind: "usage_recorded", tokens: 5, provenance: "reported" }, 10],
    ["an estimated call", { kind: "usage_recorded", tokens: 5, provenance: "estimated" }, 15],
    [
      "a settled hold of unknown use",
      { kind: "hold_settled", tokens: 5, provenance: "unknown" },
      15,
    ],
    ["an expired hold", { kind: "hold_expired", heldTokens: 30 }, 40],
    ["a correction of what was uncertain", { kind: "corrected", uncertainBefore: 8 }, 2],
    ["a hold that is open", { kind: "hold_placed", tokens: 30 }, 10],
  ] as const)("uncertain is what nobody reported: %s", (_, parts, expected) => {
    expect(uncertainAfter(10, row(parts))).toBe(expected)
  })

  it.each([
    [47, 7, [40, 7]],
    [5, 7, [0, 5]],
    [47, 0, [47, 0]],
  ] as const)("%d tokens, %d of them uncertain, keep their sum", (all, uncertain, expected) => {
    const use = earlierUse(all, uncertain)
    expect([use.confirmedTokens, use.uncertainTokens]).toEqual(expected)
  })
})
