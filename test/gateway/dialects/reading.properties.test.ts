/** What holds of every body: no throw, one cap in and the same cap out, the rest as it was. */
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { REQUEST_SIDES } from "../../../src/gateway/dialects/all.ts"
import type { DialectName, Json } from "../../../src/gateway/dialects/dialect.ts"
import { spansOf } from "../../../src/gateway/dialects/request/json-spans.ts"
import { bytesOf, callOf, DIALECTS, PATHS, PLAIN, readAs } from "./requests.ts"

const KEYS = [
  ...["model", "max_tokens", "max_completion_tokens", "max_output_tokens", "stream", "n", "tools"],
  ...["stream_options", "include_usage", "generationConfig", "generation_config", "thinking"],
  ...["maxOutputTokens", "max_output_tokens", "messages", "contents", "parts", "input", "prompt"],
  ...["content", "type", "role", "system", "best_of", "candidateCount", "requests", "__proto__"],
]
const WORDS = ["text", "image", "tool_result", "document", "item_reference", "reasoning", "m", ""]

const anyKey = fc.oneof(fc.constantFrom(...KEYS), fc.string({ unit: "binary", maxLength: 6 }))
const anyValue = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 5 },
    fc.oneof(
      fc.constantFrom(null, true, false, 0, 1, 100, 1.5, -1, 2 ** 53, 1e300),
      fc.string({ unit: "binary" }),
      fc.constantFrom(...WORDS),
    ),
    fc.array(tie("value"), { maxLength: 4 }),
    fc.dictionary(anyKey, tie("value"), { maxKeys: 6, noNullPrototype: true }),
  ),
})).value
const anyObject = fc.dictionary(anyKey, anyValue, { maxKeys: 10, noNullPrototype: true })
const anySpacing = fc.constantFrom<(number | string)[]>(0, 1, "\t", "\r\n  ".slice(2))
const anyDialect = fc.constantFrom(...DIALECTS)

/** A plain call of a dialect among other members, in any order and spacing. */
const anyPlacement = (dialect: DialectName) =>
  fc
    .tuple(
      fc.dictionary(fc.stringMatching(/^x_[a-z"\\]{1,8}$/), anyValue, { maxKeys: 5 }),
      fc.shuffledSubarray(Object.keys(PLAIN[dialect]), {
        minLength: Object.keys(PLAIN[dialect]).length,
      }),
      fc.nat({ max: 5 }),
      anySpacing,
    )
    .map(([others, order, after, spacing]) => {
      const names = [...order.slice(0, after), ...Object.keys(others), ...order.slice(after)]
      const body: Json = { ...others, ...PLAIN[dialect] }
      return JSON.stringify(
        Object.fromEntries(names.map((name) => [name, body[name]])),
        null,
        spacing,
      )
    })

describe("reading", () => {
  it("never throws, whatever the bytes", () => {
    fc.assert(
      fc.property(anyDialect, fc.uint8Array({ maxLength: 200 }), (dialect, bytes) => {
        REQUEST_SIDES[dialect].read(Buffer.from(bytes), PATHS[dialect])
      }),
      { numRuns: 500 },
    )
  })

  it("never throws on bytes that are almost JSON", () => {
    fc.assert(
      fc.property(
        anyDialect,
        anyObject,
        fc.nat(),
        fc.constantFrom("", '"', "\\", "{", "}", "]", ":", ",", "0"),
        (dialect, value, place, inserted) => {
          const text = JSON.stringify(value)
          const at = place % (text.length + 1)
          readAs(dialect, `${text.slice(0, at)}${inserted}${text.slice(at + 1)}`)
        },
      ),
      { numRuns: 500 },
    )
  })

  it("never throws on JSON of any kind, and bounds what it reads", () => {
    fc.assert(
      fc.property(anyDialect, anyObject, (dialect, value) => {
        const body = { ...PLAIN[dialect], ...value }
        const read = readAs(dialect, body)
        if ("malformed" in read) return
        expect(Number.isSafeInteger(read.answers) && read.answers >= 1).toBe(true)
        expect(read.inputBoundTokens).toBeGreaterThan(bytesOf(body).length)
        expect(read.outputCap === null || Number.isSafeInteger(read.outputCap)).toBe(true)
      }),
      { numRuns: 500 },
    )
  })
})

describe("the places of members", () => {
  it("hold what a parser finds under their names", () => {
    fc.assert(
      fc.property(anyObject, anySpacing, (value, spacing) => {
        const bytes = bytesOf(JSON.stringify(value, null, spacing))
        const parsed: Json = JSON.parse(bytes.toString("utf8"))
        const { members, repeated } = spansOf(bytes.toString("latin1"), 0)
        expect([...members.keys()].sort()).toEqual(Object.keys(parsed).sort())
        for (const [name, { start, end }] of members)
          expect(JSON.parse(bytes.subarray(start, end).toString("utf8"))).toEqual(parsed[name])
        expect(repeated).toBeNull()
      }),
      { numRuns: 500 },
    )
  })
})

/** The parts of `before` that `after` kept at both ends cover all of it but at most `lost`. */
const isSpliced = (before: Buffer, after: Buffer, lost: number): boolean => {
  const least = Math.min(before.length, after.length)
  let head = 0
  while (head < least && before[head] === after[head]) head++
  let tail = 0
  while (tail < least && before.at(-1 - tail) === after.at(-1 - tail)) tail++
  return head + tail >= before.length - lost
}

describe("a cap put in", () => {
  it.each(DIALECTS)("is read again from %s, and no other byte has changed", (dialect) => {
    fc.assert(
      fc.property(
        anyPlacement(dialect),
        fc.oneof(fc.nat({ max: 40_000 }), fc.constantFrom(0, 1, Number.MAX_SAFE_INTEGER)),
        (text, cap) => {
          const before = callOf(dialect, text)
          const bytes = bytesOf(text)
          const change = { outputCap: cap, askUsage: false, note: null }
          const after = REQUEST_SIDES[dialect].rewrite(bytes, change)
          const read = callOf(dialect, after)
          const expected = before.hasOutput ? Math.min(cap, before.outputCap ?? cap) : null
          expect(read.outputCap).toBe(expected)
          expect(isSpliced(bytes, after, "32000".length)).toBe(true)
          const same = { ...read, outputCap: before.outputCap }
          const { inputBoundTokens } = before
          expect({ ...same, inputBoundTokens }).toEqual(before)
        },
      ),
      { numRuns: 100 },
    )
  })

  it("goes with a note and the asking for usage, and all three are JSON", () => {
    fc.assert(
      fc.property(
        anyDialect.chain((dialect) => fc.tuple(fc.constant(dialect), anyPlacement(dialect))),
        fc.nat(),
        fc.string({ unit: "binary" }),
        ([dialect, text], outputCap, note) => {
          const change = { outputCap, askUsage: true, note }
          const after = REQUEST_SIDES[dialect].rewrite(bytesOf(text), change)
          const before = callOf(dialect, text)
          const read = callOf(dialect, after)
          expect(read.model).toBe(before.model)
          expect(read.unboundable).toEqual(before.unboundable)
          const again = REQUEST_SIDES[dialect].rewrite(after, { ...change, note: null })
          expect(again).toBe(after)
        },
      ),
      { numRuns: 150 },
    )
  })
})
