import fc from "fast-check"
import { expect, test } from "vitest"
import { splitRecord } from "../../src/replay/csv-record.ts"
import { type CsvRow, UsageCsv } from "../../src/replay/usage-csv.ts"

const rowsOf = (text: string): readonly CsvRow[] => {
  const csv = new UsageCsv()
  const rows = text
    .split("\n")
    .flatMap((line, index) => csv.push({ number: index + 1, bytes: Buffer.from(line) }))
  return [...rows, ...csv.end()]
}

/** `agent:input` of each call, `line:why` of each damaged one. */
const toldOf = (rows: readonly CsvRow[]): readonly string[] =>
  rows.map(({ line, read }) =>
    typeof read === "string"
      ? `${line}: ${read}`
      : `${line}: ${read.agentId} ${read.usage.inputTokens}`,
  )

const HEADER = "at,agentId,inputTokens"
const T = "2026-03-01T10:00:00Z"

test("a record that was quoted by RFC 4180 is read back as it was", () => {
  const field = fc.string({ unit: fc.constantFrom("a", '"', ",", "\n", " ", "é"), maxLength: 8 })
  fc.assert(
    fc.property(fc.array(field, { minLength: 1, maxLength: 5 }), (fields) => {
      const quoted = fields.map((value) => `"${value.replaceAll('"', '""')}"`).join(",")
      expect(splitRecord(quoted)).toEqual({ kind: "record", fields })
    }),
  )
})

test("a quoted field may hold commas, quotes and line ends", () => {
  expect(toldOf(rowsOf(`${HEADER}\n${T},"a ""b"", c\nd",5\n${T},e,6`))).toEqual([
    '2: a "b", c\nd 5',
    "4: e 6",
  ])
})

test("a damaged line costs that line alone", () => {
  const lines = [
    HEADER,
    `${T},a,1`,
    `${T},"b"x,2`,
    `${T},c"c,3`,
    `${T},"d,4`,
    `${T},e,5`,
    `${T},f,-6`,
    `${T},g,7,8`,
    `,h,8`,
    `${T},,9`,
    `${T},i,10`,
  ]
  expect(toldOf(rowsOf(lines.join("\n")))).toEqual([
    "2: a 1",
    "3: text after a closing quote (column 25)",
    "4: a quote inside an unquoted field (column 22)",
    "5: a quoted field never closes",
    "6: e 5",
    '7: inputTokens is "-6", expected a whole number from 0 to 2^53 - 1',
    "8: 4 fields under 3 columns",
    '9: at is "", expected a time, ISO 8601 or milliseconds since 1970',
    '10: agentId is "", expected a name of 1 to 240 characters',
    "11: i 10",
  ])
})

test("a stray quote does not swallow the row whose quoted field it seems to end at", () => {
  const lines = [HEADER, `${T},"a,1`, `${T},b,2`, `${T},"c",3`, `${T},d,4`]
  expect(toldOf(rowsOf(lines.join("\n")))).toEqual([
    "2: a quoted field never closes",
    "3: b 2",
    "4: c 3",
    "5: d 4",
  ])
})

test("a stray quote is noticed after a million characters, not kept without bound", () => {
  const csv = new UsageCsv()
  const push = (number: number, text: string) => csv.push({ number, bytes: Buffer.from(text) })
  push(1, HEADER)
  expect(push(2, `${T},"x,1`)).toEqual([])
  expect(push(3, `${T},a,${"2".repeat(999_000)}`)).toEqual([])
  expect(push(4, `${T},b,${"3".repeat(2_000)}`)[0]).toMatchObject({
    line: 2,
    read: "a quoted field never closes",
  })
})

test("a stray quote is noticed after a hundred lines, not at the end of the file", () => {
  const csv = new UsageCsv()
  const push = (number: number, text: string) => csv.push({ number, bytes: Buffer.from(text) })
  push(1, HEADER)
  push(2, `${T},"x,1`)
  const rows: CsvRow[] = []
  let line = 2
  while (rows.length === 0 && line < 1_000) rows.push(...push(++line, `${T},a,${line}`))
  expect(line).toBe(102)
  expect(rows[0]?.read).toBe("a quoted field never closes")
  expect(rows).toHaveLength(101)
})

test("columns may stand in any order, and others between them", () => {
  const text = `note, outputTokens ,agentId,at,taskId,id,model,cacheReadTokens\nx,3,a,${T},t,1,m,4`
  expect(rowsOf(text)).toEqual([
    {
      line: 2,
      read: {
        at: Date.parse(T),
        agentId: "a",
        taskId: "t",
        callId: JSON.stringify({ agentId: "a", id: "1" }),
        model: "m",
        usage: { inputTokens: 0, outputTokens: 3, cacheWriteTokens: 0, cacheReadTokens: 4 },
      },
    },
  ])
})

test("a row shorter than the header has nothing in the columns it lacks", () => {
  expect(toldOf(rowsOf(`agentId,at,inputTokens\na,${T}`))).toEqual(["2: a 0"])
})

test.each([
  ["agentId,inputTokens", "at"],
  ["at,inputTokens", "agentId"],
  ["at,agentId", "counts"],
  ["at,at,agentId,inputTokens", "each once"],
  ["at;agentId;inputTokens", "semicolons"],
])("a header %j is refused for its %s and shown", (header) => {
  expect(() => rowsOf(`${header}\n`)).toThrow(`the header is ${JSON.stringify(header)}`)
})
