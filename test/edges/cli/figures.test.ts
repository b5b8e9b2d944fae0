import fc from "fast-check"
import { expect, test } from "vitest"
import { bar } from "../../../src/edges/cli/bar.ts"
import { columns, fitted, paint, wrapped } from "../../../src/edges/cli/columns.ts"
import {
  byteFigure,
  counted,
  shortFigure,
  wholeFigure,
  wholePercent,
} from "../../../src/edges/cli/figures.ts"

test.each([
  [0, "0"],
  [999, "999"],
  [1_000, "1.00k"],
  [9_994, "9.99k"],
  [9_995, "10.0k"],
  [85_200, "85.2k"],
  [99_949, "99.9k"],
  [99_950, "100k"],
  [999_499, "999k"],
  [999_500, "1.00M"],
  [5_406_598, "5.41M"],
  [10_000_000, "10.0M"],
  [1_840_000_000, "1.84G"],
  [Number.MAX_SAFE_INTEGER, "9.01P"],
])("%d is shown as %s", (figure, shown) => {
  expect(shortFigure(figure)).toBe(shown)
})

test("no figure takes more than five characters, whatever its size", () => {
  fc.assert(
    fc.property(fc.maxSafeNat(), (figure) => {
      expect(shortFigure(figure).length).toBeLessThanOrEqual(5)
    }),
  )
})

test("percentages are rounded down", () => {
  expect([0, 54.07, 99.99, 100, 101.5, 1234].map(wholePercent)).toEqual([
    "0%",
    "54%",
    "99%",
    "100%",
    "101%",
    "1,234%",
  ])
})

test("counts, bytes and plurals", () => {
  expect([wholeFigure(1443), counted(1, "agent"), counted(0, "agent")]).toEqual([
    "1,443",
    "1 agent",
    "0 agents",
  ])
  expect([0, 312_000_000, 1_020_000_000].map(byteFigure)).toEqual(["0 B", "312 MB", "1.02 GB"])
})

test("a bar is drawn in eighths, with the tick where nothing covers it", () => {
  const drawn = (share: number, tick: number | null = null) => {
    const { filled, rest } = bar(share, 10, tick)
    return filled + rest
  }
  expect(drawn(0)).toBe("··········")
  expect(drawn(0.54)).toBe("█████▍····")
  expect(drawn(0.54, 0.8)).toBe("█████▍··│·")
  expect(drawn(0.9, 0.8)).toBe("█████████·")
  expect(drawn(1)).toBe("██████████")
  expect(drawn(3)).toBe("██████████")
  expect(drawn(1e-9)).toBe("▏·········")
  expect(drawn(0, 1.2)).toBe("·········│")
})

test("every bar is as wide as was asked for", () => {
  const share = fc.double({ min: 0, max: 2, noNaN: true })
  fc.assert(
    fc.property(share, fc.integer({ min: 1, max: 100 }), share, (used, width, tick) => {
      const { filled, rest } = bar(used, width, tick)
      expect(filled.length + rest.length).toBe(width)
    }),
  )
})

test("columns are aligned as they are seen, also when they are coloured", () => {
  const cells = [
    { text: "ab", width: 4, style: "red" },
    { text: "1", width: 3, align: "right", style: "dim" },
    { text: "end", width: 9 },
  ] as const
  expect(columns(cells, false)).toBe("ab      1  end")
  const escapeCode = String.fromCharCode(27)
  const coloured = columns(cells, true)
  expect(coloured).toContain(`${escapeCode}[31mab`)
  expect(coloured.replaceAll(new RegExp(`${escapeCode}\\[\\d+m`, "g"), "")).toBe("ab      1  end")
  expect(paint("x", undefined, true)).toBe("x")
})

test("a name is cut in its middle, and can do nothing to the terminal", () => {
  expect(fitted("short", 5)).toBe("short")
  expect(fitted("a-long-name", 7)).toBe("a-l…ame")
  expect(fitted("a\u001b[31m\u202eb\n", 20)).toBe("a�[31m�b�")
})

test("prose is wrapped between words and loses none", () => {
  const word = fc.string({ unit: fc.constantFrom("a", "b"), minLength: 1, maxLength: 9 })
  fc.assert(
    fc.property(fc.array(word, { minLength: 1 }), (given) => {
      const lines = wrapped(given.join(" "), 12)
      expect(lines.join(" ")).toBe(given.join(" "))
      expect(lines.filter((line) => line.length > 12)).toEqual([])
    }),
  )
})
