/** The sum of what an agent accounts for itself. */
import { expect, test } from "vitest"
import type { MeterName } from "../../src/config/plan.ts"
import { openMeter } from "../../src/meters/by-name.ts"
import { openOwnAccount, ownAccounting } from "../../src/meters/own-account.ts"
import { type Counts, counted, counts, readAll, recorded } from "./printed.ts"

const accountOf = (meter: MeterName, ...chunks: readonly Buffer[]) => {
  const account = openOwnAccount(meter)
  for (const chunk of chunks) account.push(chunk)
  return account.end()
}

test.each<[file: string, meter: MeterName, used: Counts]>([
  ["two-turns", "claude-code", [3000, 150, 900, 600]],
  ["codex-two-turns", "codex", [3200, 200, 0, 800]],
  ["gemini", "auto", [2400, 180, 0, 600]],
  ["gemini-json", "gemini", [3200, 240, 0, 800]],
  ["pi", "pi", [3000, 150, 900, 600]],
])("of %s, which ended well, it is the whole", (file, meter, used) => {
  const { usage, isComplete, gaps } = accountOf(meter, recorded(file))
  expect(counts(usage)).toEqual(used)
  expect([isComplete, gaps]).toEqual([true, []])
})

test.each(["opencode", "auto"] as const)(
  "of opencode, read by %s, it is never the whole",
  (meter) => {
    const { usage, isComplete, gaps } = accountOf(meter, recorded("opencode"))
    expect(counts(usage)).toEqual([3000, 150, 900, 600])
    expect(isComplete).toBe(false)
    expect(gaps).toEqual(["opencode does not tell of the call that names its session"])
  },
)

test.each<[string, MeterName]>([
  ["codex-failed", "codex"],
  ["terminated", "claude-code"],
])("of %s, which was cut, it is not the whole, and says how much is uncertain", (file, meter) => {
  const { uncertain, isComplete, gaps } = accountOf(meter, recorded(file))
  expect(isComplete).toBe(false)
  expect(gaps).toHaveLength(1)
  expect(uncertain.inputTokens + uncertain.outputTokens).toBeGreaterThan(0)
})

test("of an agent that says nothing it is no account", () => {
  expect(accountOf("auto", Buffer.from("hello\n"))).toMatchObject({
    isComplete: false,
    gaps: ["it has given no account"],
  })
})

test("a line that cannot be counted leaves it incomplete", () => {
  const broken = Buffer.from('{"type":"stint.usage","inputTokens":-1}\n')
  const well = Buffer.from('{"type":"stint.usage","inputTokens":5}\n')
  const { usage, gaps } = accountOf("stint", broken, well)
  expect(counts(usage)).toEqual([5, 0, 0, 0])
  expect(gaps).toEqual(["1 lines that could not be counted"])
})

test("a call told of again and again counts once, its largest", () => {
  const line = (output: number) =>
    Buffer.from(`{"type":"stint.usage","id":"a","inputTokens":5,"outputTokens":${output}}\n`)
  expect(counts(accountOf("stint", line(1), line(9), line(4)).usage)).toEqual([5, 9, 0, 0])
})

test("what passes through it is what the meter alone would tell", () => {
  for (const file of ["two-turns", "interrupted", "pi-dropped", "codex-two-turns"]) {
    const accounting = ownAccounting("auto")
    const readings = readAll(accounting, [recorded(file)])
    expect(readings).toEqual(readAll(openMeter("auto"), [recorded(file)]))
    expect(counts(accounting.account().usage)).toEqual(counted(readings))
  }
})
