import fc from "fast-check"
import { expect, test } from "vitest"
import { openMeter } from "../../src/meters/by-name.ts"
import { readAlong } from "../../src/meters/read-along.ts"
import { assistant, counted, init, linesOf, readAll, recorded, usages } from "./printed.ts"

const stintLine = (id: string, inputTokens: number): string =>
  `${JSON.stringify({ type: "stint.usage", id, inputTokens })}\n`

const split = (all: Buffer, cuts: readonly number[]): readonly Buffer[] => {
  const at = [0, ...cuts.map((cut) => cut % (all.length + 1)), all.length].sort((a, b) => a - b)
  return at.slice(1).map((end, index) => all.subarray(at[index], end))
}

test("a line is read in the chunk that ends it, not later", () => {
  const along = readAlong(openMeter("auto"))
  const line = Buffer.from(stintLine("a", 1))
  expect(along.push(line.subarray(0, -1))).toEqual([])
  expect(along.push(line.subarray(-1))).toHaveLength(1)
  expect(along.end()).toEqual([])
})

test("a last line without an end is read at the end", () => {
  const along = readAlong(openMeter("stint"))
  expect(along.push(Buffer.from(stintLine("a", 1).trimEnd()))).toEqual([])
  expect(along.end()).toHaveLength(1)
})

test("a small stream gives the same readings cut at every byte", () => {
  const all = Buffer.from(`building… ✓\r\n${stintLine("ä", 1)}{"type":\n${stintLine("b", 2)}done`)
  const whole = readAll(openMeter("auto"), [all])
  expect(counted(whole)).toEqual([3, 0, 0, 0])
  for (let cut = 0; cut <= all.length; cut += 1)
    expect(readAll(openMeter("auto"), [all.subarray(0, cut), all.subarray(cut)])).toEqual(whole)
  expect(readAll(openMeter("auto"), split(all, [...all.keys()]))).toEqual(whole)
})

const NAMES = ["two-turns", "partial-messages", "interrupted", "terminated", "refused"]

test("property: random splits give the same readings, and no byte is changed", () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...NAMES),
      fc.constantFrom("auto" as const, "claude-code" as const),
      fc.array(fc.nat(), { maxLength: 20 }),
      (name, meter, cuts) => {
        const all = recorded(name)
        const before = Buffer.from(all)
        expect(readAll(openMeter(meter), split(all, cuts))).toEqual(
          readAll(openMeter(meter), [all]),
        )
        expect(all.equals(before)).toBe(true)
      },
    ),
    { numRuns: 300 },
  )
})

test("property: no bytes at all make a meter throw, or change", () => {
  const meter = fc.constantFrom("auto" as const, "claude-code" as const, "stint" as const)
  fc.assert(
    fc.property(meter, fc.array(fc.uint8Array({ maxLength: 200 })), (name, chunks) => {
      const bytes = chunks.map((chunk) => Buffer.from(chunk))
      const before = Buffer.concat(bytes)
      readAll(openMeter(name), bytes)
      expect(Buffer.concat(bytes).equals(before)).toBe(true)
    }),
  )
})

test("a line longer than the bound is not metered, and the lines around it are", () => {
  const long = Buffer.from(
    `${JSON.stringify({ type: "stint.usage", id: "long", inputTokens: 9, model: "x".repeat(2_000_000) })}\n`,
  )
  const readings = readAll(openMeter("stint"), [
    Buffer.from(stintLine("a", 1)),
    ...split(long, [700_000, 1_400_000]),
    Buffer.from(stintLine("b", 2)),
  ])
  expect(usages(readings).map(({ usageId }) => usageId)).toEqual(["a", "b"])
  expect(readings).toHaveLength(2)
})

test("the automatic meter knows a program that meters itself by its first line of usage", () => {
  const readings = readAll(openMeter("auto"), [
    Buffer.from(`{"type":"assistant","message":{"text":"hello"}}\n${stintLine("a", 1)}`),
    Buffer.from(`${JSON.stringify(assistant("m1", [50, 0, 0, 0]))}\n`),
    Buffer.from(stintLine("b", 2)),
  ])
  expect(counted(readings)).toEqual([3, 0, 0, 0])
})

test.each(["two-turns", "partial-messages", "json-only", "terminated"])(
  "the automatic meter reads %s as the meter of Claude Code does, and stays with it",
  (name) => {
    const chunks = [recorded(name), Buffer.from(stintLine("a", 1_000))]
    expect(readAll(openMeter("auto"), chunks)).toEqual(
      readAll(openMeter("claude-code"), [recorded(name)]),
    )
  },
)

test("the automatic meter knows Claude Code by its first telling line, whichever that is", () => {
  for (const first of linesOf("two-turns").filter((line) => line.includes('usage"'))) {
    const [reading] = readAll(openMeter("auto"), [Buffer.from(first)])
    expect(reading).toMatchObject({ kind: "usage" })
  }
})

test.each([
  ["another agent", '{"type":"init","session_id":"s","model":"gemini-2.5-flash"}'],
  ["an agent of the same shapes", '{"type":"system","subtype":"init","session_id":"s"}'],
  [
    "a session log that is shown",
    JSON.stringify({ ...assistant("m", [1, 1, 0, 0]), session_id: undefined, sessionId: "s" }),
  ],
  [
    "another agent's account",
    '{"type":"turn.completed","session_id":"s","usage":{"input_tokens":3}}',
  ],
])("the automatic meter does not take %s for Claude Code", (_, line) => {
  const chunks = [Buffer.from(`${line}\n${stintLine("a", 1)}`)]
  expect(counted(readAll(openMeter("auto"), chunks))).toEqual([1, 0, 0, 0])
})

test("a broken line of usage is told of before anything else was", () => {
  const readings = readAll(openMeter("auto"), [
    Buffer.from('{"type":"stint.usage","inputTokens":NaN}\n'),
  ])
  expect(readings).toMatchObject([{ kind: "unreadable" }])
})

test("no meter reads nothing", () => {
  const chunks = [Buffer.from(stintLine("a", 1)), Buffer.from(`${JSON.stringify(init())}\n`)]
  expect(readAll(openMeter("none"), chunks)).toEqual([])
})

test("two children do not share what a meter has read", () => {
  const line = Buffer.from(`${JSON.stringify(assistant("m1", [5, 1, 0, 0]))}\n`)
  const first = readAlong(openMeter("claude-code"))
  const second = readAlong(openMeter("claude-code"))
  expect(first.push(line)).toHaveLength(1)
  expect(second.push(line)).toHaveLength(1)
})
