/** Meters of Codex, Gemini CLI, opencode and pi: recorded runs, and lines no recording has. */
import fc from "fast-check"
import { describe, expect, test } from "vitest"
import type { MeterName } from "../../src/config/plan.ts"
import { openMeter } from "../../src/meters/by-name.ts"
import type { MeterReading } from "../../src/meters/meter.ts"
import {
  type Counts,
  counted,
  countedByModel,
  readAll,
  readLive,
  recorded,
  usages,
} from "./printed.ts"

const read = (meter: MeterName, lines: readonly object[]): readonly MeterReading[] => {
  const opened = openMeter(meter)
  return [...readLive(opened, lines), ...opened.end()]
}

const provenances = (readings: readonly MeterReading[]): readonly string[] =>
  usages(readings).map(({ provenance }) => provenance)

/** Real runs against a scripted model: what it served, by kind, but for what the agent never tells. */
const RECORDED: readonly [file: string, meter: MeterName, served: Counts, provenances: string][] = [
  ["codex-two-turns", "codex", [3200, 200, 0, 800], "reported reported"],
  ["codex-failed", "codex", [0, 1, 0, 0], "unknown"],
  ["gemini", "gemini", [2400, 180, 0, 600], "reported"],
  ["gemini-refused", "gemini", [800, 60, 0, 200], "reported"],
  ["gemini-json", "gemini", [3200, 240, 0, 800], "reported"],
  ["opencode", "opencode", [3000, 150, 900, 600], "reported reported reported"],
  ["opencode-refused", "opencode", [0, 0, 0, 0], ""],
  ["pi", "pi", [3000, 150, 900, 600], "reported reported reported"],
  ["pi-refused", "pi", [1000, 50, 300, 200], "reported"],
  ["pi-dropped", "pi", [4000, 151, 1200, 800], "reported reported reported reported"],
]

describe("recorded runs", () => {
  test.each(RECORDED)("%s adds up to what was served", (file, meter, served, expected) => {
    const readings = readAll(openMeter(meter), [recorded(file)])
    expect(counted(readings)).toEqual(served)
    expect(provenances(readings).join(" ")).toBe(expected)
  })

  test.each(RECORDED.filter(([file]) => file !== "gemini-json"))(
    "the automatic meter reads %s as the meter of that name does",
    (file, meter) => {
      expect(readAll(openMeter("auto"), [recorded(file)])).toEqual(
        readAll(openMeter(meter), [recorded(file)]),
      )
    },
  )

  test("property: chunk boundaries anywhere give the same readings", () => {
    const places = fc.array(fc.nat(), { maxLength: 20 })
    fc.assert(
      fc.property(fc.constantFrom(...RECORDED), places, ([file, meter], cuts) => {
        const all = recorded(file)
        const at = [0, ...cuts.map((cut) => cut % (all.length + 1)), all.length]
        at.sort((a, b) => a - b)
        const chunks = at.slice(1).map((end, index) => all.subarray(at[index], end))
        expect(readAll(openMeter(meter), chunks)).toEqual(readAll(openMeter(meter), [all]))
      }),
      { numRuns: 300 },
    )
  })

  test("a document cut at every byte gives the same readings, with either line end", () => {
    for (const text of [
      recorded("gemini-json").toString().replaceAll("\n", "\r\n"),
      recorded("gemini-json").toString(),
    ]) {
      const all = Buffer.from(`Loaded.\n${text}\n{ not json\n`)
      const whole = readAll(openMeter("gemini"), [all])
      expect(counted(whole)).toEqual([3200, 240, 0, 800])
      for (let cut = 0; cut <= all.length; cut += 1)
        expect(readAll(openMeter("gemini"), [all.subarray(0, cut), all.subarray(cut)])).toEqual(
          whole,
        )
    }
  })
})

/** Lines with values of every kind where the meters look for theirs. */
const anyLine = fc.record(
  {
    type: fc.constantFrom(
      ...["thread.started", "turn.started", "turn.completed", "turn.failed", "init", "result"],
      ...["step_start", "step_finish", "error", "turn_start", "message_end", "compaction_end"],
    ),
    thread_id: fc.jsonValue(),
    session_id: fc.jsonValue(),
    sessionID: fc.constantFrom("ses", 3, null),
    usage: fc.jsonValue(),
    stats: fc.oneof(fc.jsonValue(), fc.record({ models: fc.jsonValue() })),
    part: fc.oneof(fc.jsonValue(), fc.record({ id: fc.jsonValue(), tokens: fc.jsonValue() })),
    message: fc.record({ role: fc.constant("assistant"), usage: fc.jsonValue() }),
    result: fc.record({ usage: fc.jsonValue() }),
  },
  { requiredKeys: ["type"] },
)

test("property: no line makes a meter throw, and no count is negative or broken", () => {
  const name = fc.constantFrom<MeterName>("codex", "gemini", "opencode", "pi", "auto")
  fc.assert(
    fc.property(name, fc.array(fc.oneof(anyLine, fc.object())), (meter, lines) => {
      for (const { usage } of usages(read(meter, lines)))
        for (const count of Object.values(usage))
          expect(Number.isSafeInteger(count) && count >= 0).toBe(true)
    }),
    { numRuns: 1_000 },
  )
})

const thread = (id: string) => ({ type: "thread.started", thread_id: id })
const TURN = { type: "turn.started" }
const turnDone = (input: number, cached: number, output: number) => ({
  type: "turn.completed",
  usage: {
    input_tokens: input,
    cached_input_tokens: cached,
    cache_write_input_tokens: 0,
    output_tokens: output,
  },
})

describe("codex", () => {
  test("a thread's account grows: each turn is the difference", () => {
    const readings = read("codex", [
      thread("a"),
      TURN,
      turnDone(100, 40, 10),
      TURN,
      turnDone(300, 90, 15),
    ])
    expect(usages(readings).map(({ usage }) => usage)).toMatchObject([
      { inputTokens: 60, cacheReadTokens: 40, outputTokens: 10 },
      { inputTokens: 150, cacheReadTokens: 50, outputTokens: 5 },
    ])
  })

  test("another thread starts from zero, even when it has already used more", () => {
    const lines = [thread("a"), TURN, turnDone(100, 0, 10), thread("b"), TURN, turnDone(300, 0, 20)]
    expect(counted(read("codex", lines))).toEqual([400, 30, 0, 0])
  })

  test("a counter that fell was set back: all of it is new", () => {
    const lines = [thread("a"), TURN, turnDone(100, 0, 10), TURN, turnDone(70, 0, 5)]
    expect(counted(read("codex", lines))).toEqual([170, 15, 0, 0])
  })

  test("an account told twice counts once", () => {
    const lines = [thread("a"), TURN, turnDone(100, 0, 10), turnDone(100, 0, 10)]
    expect(counted(read("codex", lines))).toEqual([100, 10, 0, 0])
  })

  test("a turn that was killed is unknown, never zero, and completes what was made", () => {
    const [reading] = usages(read("codex", [thread("a"), TURN]))
    expect(reading).toMatchObject({ provenance: "unknown", completes: true })
    expect(reading?.usage.outputTokens).toBe(1)
  })

  test("an account of nothing but garbage is told, and the turn is unknown", () => {
    const broken = { type: "turn.completed", usage: { input_tokens: -1 } }
    const readings = read("codex", [thread("a"), TURN, broken])
    expect(readings).toMatchObject([{ kind: "unreadable" }, { provenance: "unknown" }])
  })
})

describe("gemini", () => {
  const INIT = { type: "init", timestamp: "t", session_id: "s", model: "flash" }

  test("each model is told of apart where they add up", () => {
    const [lite, flash] = [
      { total_tokens: 40, input_tokens: 30, output_tokens: 10, cached: 0 },
      { total_tokens: 100, input_tokens: 60, output_tokens: 20, cached: 50 },
    ]
    const stats = {
      total_tokens: 140,
      input_tokens: 90,
      output_tokens: 30,
      cached: 50,
      models: { lite, flash },
    }
    expect(countedByModel(read("gemini", [INIT, { type: "result", stats }]))).toEqual({
      lite: [30, 10, 0, 0],
      flash: [10, 40, 0, 50],
    })
  })

  test("where they do not, the whole is told of no model", () => {
    const models = { lite: { total_tokens: 40, input_tokens: 30, output_tokens: 10 } }
    const stats = { total_tokens: 140, input_tokens: 90, output_tokens: 30, cached: 50, models }
    expect(countedByModel(read("gemini", [INIT, { type: "result", stats }]))).toEqual({
      none: [40, 50, 0, 50],
    })
  })

  test("a run that was killed is unknown", () => {
    expect(provenances(read("gemini", [INIT]))).toEqual(["unknown"])
  })

  test("a document longer than the bound is let go, and what comes after is read", () => {
    const long = `{\n"session_id": "${"x".repeat(2_000_000)}"\n}\n`
    const readings = readAll(openMeter("gemini"), [Buffer.from(long), recorded("gemini-json")])
    expect(counted(readings)).toEqual([3200, 240, 0, 800])
  })
})

const step = (type: string, part: object = {}) => ({ type, sessionID: "ses", part })
const tokens = (input: number, output: number, reasoning: number) => ({
  tokens: { input, output, reasoning, cache: { write: 0, read: 7 } },
})

describe("opencode", () => {
  test("reasoning is added to the output", () => {
    const lines = [step("step_start"), step("step_finish", { id: "p1", ...tokens(10, 3, 11) })]
    expect(counted(read("opencode", lines))).toEqual([10, 14, 0, 7])
  })

  test("a step told twice counts once", () => {
    const finish = step("step_finish", { id: "p1", ...tokens(10, 3, 0) })
    expect(counted(read("opencode", [step("step_start"), finish, finish]))).toEqual([10, 3, 0, 7])
  })

  test("a step that was cut is charged like the step before it", () => {
    const lines = [
      step("step_start"),
      step("step_finish", { id: "p1", ...tokens(10, 3, 0) }),
      step("step_start"),
    ]
    const readings = read("opencode", lines)
    expect(provenances(readings)).toEqual(["reported", "unknown"])
    expect(counted(readings)).toEqual([20, 6, 0, 14])
  })
})

describe("pi", () => {
  const TURN_START = { type: "turn_start" }
  const ended = (usage: Counts, more: object = {}) => ({
    type: "message_end",
    message: {
      role: "assistant",
      model: "m",
      usage: { input: usage[0], output: usage[1], cacheWrite: usage[2], cacheRead: usage[3] },
      ...more,
    },
  })

  test("a call that was cut is charged like the call before it", () => {
    const readings = read("pi", [TURN_START, ended([5, 2, 1, 9]), TURN_START])
    expect(counted(readings)).toEqual([10, 4, 2, 18])
    expect(provenances(readings)).toEqual(["reported", "unknown"])
  })

  test.each(["error", "aborted"])(
    "a call that ended %s without a count is unknown",
    (stopReason) => {
      const readings = read("pi", [TURN_START, ended([0, 0, 0, 0], { stopReason })])
      expect(provenances(readings)).toEqual(["unknown"])
    },
  )

  test("what summarised earlier messages is a call too", () => {
    const usage = { input: 50, output: 5, cacheRead: 0, cacheWrite: 0 }
    const lines = [{ type: "compaction_start" }, { type: "compaction_end", result: { usage } }]
    expect(counted(read("pi", lines))).toEqual([50, 5, 0, 0])
  })

  test("the ends of turns and runs, which repeat a message, are not counted", () => {
    const { message } = ended([5, 2, 0, 0])
    const lines = [
      TURN_START,
      ended([5, 2, 0, 0]),
      { type: "turn_end", message },
      { type: "agent_end", messages: [message] },
    ]
    expect(counted(read("pi", lines))).toEqual([5, 2, 0, 0])
  })
})
