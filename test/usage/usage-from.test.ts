/** Usage of every shape through the library's door, and all that is no usage. */
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { isAmount } from "../../machines/budget/amounts.ts"
import { checkUsage } from "../../src/host/door.ts"
import { InvalidRequest } from "../../src/host/errors.ts"
import { type AnswerUsage, UnreadableUsage, usageFrom } from "../../src/index.ts"

type Counts = readonly [input: number, output: number, cacheWrite: number, cacheRead: number]

const counts = (usage: AnswerUsage | UnreadableUsage): Counts | string =>
  usage instanceof UnreadableUsage
    ? usage.message
    : [usage.inputTokens, usage.outputTokens, usage.cacheWriteTokens, usage.cacheReadTokens]

const CHAT = { prompt_tokens: 100, completion_tokens: 20, total_tokens: 120 }
const ANTHROPIC = { input_tokens: 7, output_tokens: 20 }
const RESPONSES = { input_tokens: 100, output_tokens: 20, total_tokens: 120 }
const GEMINI = { promptTokenCount: 100, candidatesTokenCount: 20, totalTokenCount: 120 }
const BEDROCK = { inputTokens: 7, outputTokens: 20, totalTokens: 27 }
const COHERE = {
  billed_units: { input_tokens: 30, output_tokens: 9 },
  tokens: { input_tokens: 500, output_tokens: 14 },
  cached_tokens: 400,
}

describe("usage", () => {
  it.each<[string, object, Counts]>([
    ["Anthropic", ANTHROPIC, [7, 20, 0, 0]],
    [
      "Anthropic, with its cache outside the input",
      { ...ANTHROPIC, cache_creation_input_tokens: 300, cache_read_input_tokens: 2000 },
      [7, 20, 300, 2000],
    ],
    [
      "Anthropic, with an adviser that only its rounds tell of",
      {
        ...ANTHROPIC,
        iterations: [
          { type: "message", ...ANTHROPIC },
          { type: "advisor_message", model: "another", input_tokens: 50, output_tokens: 3 },
        ],
      },
      [57, 23, 0, 0],
    ],
    ["OpenAI's chat", CHAT, [100, 20, 0, 0]],
    [
      "OpenAI's chat, with its cache inside the input",
      { ...CHAT, prompt_tokens_details: { cached_tokens: 64, cache_write_tokens: 10 } },
      [26, 20, 10, 64],
    ],
    ["a chat that leaves thinking to the total", { ...CHAT, total_tokens: 150 }, [100, 50, 0, 0]],
    ["OpenAI's embeddings", { prompt_tokens: 8, total_tokens: 8 }, [8, 0, 0, 0]],
    [
      "OpenAI's responses",
      { ...RESPONSES, input_tokens_details: { cached_tokens: 64 } },
      [36, 20, 0, 64],
    ],
    ["responses without details", RESPONSES, [100, 20, 0, 0]],
    ["Gemini", GEMINI, [100, 20, 0, 0]],
    [
      "Gemini, with thoughts, tools and its cache inside the prompt",
      {
        ...GEMINI,
        cachedContentTokenCount: 60,
        thoughtsTokenCount: 30,
        toolUsePromptTokenCount: 5,
        totalTokenCount: 155,
      },
      [45, 50, 0, 60],
    ],
    ["Gemini's embeddings", { promptTokenCount: 5, promptTokenDetails: [] }, [5, 0, 0, 0]],
    ["Bedrock", BEDROCK, [7, 20, 0, 0]],
    [
      "Bedrock, with its cache outside the input",
      { ...BEDROCK, cacheReadInputTokens: 2000, cacheWriteInputTokens: 300, totalTokens: 2327 },
      [7, 20, 300, 2000],
    ],
    [
      "Bedrock, with its cache under both names and by lifetime",
      {
        ...BEDROCK,
        cacheReadInputTokens: 2000,
        cacheReadInputTokenCount: 2000,
        cacheWriteInputTokenCount: 300,
        cacheDetails: [
          { inputTokens: 100, ttl: "1h" },
          { inputTokens: 200, ttl: "5m" },
        ],
        totalTokens: 2327,
      },
      [7, 20, 300, 2000],
    ],
    ["Cohere, as billed", COHERE, [30, 9, 0, 0]],
    ["Cohere, with no bill", { ...COHERE, billed_units: undefined }, [100, 14, 0, 400]],
    [
      "Cohere, as its SDK spells it",
      { billedUnits: { inputTokens: 30, outputTokens: 9 }, tokens: { inputTokens: 500 } },
      [30, 9, 0, 0],
    ],
    [
      "Cohere, with only its input billed",
      { ...COHERE, billed_units: { input_tokens: 30 } },
      [30, 14, 0, 0],
    ],
    ["Cohere's pictures", { billed_units: { input_tokens: 4, image_tokens: 90 } }, [94, 0, 0, 0]],
  ])("of %s comes in four kinds that are apart, alone and in its answer", (_, said, expected) => {
    expect(counts(usageFrom(said))).toEqual(expected)
    expect(counts(usageFrom({ id: "answer", usage: said, output: [] }))).toEqual(expected)
  })

  it("is found where Gemini and Cohere's embeddings have it", () => {
    expect(counts(usageFrom({ candidates: [], usageMetadata: GEMINI }))).toEqual([100, 20, 0, 0])
    const meta = { api_version: { version: "2" }, billed_units: { input_tokens: 4 } }
    expect(counts(usageFrom({ embeddings: {}, meta }))).toEqual([4, 0, 0, 0])
  })

  it("has the tokens of images that a tool of the response made", () => {
    const tool_usage = { image_gen: { input_tokens: 40, output_tokens: 1000 } }
    const usage = { ...RESPONSES, input_tokens_details: { cached_tokens: 0 } }
    expect(counts(usageFrom({ usage, tool_usage }))).toEqual([140, 1020, 0, 0])
  })

  it("names the model where the answer does, and can be reported as it is", () => {
    const usage = usageFrom({ model: "command-a", usage: COHERE })
    expect(usage).toMatchObject({ model: "command-a" })
    expect(checkUsage(usage)).toMatchObject({ model: "command-a", usage: { inputTokens: 30 } })
    expect(usageFrom({ modelVersion: "gemini-3", usageMetadata: GEMINI })).toMatchObject({
      model: "gemini-3",
    })
    expect(usageFrom({ model: "", usage: COHERE })).not.toHaveProperty("model")
  })

  it("counts a kind that it does not know as output, where a total has it", () => {
    const usage = { ...BEDROCK, rerankedTokens: 40, totalTokens: 67 }
    expect(counts(usageFrom(usage))).toEqual([7, 60, 0, 0])
  })

  it.each<[string, object, Counts]>([
    ["OpenAI", { ...CHAT, prompt_tokens_details: { cached_tokens: 900 } }, [100, 20, 0, 900]],
    ["Gemini", { ...GEMINI, cachedContentTokenCount: 900 }, [100, 20, 0, 900]],
    [
      "Cohere",
      { tokens: { input_tokens: 5, output_tokens: 1 }, cached_tokens: 900 },
      [5, 1, 0, 900],
    ],
  ])("of %s takes nothing off for a cached part larger than its input", (_, said, expected) => {
    expect(counts(usageFrom(said))).toEqual(expected)
  })
})

describe("what is no usage", () => {
  const NO_COUNTS = [
    -1,
    1.5,
    "12",
    Number.NaN,
    Number.POSITIVE_INFINITY,
    2 ** 53,
    12n,
    true,
    {},
    [],
  ]
  const PLACES: readonly [string, (count: unknown) => object][] = [
    ["input_tokens", (count) => ({ ...ANTHROPIC, input_tokens: count })],
    ["cache_read_input_tokens", (count) => ({ ...ANTHROPIC, cache_read_input_tokens: count })],
    ["completion_tokens", (count) => ({ ...CHAT, completion_tokens: count })],
    ["cached_tokens", (count) => ({ ...CHAT, prompt_tokens_details: { cached_tokens: count } })],
    ["promptTokenCount", (count) => ({ ...GEMINI, promptTokenCount: count })],
    ["outputTokens", (count) => ({ ...BEDROCK, outputTokens: count })],
    ["totalTokens", (count) => ({ ...BEDROCK, totalTokens: count })],
    ["cacheWriteInputTokenCount", (count) => ({ ...BEDROCK, cacheWriteInputTokenCount: count })],
    ["input_tokens", (count) => ({ billed_units: { input_tokens: count } })],
    ["cached_tokens", (count) => ({ ...COHERE, cached_tokens: count })],
  ]

  it.each(PLACES)("a %s that is no count makes all of it unreadable, by name", (name, saidWith) => {
    for (const count of NO_COUNTS) {
      const usage = usageFrom({ usage: saidWith(count) })
      expect(counts(usage)).toMatch(
        new RegExp(`^(?:cacheDetails\\.)?${name} is .+, expected a whole`),
      )
    }
  })

  it("says which number it was, also one that JSON has not", () => {
    const message = (count: unknown) => counts(usageFrom({ ...ANTHROPIC, output_tokens: count }))
    expect(message(Number.NaN)).toContain("output_tokens is NaN,")
    expect(message(-4)).toContain("output_tokens is -4,")
    expect(message(4n)).toContain("output_tokens is 4,")
  })

  it.each<[string, object]>([
    ["without its output", { input_tokens: 5 }],
    ["without its input", { output_tokens: 5 }],
    ["of a chat that says how much went in alone", { prompt_tokens: 5 }],
    ["of Bedrock without its total", { inputTokens: 7, outputTokens: 20 }],
    ["with counts that are null", { input_tokens: null, output_tokens: null }],
    ["of searches alone", { billed_units: { search_units: 1 } }],
    ["as Claude Code sums it", { inputTokens: 5, outputTokens: 3, cacheCreationInputTokens: 900 }],
    ["of seconds", { type: "duration", seconds: 12 }],
    ["as the AI SDK tells it", { ...BEDROCK, inputTokenDetails: { cacheReadTokens: 5 } }],
    ["that is empty", {}],
  ])("usage %s is of no API that is known, never zero", (_, said) => {
    expect(counts(usageFrom(said))).toMatch(/^no counts of a known API in /)
    expect(counts(usageFrom({ usage: said }))).toMatch(/^no counts of a known API in /)
  })

  it.each<[string, unknown]>([
    ["nothing", undefined],
    ["nothing", null],
    ["a list", [CHAT]],
    ["a string", "my secret prompt"],
    ["a number", 12],
    ["a function", () => CHAT],
  ])("an answer that is %s is told as that, and not shown", (kind, answer) => {
    expect(counts(usageFrom(answer))).toBe(`an answer is an object, found ${kind}`)
  })

  it("cannot be reported in place of usage", () => {
    expect(() => checkUsage(usageFrom({ usage: null }))).toThrow(InvalidRequest)
  })

  it.each([
    ["usage", { model: "m" }],
    ["input_tokens", { output_tokens: 4 }],
  ])("takes an answer for unreadable whose %s throws when it is read", (name, rest) => {
    const broken = () => {
      throw new Error("the stream is not over")
    }
    const answer = Object.defineProperty({ ...rest }, name, { enumerable: true, get: broken })
    expect(usageFrom(answer)).toMatchObject({
      _tag: "UnreadableUsage",
      message: "the answer failed while it was read",
    })
  })

  it("never throws, and what it reads are amounts, whatever it is given", () => {
    const names = [CHAT, ANTHROPIC, GEMINI, BEDROCK, COHERE].flatMap((shape) => Object.keys(shape))
    const details = ["usage", "usageMetadata", "meta", "iterations", "cacheDetails", "tool_usage"]
    const key = fc.constantFrom(...names, ...details, "prompt_tokens_details", "cached_tokens")
    const count = fc.oneof(fc.maxSafeNat(), fc.constantFrom(Number.MAX_SAFE_INTEGER, ...NO_COUNTS))
    const { answer } = fc.letrec((tie) => ({
      answer: fc.dictionary(key, fc.oneof({ maxDepth: 3 }, count, fc.anything(), tie("answer"))),
    }))
    let read = 0
    fc.assert(
      fc.property(answer, (found) => {
        const usage = usageFrom(found)
        if (usage instanceof UnreadableUsage) {
          // Only an answer that throws itself may fail.
          expect(usage.message).not.toMatch(/failed while/)
          return
        }
        read += 1
        const { inputTokens, outputTokens, cacheWriteTokens, cacheReadTokens } = usage
        const kinds = [inputTokens, outputTokens, cacheWriteTokens, cacheReadTokens]
        expect(kinds.filter((kind) => !isAmount(kind))).toEqual([])
      }),
      { numRuns: 2000, seed: 1 },
    )
    expect(read).toBeGreaterThan(0)
  })
})
