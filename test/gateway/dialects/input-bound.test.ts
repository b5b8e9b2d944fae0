/** No tokenizer makes more tokens of a request than its bound says. */
import fc from "fast-check"
import { describe, expect, it, vi } from "vitest"
import type { DialectName } from "../../../src/gateway/dialects/dialect.ts"
import { TEMPLATE_TOKENS } from "../../../src/gateway/dialects/request/input-bound.ts"
import { callOf, PLAIN } from "./requests.ts"

/**
 * The worst a tokenizer can do: one token for each byte of every text and key after it was
 * normalised, one for each number, and the mark of a message or tool for each object and list.
 */
const worstTokens = (value: unknown): number => {
  if (typeof value === "string") return Buffer.byteLength(value.normalize("NFKC"))
  if (Array.isArray(value)) return value.reduce<number>((sum, each) => sum + worstTokens(each), 1)
  if (typeof value !== "object" || value === null) return 1
  return Object.entries(value).reduce(
    (sum, [key, each]) => sum + worstTokens(key) + worstTokens(each),
    1,
  )
}

/** As Python writes JSON by default: everything beyond ASCII escaped. */
const escaped = (text: string): string =>
  text.replace(
    /[\u0080-\uffff]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`,
  )

const anyText = fc.oneof(
  fc.string({ unit: "binary", maxLength: 200 }),
  fc.string({ unit: fc.constantFrom("\ufdfa", "\ud800", "\0", "\n", '"', "\\", "가", "😀", "ﬁ") }),
  // Letters, and marks that belong before one another; longer than what is normalised at once.
  fc.string({
    unit: fc.constantFrom("é", "\u0323", "\u0301", "e", "ᾂ", "ᄀ", "ᅡ", "\ud834\udd60", "ේ", "ා"),
    maxLength: 300,
  }),
  fc.constantFrom("<|endoftext|>", "<|im_start|>system", "\n\nHuman:", "<start_of_turn>"),
)

describe("the bound of a request's input", () => {
  const TEXTS: readonly (readonly [DialectName, (texts: readonly string[]) => object])[] = [
    [
      "anthropic-messages",
      (texts) => ({
        messages: texts.map((text) => ({ role: "user", content: [{ type: "text", text }] })),
      }),
    ],
    [
      "openai-chat",
      (texts) => ({ messages: texts.map((content) => ({ role: "user", content })), tools: [] }),
    ],
    ["openai-completions", (prompt) => ({ prompt })],
    ["openai-responses", (texts) => ({ input: texts.join(" "), tools: [] })],
    ["openai-embeddings", (input) => ({ input })],
    ["gemini-generate", (texts) => ({ contents: [{ parts: texts.map((text) => ({ text })) }] })],
    [
      "gemini-embed",
      (texts) => ({ requests: texts.map((text) => ({ content: { parts: [{ text }] } })) }),
    ],
  ]

  it.each(TEXTS)("holds in %s for a tokenizer that makes a token of every byte", (dialect, of) => {
    fc.assert(
      fc.property(fc.array(anyText, { maxLength: 8 }), fc.boolean(), (texts, escapes) => {
        const body = { ...PLAIN[dialect], ...of(texts) }
        const text = JSON.stringify(body)
        const { inputBoundTokens } = callOf(dialect, escapes ? escaped(text) : text)
        expect(inputBoundTokens).toBeGreaterThanOrEqual(worstTokens(body))
      }),
      { numRuns: 100 },
    )
  })

  it("is the bytes and the template for plain text", () => {
    const body = JSON.stringify(PLAIN["openai-completions"])
    expect(callOf("openai-completions", body).inputBoundTokens).toBe(body.length + TEMPLATE_TOKENS)
  })

  it("is longer than the bytes where a vocabulary makes more of a character than is sent", () => {
    const body = { ...PLAIN["openai-completions"], prompt: "\ufdfa".repeat(1_000) }
    const raw = callOf("openai-completions", body)
    expect(raw.inputBoundTokens).toBeGreaterThan(33_000)
    const sent = callOf("openai-completions", escaped(JSON.stringify(body)))
    expect(sent.inputBoundTokens).toBe(raw.inputBoundTokens)
  })

  it("is found a short piece at a time, however many marks a letter has", () => {
    const normalize = vi.spyOn(String.prototype, "normalize")
    try {
      const prompt = `a${"\u0301\u0316".repeat(50_000)}`
      callOf("openai-completions", { ...PLAIN["openai-completions"], prompt })
      const lengths = normalize.mock.contexts.map((text) => String(text).length)
      expect(lengths.length).toBeGreaterThan(1_000)
      expect(Math.max(...lengths)).toBeLessThanOrEqual(128)
    } finally {
      normalize.mockRestore()
    }
  })

  it("holds for a list of tokens, each a digit and a comma at least", () => {
    const prompt = Array.from({ length: 5_000 }, () => 1)
    const { inputBoundTokens } = callOf("openai-completions", {
      ...PLAIN["openai-completions"],
      prompt,
    })
    expect(inputBoundTokens).toBeGreaterThan(prompt.length)
  })

  it("allows for what a vendor says of its own tools, each", () => {
    const bound = (tools: readonly unknown[]): number =>
      callOf("anthropic-messages", { ...PLAIN["anthropic-messages"], tools }).inputBoundTokens
    const tool = { type: "computer_20250124", name: "computer" }
    expect(bound([tool, tool]) - bound([tool])).toBeGreaterThan(1_234)
  })
})
