/** The elements of a JSON list as they come, wherever its bytes are cut. */
import fc from "fast-check"
import { expect, it } from "vitest"
import { JsonListReader } from "../../src/gateway/json-list-reader.ts"
import { byteByByte, cutAt } from "./sse/reference.ts"

/** Their texts: what is parsed of them could hide a byte too many. */
const elementsOf = (chunks: readonly Buffer[], maxBytes?: number): readonly string[] => {
  const elements: string[] = []
  const reader = new JsonListReader((element) => {
    elements.push(element.toString("utf8"))
  }, maxBytes)
  for (const chunk of chunks) reader.push(chunk)
  return elements
}

const element = fc.oneof(
  fc.dictionary(fc.string(), fc.jsonValue()),
  fc.dictionary(fc.constantFrom('"', "\\", "]}", "[{", 'é\\"'), fc.constantFrom('\\"', "[", "}]")),
)

it("gives the elements of any list, cut anywhere", () => {
  fc.assert(
    fc.property(
      fc.array(element, { maxLength: 5 }),
      fc.constantFrom(undefined, 2),
      fc.array(fc.nat(), { maxLength: 8 }),
      (list, indent, places) => {
        const expected = list.map((one) => JSON.stringify(one, null, indent))
        const bytes = Buffer.from(`\n[${expected.join("\n,\r\n")}]`)
        expect(elementsOf([bytes])).toEqual(expected)
        expect(elementsOf(byteByByte(bytes))).toEqual(expected)
        const within = places.map((place) => place % (bytes.length + 1))
        expect(elementsOf(cutAt(bytes, within))).toEqual(expected)
      },
    ),
  )
})

it("gives an element before the list has ended", () => {
  expect(elementsOf([Buffer.from('[{"a":1}\n,\r\n{"b":')])).toEqual(['{"a":1}'])
})

it("passes an element by that is too long, and gives the next one", () => {
  const bytes = Buffer.from(`[{"a":"${"x".repeat(50)}"},{"b":2}]`)
  expect(elementsOf([bytes], 32)).toEqual(['{"b":2}'])
  expect(elementsOf(byteByByte(bytes), 32)).toEqual(['{"b":2}'])
})
