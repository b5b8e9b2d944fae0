/** One test for each row of the documented table, driven from the table: a row without one fails. */
import { describe, expect, it } from "vitest"
import { REQUEST_APIS } from "../../../src/gateway/dialects/all.ts"
import type { DialectName, Json } from "../../../src/gateway/dialects/dialect.ts"
import { openBody } from "../../../src/gateway/dialects/request/body.ts"
import { fieldsOf } from "../../../src/gateway/dialects/request/fields.ts"
import { EXAMPLES, type Example } from "./call-bounds.table.ts"
import { bytesOf, callOf, PATHS, PLAIN } from "./requests.ts"

const ROWS = REQUEST_APIS.flatMap(({ dialect, known, rules }) =>
  rules.map((rule) => ({ dialect, known, rule, name: `${dialect}/${rule.rule}` })),
)

const withExample = (dialect: DialectName, { body }: Example): Json => ({
  ...PLAIN[dialect],
  ...body,
})

const pathOf = (dialect: DialectName, { model }: Example) =>
  model === undefined ? PATHS[dialect] : { ...PATHS[dialect], model }

describe("the table of what bounds a call", () => {
  it("has an example for each of its rows, and for no other", () => {
    expect(Object.keys(EXAMPLES).sort()).toEqual(ROWS.map(({ name }) => name).sort())
  })

  it.each(REQUEST_APIS.map(({ dialect }) => dialect))("bounds a plain call of %s", (dialect) => {
    expect(callOf(dialect, PLAIN[dialect])).toMatchObject({ answers: 1, unboundable: null })
  })

  it.each(ROWS)("$name is as it says", ({ dialect, known, rule, name }) => {
    const examples = EXAMPLES[name] ?? []
    expect(examples.length).toBeGreaterThan(0)
    for (const example of examples) {
      const body = withExample(dialect, example)
      const call = callOf(dialect, body, pathOf(dialect, example))
      if (rule.treatment === "multiplies") {
        expect(call, JSON.stringify(example)).toMatchObject({ answers: example.answers })
      } else if (rule.treatment === "bounded") {
        const opened = openBody(bytesOf(body))
        if ("malformed" in opened) throw new Error(opened.malformed)
        const fields = fieldsOf(opened, known, [])
        const reading = { text: opened.text, fields, problems: [], model: call.model }
        expect(rule.found(reading), JSON.stringify(example)).not.toBeNull()
        expect(call.unboundable).toBeNull()
      } else {
        expect(call.unboundable, JSON.stringify(example)).toMatchObject({
          rule: name,
          countSettles: rule.treatment === "provider_count",
          why: expect.stringContaining(rule.why),
        })
      }
    }
  })

  it("tells of what no count settles before what one does", () => {
    const image = { type: "image", source: { type: "base64", media_type: "image/png", data: "" } }
    const call = callOf("anthropic-messages", {
      ...PLAIN["anthropic-messages"],
      messages: [{ role: "user", content: [image, { type: "hologram" }] }],
    })
    expect(call.unboundable).toMatchObject({
      rule: "anthropic-messages/unknown-content",
      countSettles: false,
    })
  })

  it("never repeats what could be text of a prompt", () => {
    const type = "the patient's name is Jane"
    const call = callOf("openai-chat", {
      ...PLAIN["openai-chat"],
      messages: [{ role: "user", content: [{ type }] }],
    })
    expect(call.unboundable?.why).not.toContain("Jane")
  })
})
