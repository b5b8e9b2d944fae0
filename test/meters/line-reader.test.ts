import fc from "fast-check"
import { expect, test } from "vitest"
import { LINE_BYTES_MAX, LineReader } from "../../src/meters/line-reader.ts"

const linesOf = (chunks: readonly Buffer[], maxBytes?: number): readonly string[] => {
  const lines: string[] = []
  const reader = new LineReader((line) => lines.push(line.toString("utf8")), maxBytes)
  for (const chunk of chunks) reader.push(chunk)
  reader.end()
  return lines
}

const bytes = (text: string): Buffer => Buffer.from(text, "utf8")

/** The same, the slow and obvious way. */
const expected = (all: Buffer, maxBytes: number): readonly string[] =>
  all
    .toString("latin1")
    .split("\n")
    .map((line) => line.replace(/^[ \t\xef\xbb\xbf]*/, ""))
    .filter((line) => line.startsWith("{") && line.length <= maxBytes)
    .map((line) => Buffer.from(line.replace(/\r$/, ""), "latin1").toString("utf8"))

test("only lines that open with a brace are told of, without their ends", () => {
  expect(linesOf([bytes('text {"a":1}\n{"b":2}\r\n\n  \t{"c":3}\n[{}]\n{"d":4}')])).toEqual([
    '{"b":2}',
    '{"c":3}',
    '{"d":4}',
  ])
})

test("a byte order mark before the first line is no part of it", () => {
  expect(linesOf([bytes('\ufeff{"a":1}\n')])).toEqual(['{"a":1}'])
})

test("a character cut in two by the end of a chunk is whole again", () => {
  const all = bytes('{"name":"héé → 🜁"}\n')
  for (let cut = 0; cut <= all.length; cut += 1)
    expect(linesOf([all.subarray(0, cut), all.subarray(cut)])).toEqual(['{"name":"héé → 🜁"}'])
})

test("a small stream gives the same lines wherever it is cut in two or three", () => {
  const all = bytes(' x\n{"a":"ü"}\r\n\t {b}\n\n{c')
  const whole = linesOf([all])
  expect(whole).toEqual(['{"a":"ü"}', "{b}", "{c"])
  for (let first = 0; first <= all.length; first += 1)
    for (let second = first; second <= all.length; second += 1)
      expect(
        linesOf([all.subarray(0, first), all.subarray(first, second), all.subarray(second)]),
      ).toEqual(whole)
})

const piece = fc.constantFrom(
  "{",
  "}",
  "\n",
  "\r\n",
  " ",
  "\t",
  "x",
  "ü",
  "\ufeff",
  '{"a":1}',
  "{{",
)

test("property: however a stream is split, the lines are those of the obvious reading", () => {
  fc.assert(
    fc.property(
      fc.array(piece, { maxLength: 60 }),
      fc.array(fc.nat({ max: 120 }), { maxLength: 12 }),
      fc.integer({ min: 1, max: 12 }),
      (pieces, cuts, maxBytes) => {
        const all = bytes(pieces.join(""))
        const chunks = split(all, cuts)
        const before = Buffer.from(all)
        expect(linesOf(chunks, maxBytes)).toEqual(expected(all, maxBytes))
        expect(all.equals(before)).toBe(true)
      },
    ),
    { numRuns: 2_000 },
  )
})

test("property: of lines that hold a mark none is left out with the chunks that hold none", () => {
  const lines = fc.array(fc.oneof(piece, fc.constantFrom("\n", "!", '{"a":"!"}\n', "{}\n")), {
    maxLength: 60,
  })
  const told = fc.property(
    lines,
    fc.array(fc.nat({ max: 200 }), { maxLength: 12 }),
    (all, cuts) => {
      const text = bytes(all.join(""))
      const marked: string[] = []
      let unmarked = 0
      const reader = new LineReader(
        (line) => {
          if (line.includes("!")) marked.push(line.toString("utf8"))
          else unmarked += 1
        },
        LINE_BYTES_MAX,
        (chunk) => chunk.includes("!"),
      )
      for (const chunk of split(text, cuts)) reader.push(chunk)
      reader.end()
      const obvious = expected(text, LINE_BYTES_MAX)
      expect(marked).toEqual(obvious.filter((line) => line.includes("!")))
      expect(unmarked).toBeLessThanOrEqual(obvious.length - marked.length)
    },
  )
  fc.assert(told, { numRuns: 2_000 })
})

test("a chunk that holds no mark is passed without a look at its lines", () => {
  const told: string[] = []
  const reader = new LineReader(
    (line) => told.push(line.toString("utf8")),
    LINE_BYTES_MAX,
    (chunk) => chunk.includes("!"),
  )
  for (const chunk of ['{"a":1}\n{"b":2}\n{"c":', '3}\n{"d":4}\n', '{"e":"!"}\n{"f":5}\n'])
    reader.push(bytes(chunk))
  reader.end()
  expect(told).toEqual(['{"c":3}', '{"e":"!"}', '{"f":5}'])
})

const split = (all: Buffer, cuts: readonly number[]): readonly Buffer[] => {
  const at = [0, ...cuts.map((cut) => Math.min(cut, all.length)), all.length].sort((a, b) => a - b)
  return at.slice(1).map((end, index) => all.subarray(at[index], end))
}

test("a line as long as the bound is told of, one byte more is not", () => {
  const line = (length: number): Buffer => bytes(`{${"x".repeat(length - 1)}\n{}\n`)
  expect(linesOf([line(LINE_BYTES_MAX)]).length).toBe(2)
  expect(linesOf([line(LINE_BYTES_MAX + 1)])).toEqual(["{}"])
})

test("of ten million bytes without a line end no more than the bound is kept", () => {
  const reader = new LineReader(() => {})
  reader.push(bytes("{"))
  const chunk = Buffer.alloc(64 * 1024, "x")
  const before = process.memoryUsage().arrayBuffers
  let most = 0
  for (let times = 0; times < 160; times += 1) {
    reader.push(chunk)
    most = Math.max(most, process.memoryUsage().arrayBuffers - before)
  }
  expect(most).toBeLessThan(8 * LINE_BYTES_MAX)
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(8 * LINE_BYTES_MAX)
})

test("after a line that was too long the next one is told of", () => {
  const long = Array.from({ length: 40 }, () => Buffer.alloc(64 * 1024, "{"))
  expect(linesOf([...long, bytes('\n{"a":1}\n')])).toEqual(['{"a":1}'])
})

test("a chunk's memory may be used again as soon as it was read", () => {
  const lines: string[] = []
  const reader = new LineReader((line) => lines.push(line.toString("utf8")))
  const pooled = bytes('{"a":')
  reader.push(pooled)
  pooled.fill("?")
  reader.push(bytes("1}\n"))
  expect(lines).toEqual(['{"a":1}'])
})
