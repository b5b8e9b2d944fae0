import fc from "fast-check"
import { expect, test } from "vitest"
import { stintMeter } from "../../src/meters/stint.ts"
import { readAll } from "./printed.ts"

const read = (line: string) => readAll(stintMeter(), [Buffer.from(`${line}\n`)])
const line = (fields: object): string => JSON.stringify({ type: "stint.usage", ...fields })

test("a line is one call, with the counts it names and zero for the others", () => {
  const text =
    '{"type":"stint.usage","id":"unique","inputTokens":1200,"outputTokens":340,"cacheReadTokens":7,"model":"m"}'
  expect(read(text)).toEqual([
    {
      kind: "usage",
      usageId: "unique",
      usage: { inputTokens: 1200, outputTokens: 340, cacheWriteTokens: 0, cacheReadTokens: 7 },
      model: "m",
      provenance: "reported",
      completes: false,
    },
  ])
})

test("a line without an id is a call of its own", () => {
  expect(read(line({ outputTokens: 1 }))).toMatchObject([{ usageId: null, model: null }])
})

test("a program may say that its count is an estimate", () => {
  expect(read(line({ outputTokens: 1, provenance: "estimated" }))).toMatchObject([
    { provenance: "estimated" },
  ])
})

test("a line that `stint replay` reads from a file is counted when it is printed", () => {
  const replayable = { at: "2026-03-01T10:00:00Z", agentId: "a", taskId: "t", inputTokens: 3 }
  expect(read(line(replayable))).toMatchObject([{ usage: { inputTokens: 3 } }])
})

const AMOUNT = "expected a whole number from 0 to 2^53 - 1"

test.each([
  [line({ inputTokens: -1 }), `inputTokens is -1, ${AMOUNT}`],
  [line({ outputTokens: 0.5 }), `outputTokens is 0.5, ${AMOUNT}`],
  [line({ cacheReadTokens: 2 ** 53 }), `cacheReadTokens is 9007199254740992, ${AMOUNT}`],
  ['{"type":"stint.usage","inputTokens":1e999}', `inputTokens is Infinity, ${AMOUNT}`],
  [line({ cacheWriteTokens: "12" }), `cacheWriteTokens is "12", ${AMOUNT}`],
  [line({ inputTokens: { a: "secret" } }), `inputTokens is an object, ${AMOUNT}`],
  [line({ inputTokens: [1] }), `inputTokens is a list, ${AMOUNT}`],
  [line({ inputTokens: true }), `inputTokens is true, ${AMOUNT}`],
  [line({ input_tokens: 1 }), '"input_tokens" is no key of it, expected type, id, inputTokens'],
  [line({ inputTokens: 1, extra: 1 }), '"extra" is no key of it'],
  [line({}), "no count is given, expected one of inputTokens"],
  [line({ id: "a", model: "m" }), "no count is given"],
  [line({ inputTokens: null }), "no count is given"],
  [line({ inputTokens: 1, id: "" }), 'id is "", expected a text of 1 to 256 characters'],
  [line({ inputTokens: 1, id: 7 }), "id is 7, expected a text"],
  [line({ inputTokens: 1, id: "x".repeat(257) }), "expected a text of 1 to 256 characters"],
  [line({ inputTokens: 1, model: 1 }), "model is 1, expected a text"],
  [line({ inputTokens: 1, provenance: "sure" }), 'provenance is "sure", expected one of reported'],
  ['{"type":"stint.usage","inputTokens":NaN}', "no JSON: inputTokens is NaN, expected a whole"],
  ['{"inputTokens":-Infinity, "type": "stint.usage"}', "no JSON: inputTokens is -Infinity"],
  ['{"type":"stint.usage","inputTokens":12', "no JSON"],
])("%s is never recorded, and told why", (text, why) => {
  const readings = read(text)
  expect(readings).toMatchObject([{ kind: "unreadable" }])
  expect(readings).toMatchObject([{ why: expect.stringContaining(why) }])
})

test("the largest whole number and an id of 256 characters are counted", () => {
  const id = "x".repeat(256)
  expect(read(line({ id, inputTokens: 2 ** 53 - 1 }))).toMatchObject([
    { usageId: id, usage: { inputTokens: 2 ** 53 - 1 } },
  ])
})

test.each([
  'we print stint.usage lines {"type":"stint.usage"}',
  '{"type":"log","text":"{\\"type\\":\\"stint.usage\\",\\"inputTokens\\":1}"}',
  '{"type":"stint.usage.summary","inputTokens":1}',
  '["stint.usage"]',
  '{"note":"stint.usage is printed below"',
  '{"message":{"type":"stint.usage","inputTokens":1}}',
  "{",
  "",
])("%s is the child's own text", (text) => {
  expect(read(text)).toEqual([])
})

test("property: whatever follows the type, a reading is whole or there is none", () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (fields) => {
      for (const reading of read(line(fields)))
        if (reading.kind === "usage")
          for (const count of Object.values(reading.usage))
            expect(Number.isSafeInteger(count) && count >= 0).toBe(true)
    }),
  )
})
