import fc from "fast-check"
import { expect, test } from "vitest"
import { readLines } from "../../src/replay/lines.ts"

const linesOf = async (chunks: readonly Buffer[], maxBytes?: number) => {
  const lines: (string | null)[] = []
  const stream = (async function* () {
    yield* chunks
  })()
  for await (const batch of readLines(stream, maxBytes))
    for (const { number, bytes } of batch) {
      expect(number).toBe(lines.length + 1)
      lines.push(bytes === null ? null : bytes.toString())
    }
  return lines
}

const cut = (text: string, every: number): readonly Buffer[] => {
  const bytes = Buffer.from(text)
  return Array.from({ length: Math.ceil(bytes.length / every) }, (_, index) =>
    bytes.subarray(index * every, (index + 1) * every),
  )
}

test("lines come out whole wherever the chunks are cut", async () => {
  const text = fc.string({ unit: fc.constantFrom("a", "ü", "\n", "\r\n", "{", '"'), maxLength: 60 })
  await fc.assert(
    fc.asyncProperty(text, fc.integer({ min: 1, max: 70 }), async (given, every) => {
      const expected = given.split("\n").map((line) => line.replace(/\r$/, ""))
      if (expected.at(-1) === "" && !given.endsWith("\r")) expected.pop()
      expect(await linesOf(cut(given, every))).toEqual(expected)
    }),
  )
})

test("the byte order mark of a file is dropped, in the first line only", async () => {
  expect(await linesOf(cut("\ufeffa\n\ufeffb", 2))).toEqual(["a", "\ufeffb"])
})

test("a line that is too long is told by its number and does not hide the next one", async () => {
  expect(await linesOf(cut(`ab\n${"x".repeat(50)}\ncd`, 7), 49)).toEqual(["ab", null, "cd"])
  expect(await linesOf(cut(`ab\n${"x".repeat(49)}\ncd`, 7), 49)).toEqual([
    "ab",
    "x".repeat(49),
    "cd",
  ])
})

test("a reader may use its buffer again for the next chunk", async () => {
  const buffer = Buffer.from("one\ntw")
  const lines: string[] = []
  const stream = (async function* () {
    yield buffer
    buffer.write("o\nxyz\n")
    yield buffer
  })()
  for await (const batch of readLines(stream))
    lines.push(...batch.map(({ bytes }) => bytes?.toString() ?? ""))
  expect(lines).toEqual(["one", "two", "xyz"])
})

test("an empty stream has no lines", async () => {
  expect(await linesOf([])).toEqual([])
})
