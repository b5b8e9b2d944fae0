import { expect, test } from "vitest"
import {
  readCount,
  readCountText,
  readInstant,
  readName,
  UnreadableField,
} from "../../src/replay/fields.ts"

test.each([
  ["2026-03-01T10:00:00.123Z", "2026-03-01T10:00:00.123Z"],
  ["2026-03-01T10:00:00.123456Z", "2026-03-01T10:00:00.123Z"],
  ["2026-03-01T10:00Z", "2026-03-01T10:00:00.000Z"],
  ["2026-03-01T10:00:00+02:00", "2026-03-01T08:00:00.000Z"],
  ["2026-03-01T10:00:00-0530", "2026-03-01T15:30:00.000Z"],
  ["2026-03-01 10:00:00", "2026-03-01T10:00:00.000Z"],
  ["2026-03-01", "2026-03-01T00:00:00.000Z"],
  ["1772359200123", "2026-03-01T10:00:00.123Z"],
  [1772359200123, "2026-03-01T10:00:00.123Z"],
])("the time %j is %s", (given, expected) => {
  expect(new Date(readInstant(given, "at")).toISOString()).toBe(expected)
})

test.each([
  "yesterday",
  "",
  "2026-02-30T10:00:00Z",
  "2026-13-01",
  "2026-03-01T25:00:00Z",
  null,
  undefined,
  1.5,
  Number.NaN,
  253_402_300_800_000,
])("%j is no time", (given) => {
  expect(() => readInstant(given, "at")).toThrow(UnreadableField)
})

test("seconds are not taken for milliseconds", () => {
  expect(() => readInstant(1772359200, "at")).toThrow("at is 1772359200, expected milliseconds")
  expect(() => readInstant("1772359200", "at")).toThrow("looks like seconds")
})

test("a count is a whole number below 2^53; what is absent is 0", () => {
  expect([undefined, null, 0, 7, 2 ** 53 - 1].map((count) => readCount(count, "n"))).toEqual([
    0,
    0,
    0,
    7,
    2 ** 53 - 1,
  ])
  for (const bad of [-1, 0.5, 2 ** 53, Number.NaN, "7", true, {}])
    expect(() => readCount(bad, "n")).toThrow(UnreadableField)
})

test("a count in text is digits alone", () => {
  expect(["", " ", undefined, " 12 ", "007"].map((text) => readCountText(text, "n"))).toEqual([
    0, 0, 0, 12, 7,
  ])
  for (const bad of ["1,000", "1e3", "-1", "1.0", "0x10", "9007199254740992"])
    expect(() => readCountText(bad, "n")).toThrow(UnreadableField)
})

test("a name leaves room for what a later stretch adds to it", () => {
  expect(readName("a".repeat(240), "agentId")).toHaveLength(240)
  for (const bad of ["", "a".repeat(241), 7, null])
    expect(() => readName(bad, "agentId")).toThrow(UnreadableField)
})
