/** What a request asks for, and which bodies nobody can vouch for. */
import { describe, expect, it } from "vitest"
import type { DialectName, Json } from "../../../src/gateway/dialects/dialect.ts"
import { bytesOf, callOf, DIALECTS, malformed, PATHS, PLAIN, readAs } from "./requests.ts"

const plain = (dialect: DialectName, changed: Json = {}): Json => ({
  ...PLAIN[dialect],
  ...changed,
})

describe("a plain request", () => {
  it.each([
    ["anthropic-messages", { model: "claude-sonnet-4-5", outputCap: 32000, thinkingTokens: 31999 }],
    ["openai-chat", { model: "gpt-5.4", outputCap: 8000, thinkingTokens: 0 }],
    ["openai-completions", { model: "gpt-3.5-turbo-instruct", outputCap: 100, streams: false }],
    ["openai-responses", { model: "gpt-5.5", outputCap: null, streams: true }],
    ["openai-embeddings", { model: "text-embedding-3-small", outputCap: null, hasOutput: false }],
    ["gemini-generate", { model: "gemini-2.5-flash", outputCap: null, thinkingTokens: 8192 }],
    ["gemini-embed", { model: "gemini-embedding-001", outputCap: null, hasOutput: false }],
  ] as const)("of %s is read", (dialect, expected) => {
    const read = callOf(dialect, plain(dialect))
    expect(read).toMatchObject(expected)
    expect(read.inputBoundTokens).toBeGreaterThan(bytesOf(plain(dialect)).length)
  })

  it("streams where the body says so, and where Gemini's path does", () => {
    expect(callOf("openai-chat", plain("openai-chat", { stream: null })).streams).toBe(false)
    const path = { model: "gemini-2.5-flash", streams: false }
    expect(callOf("gemini-generate", plain("gemini-generate"), path).streams).toBe(false)
  })

  it("names its model in the path where the API has it there", () => {
    const path = { model: "deployed", streams: false }
    expect(callOf("openai-chat", plain("openai-chat"), path).model).toBe("deployed")
  })
})

describe("the cap of an answer", () => {
  it("is the larger of two in the chat API, because a server heeds the one it knows", () => {
    const both = { max_tokens: 9000, max_completion_tokens: 100 }
    expect(callOf("openai-chat", plain("openai-chat", both)).outputCap).toBe(9000)
  })

  it("is absent when it is null, but for Anthropic, which demands one", () => {
    const none = { max_completion_tokens: null }
    expect(callOf("openai-chat", plain("openai-chat", none)).outputCap).toBeNull()
    for (const cap of [null, undefined])
      expect(
        malformed("anthropic-messages", plain("anthropic-messages", { max_tokens: cap })),
      ).toBe("`max_tokens` is missing; expected a whole number, as the Messages API demands")
  })

  it("is 16 in the completions API when none is sent, as its provider has it", () => {
    const none = plain("openai-completions", { max_tokens: undefined })
    expect(callOf("openai-completions", none).outputCap).toBe(16)
  })

  it.each([
    ["maxOutputTokens", "generationConfig"],
    ["max_output_tokens", "generationConfig"],
    ["maxOutputTokens", "generation_config"],
    ["max_output_tokens", "generation_config"],
  ])("is read as %s in %s from Gemini's API", (cap, config) => {
    const body = { contents: [], [config]: { [cap]: 777 } }
    expect(callOf("gemini-generate", body).outputCap).toBe(777)
  })

  const CAPS: readonly (readonly [DialectName, (cap: string) => string])[] = [
    ["anthropic-messages", (cap) => `{"model":"m","messages":[],"max_tokens":${cap}}`],
    ["openai-chat", (cap) => `{"model":"m","max_tokens":${cap}}`],
    ["openai-chat", (cap) => `{"model":"m","max_completion_tokens":${cap}}`],
    ["openai-completions", (cap) => `{"model":"m","max_tokens":${cap}}`],
    ["openai-responses", (cap) => `{"model":"m","max_output_tokens":${cap}}`],
    ["gemini-generate", (cap) => `{"generationConfig":{"maxOutputTokens":${cap}}}`],
    ["gemini-generate", (cap) => `{"generationConfig":{"candidateCount":${cap}}}`],
    ["openai-chat", (cap) => `{"model":"m","n":${cap}}`],
    [
      "anthropic-messages",
      (cap) => `{"model":"m","max_tokens":9,"thinking":{"type":"enabled","budget_tokens":${cap}}}`,
    ],
  ]
  const NO_COUNTS = [
    ...["1e9", "1E2", "100.0", "1.5", "-1", "-0", "1e400", '"100"', '"0x10"', "true", "[1]", "{}"],
    ...["9007199254740992", "99999999999999999999"],
  ]

  it.each(CAPS)("is a problem in %s when it is no whole number in digits (%#)", (dialect, body) => {
    expect(malformed(dialect, body("100"))).toBe("")
    for (const written of NO_COUNTS) {
      const problem = malformed(dialect, body(written))
      expect(problem, written).toMatch(/^`[\w.]+` is .+; expected a whole number/)
    }
    for (const written of ["NaN", "Infinity", "+1", "01", "1_000", "1."])
      expect(malformed(dialect, body(written)), written).toContain("not a JSON object")
  })

  it("names the key and what was found", () => {
    expect(malformed("gemini-generate", '{"generation_config":{"max_output_tokens":"100"}}')).toBe(
      '`generationConfig.maxOutputTokens` is "100"; expected a whole number of 0 or more, in digits',
    )
  })
})

describe("thinking", () => {
  it("counts only when Anthropic's is enabled with a budget", () => {
    const thinking = (value: unknown): number =>
      callOf("anthropic-messages", plain("anthropic-messages", { thinking: value })).thinkingTokens
    expect(thinking({ type: "enabled", budget_tokens: 2048 })).toBe(2048)
    expect(thinking({ type: "adaptive" })).toBe(0)
    expect(thinking({ type: "disabled", budget_tokens: 2048 })).toBe(0)
    expect(thinking(null)).toBe(0)
  })

  it("counts from Gemini's budget unless the model decides", () => {
    const thinking = (config: unknown): number =>
      callOf("gemini-generate", { generationConfig: { thinkingConfig: config } }).thinkingTokens
    expect(thinking({ thinkingBudget: 512 })).toBe(512)
    expect(thinking({ thinking_budget: 512 })).toBe(512)
    expect(thinking({ thinkingBudget: -1 })).toBe(0)
    expect(thinking({ thinkingLevel: "HIGH" })).toBe(0)
    expect(thinking(undefined)).toBe(0)
  })
})

describe("a body nobody can vouch for", () => {
  it.each(DIALECTS)("is malformed in %s when its bytes are no JSON object", (dialect) => {
    const good = JSON.stringify(PLAIN[dialect])
    const bad: readonly (Buffer | string)[] = [
      "",
      "null",
      "[]",
      '"text"',
      `${good}}`,
      `${good} {}`,
      `${good}\0`,
      `\uFEFF${good}`,
      good.slice(0, -1),
      `${good.slice(0, -1)},}`,
      `// a comment\n${good}`,
      good.replaceAll('"', "'"),
      Buffer.from(good, "utf16le"),
      Buffer.concat([Buffer.from(good.slice(0, -1)), Buffer.from([0x20, 0xff, 0x7d])]),
      Buffer.concat([Buffer.from('{"a":"'), Buffer.from([0xed, 0xa0, 0x80]), Buffer.from('"}')]),
    ]
    for (const body of bad) {
      const bytes = typeof body === "string" ? Buffer.from(body) : body
      expect(readAs(dialect, good)).not.toHaveProperty("malformed")
      expect(readAs(dialect, bytes), String(body).slice(0, 40)).toHaveProperty("malformed")
    }
  })

  it("is one with a key twice, however it is written and wherever it stands", () => {
    const twice = [
      '{"model":"m","max_tokens":1,"max_tokens":9}',
      '{"model":"m","max_tokens":1,"max\\u005ftokens":9}',
      '{"model":"m","max_tokens":1,"thinking":{"type":"enabled","type":"disabled"}}',
      '{"model":"m","max_tokens":1,"tools":[{"type":"custom","type":"web_search_20250305"}]}',
      '{"model":"m","max_tokens":1,"__proto__":1,"__proto__":2}',
      '{"model":"m","max_tokens":1,"metadata":{"é":1,"\\u00e9":2}}',
    ]
    for (const body of twice)
      expect(malformed("anthropic-messages", body), body).toContain("stands twice in one object")
    const options = '{"model":"m","stream_options":{"include_usage":true,"include_usage":false}}'
    expect(malformed("openai-chat", options)).toContain('"include_usage" stands twice')
    const config = '{"generationConfig":{"maxOutputTokens":1,"maxOutputTokens":9}}'
    expect(malformed("gemini-generate", config)).toContain('"maxOutputTokens" stands twice')
  })

  it("is one with a parameter in a spelling that only some server takes for it", () => {
    for (const key of ["Max_Tokens", "MAX_TOKENS", "maxTokens", "max-tokens", "max_to\u212Aens"])
      expect(
        malformed("anthropic-messages", plain("anthropic-messages", { [key]: 9 })),
        key,
      ).toContain("is no spelling of `max_tokens`; expected that")
    expect(malformed("openai-chat", plain("openai-chat", { "\u017Ftream": true }))).toContain(
      "is no spelling of `stream`",
    )
    expect(malformed("gemini-generate", { GenerationConfig: {} })).toContain(
      "is no spelling of `generationConfig`",
    )
    expect(malformed("gemini-generate", { generationConfig: { MaxOutputTokens: 1 } })).toContain(
      "is no spelling of `generationConfig.maxOutputTokens`",
    )
  })

  it("is one with both spellings of one of Gemini's parameters", () => {
    const both = { generationConfig: {}, generation_config: {} }
    expect(malformed("gemini-generate", both)).toContain("are the same; expected one of them")
    const inside = { generationConfig: { maxOutputTokens: 1, max_output_tokens: 9 } }
    expect(malformed("gemini-generate", inside)).toContain("are the same; expected one of them")
  })

  it("is one with a flag that a lenient server would take for true", () => {
    for (const stream of ["true", 1, "yes", []])
      expect(malformed("openai-chat", plain("openai-chat", { stream }))).toContain("`stream` is")
    const usage = { stream_options: { include_usage: 1 } }
    expect(malformed("openai-chat", plain("openai-chat", usage))).toBe(
      "`stream_options.include_usage` is 1; expected true or false",
    )
    expect(malformed("openai-chat", plain("openai-chat", { stream_options: "all" }))).toBe(
      "`stream_options` is no object; expected one",
    )
  })

  it("is one without a model's name, or with another than Gemini's path has", () => {
    for (const model of [undefined, null, "", 5, ["m"], "a\nb", "\ud800", "m".repeat(257)])
      expect(malformed("openai-chat", plain("openai-chat", { model }))).toContain("`model` is")
    expect(malformed("gemini-generate", { model: "models/gemini-2.5-flash" })).toBe("")
    expect(malformed("gemini-generate", { model: "models/gemini-2.5-pro" })).toContain("the path's")
    const requests = [{ model: "models/other", content: { parts: [] } }]
    expect(malformed("gemini-embed", { requests })).toContain("the path's")
    expect(malformed("gemini-generate", {}, { model: null, streams: false })).toContain("missing")
  })

  it("is one nested deeper than any request, and is told so at once", () => {
    const deep = (levels: number): string =>
      `{"model":"m","metadata":${"[".repeat(levels)}${"]".repeat(levels)}}`
    expect(malformed("openai-chat", deep(127))).toBe("")
    expect(malformed("openai-chat", deep(128))).toContain("nested deeper than 128")
    expect(malformed("openai-chat", deep(1_000_000))).toContain("nested deeper than 128")
    expect(malformed("openai-chat", '{"a":'.repeat(1_000_000))).toContain("nested deeper")
  })

  it("is one that asks for more answers than can be counted, or for none", () => {
    const many = { prompt: ["a", "b"], n: Number.MAX_SAFE_INTEGER }
    expect(malformed("openai-completions", plain("openai-completions", many))).toContain("counted")
    expect(malformed("openai-chat", plain("openai-chat", { n: 0 }))).toContain("of 1 or more")
  })

  it("tells all that is wrong at once, and no text of the prompt", () => {
    const problem = malformed("openai-chat", {
      model: "m",
      n: { secret: "Jane" },
      max_tokens: "x".repeat(500),
      messages: [{ role: "user", content: "Jane" }],
    })
    expect(problem).toContain("`n` is an object")
    expect(problem).toContain("`max_tokens` is")
    expect(problem).not.toContain("Jane")
    expect(problem.length).toBeLessThan(300)
    expect(malformed("openai-chat", '{"messages":"Jane"')).not.toContain("Jane")
  })

  it("is not one because of a prototype's name among its keys", () => {
    const body = '{"model":"m","__proto__":{"max_tokens":5},"max_tokens":9}'
    expect(readAs("openai-chat", body, PATHS["openai-chat"])).toMatchObject({
      outputCap: 9,
      unboundable: { rule: "openai-chat/unknown-parameter" },
    })
  })
})

describe("a long text, which is checked but not kept", () => {
  const LONG = "x".repeat(5_000)
  const withText = (text: string): Buffer =>
    Buffer.from(JSON.stringify(plain("openai-chat", { user: "HERE" })).replace("HERE", text))

  it.each([
    ["a line end", "\n"],
    ["an escape that JSON has not", "\\x"],
    ["half an escape", "\\u12g4"],
    ["an end before its end", '" "'],
    ["no end", "\\"],
  ])("makes the body malformed by %s", (_, damage) => {
    for (const text of [damage + LONG, LONG + damage])
      expect(malformed("openai-chat", withText(text))).toBe(
        "the body is not a JSON object; expected one",
      )
  })

  it.each(["\\n", '\\"', "\\\\", "\\u00e9", "é", "\u007f"])("may have %j in it", (part) => {
    for (const text of [part + LONG, LONG + part]) {
      const body = withText(text)
      const { inputBoundTokens } = callOf("openai-chat", body)
      expect(inputBoundTokens).toBeGreaterThanOrEqual(body.length)
    }
  })

  it("is no name, and a name is read however it is written", () => {
    expect(malformed("openai-chat", plain("openai-chat", { model: LONG }))).toContain("`model` is")
    const body = JSON.stringify(plain("openai-chat", { model: "HERE" }))
    const model = "\\u0061".repeat(256)
    expect(callOf("openai-chat", Buffer.from(body.replace("HERE", model))).model).toBe(
      "a".repeat(256),
    )
  })
})
