import fc from "fast-check"
import { describe, expect, test } from "vitest"
import { claudeCodeMeter } from "../../src/meters/claude-code/claude-code.ts"
import {
  assistant,
  type Counts,
  counted,
  countedByModel,
  HAIKU,
  init,
  linesOf,
  OPUS,
  readAll,
  readLive,
  recorded,
  result,
  toolResult,
  turnUsage,
  usages,
} from "./printed.ts"

const SONNET = "claude-sonnet-4-5"

const readRecorded = (name: string) => readAll(claudeCodeMeter(), [recorded(name)])

/** All that the lines say, the end included. */
const readWhole = (lines: readonly object[]) => {
  const meter = claudeCodeMeter()
  return [...readLive(meter, lines), ...meter.end()]
}

const provenances = (readings: Parameters<typeof usages>[0]): readonly string[] => [
  ...new Set(usages(readings).map(({ provenance }) => provenance)),
]

describe("recorded runs", () => {
  test.each<[string, Counts]>([
    ["two-turns", [3000, 150, 900, 600]],
    ["partial-messages", [2000, 100, 600, 400]],
    ["budget-stop", [3000, 150, 900, 600]],
    ["interrupted", [2000, 52, 600, 400]],
    ["refused", [2000, 100, 600, 400]],
    ["json-only", [3000, 150, 900, 600]],
  ])("%s adds up to the account of its last result, all of it reported", (name, account) => {
    const readings = readRecorded(name)
    expect(countedByModel(readings)).toEqual({ [SONNET]: account })
    expect(provenances(readings)).toEqual(["reported"])
  })

  test("every call is told of while the run goes on, before any result", () => {
    const meter = claudeCodeMeter()
    const lines = linesOf("two-turns").filter((line) => !line.includes('"type":"result"'))
    const live = lines.flatMap((line) => meter.read(line))
    expect(usages(live).map(({ usageId }) => usageId)).toHaveLength(3)
    expect(counted(live)).toEqual([3000, 3, 900, 600])
  })

  test("with partial messages the true output is known at each call's end", () => {
    const meter = claudeCodeMeter()
    const lines = linesOf("partial-messages").filter((line) => !line.includes('"type":"result"'))
    expect(counted(lines.flatMap((line) => meter.read(line)))).toEqual([2000, 100, 600, 400])
    expect(meter.end()).toEqual([])
  })

  test("a run killed while it waits for an answer: what was seen stands, the call is unknown", () => {
    const readings = readRecorded("terminated")
    const { usageId } = usages(readings)[0] ?? {}
    expect(usageId).toBe("msg_3")
    const unknown = usages(readings).filter(({ provenance }) => provenance === "unknown")
    expect(unknown).toMatchObject([
      { usageId: null, completes: true, model: SONNET, usage: { inputTokens: 1000 } },
    ])
    expect(usages(readings).filter(({ provenance }) => provenance === "reported")).toHaveLength(1)
  })

  test("an interrupted call that no account and no line has told of is unknown", () => {
    const readings = readRecorded("interrupted-unseen")
    const reported = usages(readings).filter(({ provenance }) => provenance === "reported")
    const unknown = usages(readings).filter(({ provenance }) => provenance === "unknown")
    expect(counted(reported)).toEqual([1000, 50, 300, 200])
    expect(counted(unknown)).toEqual([1000, 1, 300, 200])
  })
})

describe("one call", () => {
  test("on several lines is one, and its placeholder output grows to the largest seen", () => {
    const readings = readLive(claudeCodeMeter(), [
      assistant("m1", [10, 1, 30, 40]),
      assistant("m1", [10, 1, 30, 40]),
      assistant("m1", [10, 265, 30, 40]),
      assistant("m1", [10, 3, 30, 40]),
    ])
    expect(counted(readings)).toEqual([10, 265, 30, 40])
    expect(usages(readings).map(({ completes }) => completes)).toEqual([false, true])
  })

  test("begun by a message_start and ended by a message_delta is not their sum", () => {
    const usage = { input_tokens: 2068, output_tokens: 1, cache_read_input_tokens: 5 }
    const message = { id: "m1", model: OPUS, usage }
    const more = { parent_tool_use_id: null, session_id: "s" }
    const delta = { input_tokens: 22_397, output_tokens: 70 }
    const readings = readLive(claudeCodeMeter(), [
      { type: "stream_event", event: { type: "message_start", message }, ...more },
      { type: "stream_event", event: { type: "message_delta", usage: delta }, ...more },
    ])
    expect(counted(readings)).toEqual([22_397, 70, 0, 5])
  })

  test("counts the compactions and advisers that its top level leaves out", () => {
    const spoken = assistant("m1", [181, 8, 0, 0])
    const iterations = [
      { type: "compaction", input_tokens: 100, cache_read_input_tokens: 55_096, output_tokens: 83 },
      { type: "message", input_tokens: 181, output_tokens: 8 },
    ]
    const usage = { ...spoken.message.usage, iterations }
    const line = { ...spoken, message: { ...spoken.message, usage } }
    expect(counted(readLive(claudeCodeMeter(), [line]))).toEqual([281, 91, 0, 55_096])
  })

  test("of a sub-agent is a call as any other, in both shapes it is printed in", () => {
    const inner = assistant("m3", [5, 1, 0, 0], { model: HAIKU })
    const data = { type: "agent_progress", agentId: "a1", message: inner }
    const readings = readLive(claudeCodeMeter(), [
      assistant("m1", [10, 1, 0, 0], { tools: ["task-1"] }),
      assistant("m2", [7, 1, 0, 0], { model: HAIKU, parent: "task-1" }),
      { type: "progress", data, parentToolUseID: "task-2" },
    ])
    expect(countedByModel(readings)).toEqual({ [OPUS]: [10, 1, 0, 0], [HAIKU]: [12, 2, 0, 0] })
  })

  test.each([
    [
      "a local error that looks like an answer",
      { ...assistant("m", [0, 0, 0, 0], { model: "<synthetic>" }) },
    ],
    ["a line of another kind", { type: "rate_limit_event", usage: { input_tokens: 1 } }],
    ["an answer without usage", { type: "assistant", message: { id: "m1", content: [] } }],
    ["a result without any count", { type: "result", subtype: "success" }],
  ])("%s is no call", (_, line) => {
    expect(readWhole([line])).toEqual([])
  })

  test("without an id of its own is known by its request", () => {
    const spoken = assistant("", [5, 1, 0, 0])
    const line = { ...spoken, request_id: "req_1" }
    expect(usages(readLive(claudeCodeMeter(), [line, line]))).toMatchObject([{ usageId: "req_1" }])
  })
})

describe("a result", () => {
  test("brings what was not seen: helper calls, and the output that was a placeholder", () => {
    const readings = readWhole([
      init(),
      assistant("m1", [10, 4, 6843, 17_098]),
      assistant("m2", [8, 2, 322, 23_941]),
      result(
        { [OPUS]: [18, 294, 7165, 41_039], [HAIKU]: [522, 13, 0, 0] },
        turnUsage([18, 294, 7165, 41_039]),
      ),
    ])
    expect(countedByModel(readings)).toEqual({
      [OPUS]: [18, 294, 7165, 41_039],
      [HAIKU]: [522, 13, 0, 0],
    })
    expect(usages(readings).filter(({ completes }) => !completes)).toHaveLength(2)
  })

  test("is read from modelUsage where its usage says zero", () => {
    const readings = readWhole([result({ "claude-opus-5[1m]": [2, 964, 4380, 18_774] })])
    expect(counted(readings)).toEqual([2, 964, 4380, 18_774])
  })

  test("of an older version, which gives the turn's usage alone, is of the model seen", () => {
    const turn = (usage: Counts) => ({ type: "result", session_id: "s", ...turnUsage(usage) })
    const readings = readWhole([
      assistant("m1", [10, 1, 0, 0]),
      turn([10, 20, 0, 0]),
      assistant("m2", [12, 1, 0, 0]),
      turn([12, 30, 0, 0]),
    ])
    expect(countedByModel(readings)).toEqual({ [OPUS]: [22, 50, 0, 0] })
  })

  test("names a model otherwise than its calls do, and is not counted beside them", () => {
    const readings = readWhole([
      assistant("m1", [10, 1, 0, 0], { model: "claude-opus-5-20260101" }),
      assistant("m2", [20, 1, 0, 0], { model: "sonnet-behind-a-gateway" }),
      assistant("m3", [5, 1, 0, 0], { model: "renamed" }),
      result(
        { "us.anthropic.claude-opus-5-v1:0[1m]": [10, 40, 0, 0], other: [25, 60, 0, 0] },
        turnUsage([35, 100, 0, 0]),
      ),
    ])
    expect(counted(readings)).toEqual([35, 100, 0, 0])
    expect(countedByModel(readings)["claude-opus-5-20260101"]).toEqual([10, 40, 0, 0])
  })

  test("repeated word for word is one, in whichever way it gives its account", () => {
    const counts: Counts = [10, 20, 0, 0]
    const total = result({ [OPUS]: counts }, { uuid: "line-1" })
    const turn = { type: "result", session_id: "s", uuid: "line-1", ...turnUsage(counts) }
    for (const account of [total, turn])
      expect(counted(readWhole([account, account]))).toEqual(counts)
  })

  test("that gives a model's proper name beside its own is matched by that", () => {
    const entry = { inputTokens: 10, outputTokens: 20, canonicalModel: OPUS }
    const readings = readWhole([
      assistant("m1", [10, 1, 0, 0]),
      result({}, { modelUsage: { other: { inputTokens: 10, outputTokens: 5 }, fast: entry } }),
    ])
    expect(countedByModel(readings)).toEqual({ [OPUS]: [10, 20, 0, 0], other: [10, 5, 0, 0] })
  })

  test("of an interrupted turn that holds the call nobody saw leaves nothing unknown", () => {
    const cut = { terminal_reason: "aborted_streaming", ...turnUsage([0, 0, 0, 0]) }
    const readings = readWhole([init(), result({ [OPUS]: [10, 2, 0, 0] }, cut)])
    expect(usages(readings)).toMatchObject([{ provenance: "reported" }])
    expect(counted(readings)).toEqual([10, 2, 0, 0])
  })

  test("with a count that cannot be is not counted, and the run ends as one that was cut", () => {
    const readings = readWhole([
      assistant("m1", [10, 1, 0, 0], { text: "x".repeat(400) }),
      result({ [OPUS]: [10, -3, 0, 0] }),
    ])
    expect(readings).toContainEqual({
      kind: "unreadable",
      why: "a line of Claude Code: modelUsage.outputTokens is -3, expected a whole number from 0 to 2^53 - 1",
    })
    expect(counted(readings)).toEqual([10, 100, 0, 0])
  })

  test("of nothing, after an error before the first answer, charges nothing", () => {
    const refused = result({}, { is_error: true, terminal_reason: "api_error" })
    expect(readWhole([init(), refused])).toEqual([])
  })
})

describe("several results in one stream", () => {
  const turns = (more: readonly object[] = [{}, {}, {}]): readonly object[] => [
    init(),
    assistant("m1", [100, 1, 0, 0]),
    result({ [OPUS]: [100, 10, 0, 0] }, { ...turnUsage([100, 10, 0, 0]), ...more[0] }),
    init(),
    assistant("m2", [150, 1, 0, 0]),
    result({ [OPUS]: [250, 25, 0, 0] }, { ...turnUsage([150, 15, 0, 0]), ...more[1] }),
    init(),
    assistant("m3", [150, 1, 0, 0]),
    result({ [OPUS]: [400, 40, 0, 0] }, { ...turnUsage([150, 15, 0, 0]), ...more[2] }),
  ]

  test("are running totals of one process: the last one is the sum", () => {
    expect(counted(readWhole(turns()))).toEqual([400, 40, 0, 0])
  })

  test("are believed where they say themselves what is new", () => {
    const since = (output: number) => ({
      model_usage_since_last_result: { [OPUS]: { inputTokens: 200, outputTokens: output } },
    })
    const readings = readWhole(turns([since(1), since(2), since(3)]))
    expect(counted(readings)).toEqual([600, 6, 0, 0])
  })

  test("of one process after another are added, whether the later spent less or more", () => {
    for (const second of [90, 5_000])
      expect(
        counted(
          readWhole([
            init("a"),
            assistant("m1", [100, 1, 0, 0]),
            result({ [OPUS]: [100, 10, 0, 0] }, { session_id: "a" }),
            init("b"),
            assistant("m2", [second, 1, 0, 0]),
            result({ [OPUS]: [second, 12, 0, 0] }, { session_id: "b" }),
          ]),
        ),
      ).toEqual([100 + second, 22, 0, 0])
  })

  test("of the same session gone on with by another process are added", () => {
    const one = (id: string, input: number) => [
      init(),
      assistant(id, [input, 1, 0, 0]),
      result({ [OPUS]: [input, 10, 0, 0], [HAIKU]: [9, 1, 0, 0] }, turnUsage([input, 10, 0, 0])),
    ]
    expect(counted(readWhole([...one("m1", 100), ...one("m2", 300)]))).toEqual([418, 22, 0, 0])
  })

  test("whose turns say zero are told apart by the calls that were seen", () => {
    const one = (id: string, input: number) => [
      assistant(id, [input, 1, 0, 0]),
      result({ [OPUS]: [input, 10, 0, 0] }),
    ]
    expect(counted(readWhole([...one("m1", 100), ...one("m2", 300)]))).toEqual([400, 20, 0, 0])
  })

  test("printed alone, as with `--output-format json`, are told apart by what their turn used", () => {
    const one = (input: number) =>
      result({ [OPUS]: [input, 10, 0, 0] }, turnUsage([input, 10, 0, 0]))
    expect(counted(readWhole([one(100), one(300)]))).toEqual([400, 20, 0, 0])
  })

  test("after a process that was cut count from the new one's beginning", () => {
    const readings = readWhole([
      init("a"),
      assistant("m1", [100, 1, 0, 0], { text: "x".repeat(80) }),
      init("b"),
      assistant("m2", [300, 1, 0, 0]),
      result({ [OPUS]: [300, 30, 0, 0] }, { session_id: "b" }),
    ])
    expect(counted(readings)).toEqual([400, 50, 0, 0])
  })

  test("after a process that was cut owe it nothing, however much is a helper's", () => {
    const readings = readWhole([
      init("a"),
      assistant("m1", [100, 1, 0, 0]),
      result({ [OPUS]: [100, 10, 0, 0] }, { session_id: "a" }),
      assistant("m2", [7, 1, 0, 0]),
      init("b"),
      assistant("m3", [60, 1, 0, 0]),
      result({ [OPUS]: [150, 30, 0, 0] }, { session_id: "b" }),
    ])
    expect(counted(readings)).toEqual([257, 42, 0, 0])
  })
})

describe("a run that is cut before its result", () => {
  test("keeps what was seen, and the call that was answering is unknown beyond that", () => {
    const readings = readWhole([init(), assistant("m1", [10, 2, 3, 4], { text: "x".repeat(48) })])
    expect(usages(readings)).toMatchObject([
      { usageId: "m1", provenance: "reported", usage: { inputTokens: 10, outputTokens: 2 } },
      { usageId: null, provenance: "unknown", completes: true, usage: { outputTokens: 10 } },
    ])
    expect(counted(readings)).toEqual([10, 12, 3, 4])
  })

  test("never charges zero for the call that was under way", () => {
    expect(readWhole([init()])).toMatchObject([
      { provenance: "unknown", usage: { outputTokens: 1 } },
    ])
    const started = { type: "message_start", message: assistant("m1", [9, 1, 0, 0]).message }
    const readings = readWhole([init(), { type: "stream_event", event: started }])
    expect(usages(readings)[1]).toMatchObject({ provenance: "unknown", usage: { outputTokens: 1 } })
  })

  test("estimates the output that earlier calls printed and nobody counted", () => {
    const readings = readWhole([
      init(),
      assistant("m1", [10, 1, 0, 0], { text: "x".repeat(400), tools: ["t1"] }),
      toolResult("t1"),
      assistant("m2", [20, 1, 0, 0], { text: "x".repeat(200) }),
    ])
    const estimated = usages(readings).filter(({ provenance }) => provenance === "estimated")
    expect(estimated).toMatchObject([
      { completes: true, usage: { inputTokens: 0, outputTokens: 99 } },
    ])
    expect(counted(readings)).toEqual([30, 150, 0, 0])
  })

  test("while a tool runs has no call sent: the next one goes out when the last tool answered", () => {
    const asked = [
      init(),
      assistant("m1", [10, 1, 0, 0], { tools: ["t1"] }),
      assistant("m1", [10, 1, 0, 0], { tools: ["t2"] }),
    ]
    const sent = (readings: Parameters<typeof counted>[0]) => counted(readings)[0]
    expect(sent(readWhole([...asked, toolResult("t1")]))).toBe(10)
    expect(sent(readWhole([...asked, toolResult("t2")]))).toBe(10)
    expect(sent(readWhole([...asked, toolResult("t1"), toolResult("t2")]))).toBe(20)
  })

  const end = (outputTokens: number) => ({
    type: "stream_event",
    event: { type: "message_delta", usage: { output_tokens: outputTokens } },
    parent_tool_use_id: null,
  })

  test("estimates nothing of a call whose true output was told", () => {
    const spoken = assistant("m1", [10, 1, 0, 0], { text: "x".repeat(4_000) })
    expect(counted(readWhole([init(), spoken, end(50)]))).toEqual([10, 50, 0, 0])
  })

  test("has a call sent when the tools answered before the end of the call that named them", () => {
    const spoken = assistant("m1", [10, 1, 0, 0], { tools: ["t1"] })
    const readings = readWhole([init(), spoken, toolResult("t1"), end(50)])
    expect(usages(readings).filter(({ provenance }) => provenance === "unknown")).toHaveLength(1)
  })

  test("remembers the session and its latest sub-agents, a thousand in all", () => {
    const meter = claudeCodeMeter()
    readLive(meter, [assistant("m", [1, 1, 0, 0], { model: HAIKU })])
    for (let agent = 0; agent < 1_500; agent += 1)
      readLive(meter, [assistant(`m${agent}`, [1, 1, 0, 0], { parent: `task-${agent}` })])
    const charges = usages(meter.end())
    expect(charges).toHaveLength(1_000)
    expect(charges.filter(({ model }) => model === HAIKU)).toHaveLength(1)
  })

  test("charges each sub-agent's call under way, and none of one that has ended", () => {
    const running = [
      init(),
      assistant("m1", [100, 1, 0, 0], { tools: ["task-1", "task-2"] }),
      assistant("m2", [20, 1, 0, 0], { parent: "task-1", tools: ["t1"] }),
      assistant("m3", [30, 1, 0, 0], { parent: "task-2", tools: ["t2"] }),
      toolResult("t1", "task-1"),
      toolResult("t2", "task-2"),
    ]
    expect(counted(readWhole(running))[0]).toBe(150 + 20 + 30)
    expect(counted(readWhole([...running, toolResult("task-1")]))[0]).toBe(150 + 30)
  })

  test("charges only what was printed since the last result", () => {
    const settled = [
      init(),
      assistant("m1", [10, 1, 0, 0], { text: "x".repeat(4_000) }),
      result({ [OPUS]: [10, 900, 0, 0] }, turnUsage([10, 900, 0, 0])),
    ]
    expect(counted(readWhole(settled))).toEqual([10, 900, 0, 0])
    expect(counted(readWhole([...settled, init()]))).toEqual([20, 901, 0, 0])
  })

  test("charges once, however often its end is told", () => {
    const meter = claudeCodeMeter()
    readLive(meter, [init(), assistant("m1", [10, 1, 0, 0])])
    expect(meter.end()).toHaveLength(1)
    expect(meter.end()).toEqual([])
  })
})

test("only the first word about a call is news: all else completes", () => {
  const lines = [...linesOf("two-turns"), ...linesOf("partial-messages"), ...linesOf("terminated")]
  const meter = claudeCodeMeter()
  const seen = new Set<string>()
  for (const reading of usages([...lines.flatMap((line) => meter.read(line)), ...meter.end()])) {
    expect(reading.completes).toBe(reading.usageId === null || seen.has(reading.usageId))
    if (reading.usageId !== null) seen.add(reading.usageId)
  }
  expect(seen.size).toBeGreaterThan(2)
})

test("an id is kept for thousands of calls, so a late line about one is no new call; not for ever", () => {
  const meter = claudeCodeMeter()
  const calls = (from: number, to: number) => {
    for (let call = from; call < to; call += 1)
      readLive(meter, [assistant(`m${call}`, [1, 1, 0, 0])])
  }
  calls(0, 3_000)
  expect(readLive(meter, [assistant("m0", [1, 1, 0, 0])])).toEqual([])
  calls(3_000, 9_000)
  expect(readLive(meter, [assistant("m0", [1, 1, 0, 0])])).toHaveLength(1)
})

test("a tool's input nested a hundred thousand deep is measured, not walked into the ground", () => {
  const deep = `${'{"a":'.repeat(100_000)}"x"${"}".repeat(100_000)}`
  const line = JSON.stringify(assistant("m1", [1, 1, 0, 0], { tools: ["t1"] }))
  const readings = claudeCodeMeter().read(line.replace('"input":{}', `"input":${deep}`))
  expect(counted(readings)).toEqual([1, 1, 0, 0])
})

describe("whatever is printed", () => {
  const amount = fc.nat({ max: 5_000 })
  const usage = fc.tuple(amount, amount, amount, amount)
  const call = fc.record({
    model: fc.constantFrom(OPUS, HAIKU),
    seen: usage,
    more: usage,
    lines: fc.integer({ min: 0, max: 3 }),
  })
  const sumInto = (sums: Map<string, Counts>, model: string, counts: Counts): void => {
    const [a, b, c, d] = sums.get(model) ?? [0, 0, 0, 0]
    sums.set(model, [a + counts[0], b + counts[1], c + counts[2], d + counts[3]])
  }

  test("property: the sum is the last result's account, model by model, when none was cut", () => {
    fc.assert(
      fc.property(
        fc.array(fc.array(call, { minLength: 1, maxLength: 6 }), { maxLength: 5 }),
        (turns) => {
          const account = new Map<string, Counts>()
          const lines: object[] = []
          turns.forEach((calls, turn) => {
            const since = new Map<string, Counts>()
            lines.push(init())
            calls.forEach(({ model, seen, more, lines: times }, index) => {
              const spoken = assistant(`m${turn}.${index}`, seen, { model })
              for (let line = 0; line < times; line += 1) lines.push(spoken)
              // Of a call that was not seen, a helper's, the account tells just the same.
              const all: Counts = [seen[0], seen[1] + more[1], seen[2], seen[3]]
              sumInto(account, model, all)
              sumInto(since, model, all)
            })
            const turnSum = [...since.values()].reduce<Counts>(
              (sum, counts) => [
                sum[0] + counts[0],
                sum[1] + counts[1],
                sum[2] + counts[2],
                sum[3] + counts[3],
              ],
              [0, 0, 0, 0],
            )
            lines.push(
              result(Object.fromEntries(account), { ...turnUsage(turnSum), uuid: `r${turn}` }),
            )
          })
          const told = countedByModel(readWhole(lines))
          for (const [model, counts] of account) expect(told[model] ?? [0, 0, 0, 0]).toEqual(counts)
        },
      ),
      { numRuns: 500 },
    )
  })

  test("property: no line makes it throw or count what is no count", () => {
    const shapes = fc.constantFrom(
      "system",
      "assistant",
      "user",
      "result",
      "stream_event",
      "progress",
    )
    const anything = fc.record(
      {
        type: shapes,
        subtype: fc.constantFrom("init", "success"),
        message: fc.oneof(
          fc.jsonValue(),
          fc.record({ id: fc.jsonValue(), usage: fc.jsonValue(), content: fc.jsonValue() }),
        ),
        event: fc.oneof(
          fc.jsonValue(),
          fc.record({
            type: fc.constantFrom("message_start", "message_delta"),
            usage: fc.jsonValue(),
            message: fc.jsonValue(),
          }),
        ),
        data: fc.jsonValue(),
        usage: fc.oneof(fc.jsonValue(), fc.record({ input_tokens: fc.jsonValue() })),
        modelUsage: fc.oneof(fc.jsonValue(), fc.dictionary(fc.string(), fc.jsonValue())),
        session_id: fc.jsonValue(),
      },
      { requiredKeys: ["type"] },
    )
    fc.assert(
      fc.property(fc.array(anything, { maxLength: 12 }), (lines) => {
        for (const { usage: told } of usages(readWhole(lines)))
          for (const count of Object.values(told))
            expect(Number.isSafeInteger(count) && count >= 0).toBe(true)
      }),
      { numRuns: 1_000 },
    )
  })
})
