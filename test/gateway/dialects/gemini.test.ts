/** What Gemini's answers say they came to. */
import { describe, expect, it } from "vitest"
import { meter as embedMeter } from "../../../src/gateway/dialects/gemini-embed/answer.ts"
import { meter } from "../../../src/gateway/dialects/gemini-generate/answer.ts"
import { ASKED, events, part, partsOf, streamed, whole } from "../answers.ts"

const chunk = (usageMetadata: object | undefined, finishReason?: string, said: object = {}) => ({
  candidates: [{ content: { parts: [{ text: "é" }] }, finishReason }],
  usageMetadata,
  modelVersion: "gemini",
  responseId: "r1",
  ...said,
})
const ofGemini = (said: Parameters<typeof part>[0]) => part({ model: "gemini", ...said })
const FIRST = { promptTokenCount: 169, totalTokenCount: 169 }
const LAST = { promptTokenCount: 79, candidatesTokenCount: 12, totalTokenCount: 91 }

describe("a stream", () => {
  it("has running usage whose last word counts, though its counts fall", () => {
    const heard = streamed(meter, events(chunk(FIRST), chunk(LAST, "STOP")))
    expect(partsOf(heard)).toEqual([ofGemini({ input: 79, output: 12 })])
    expect(heard.isFinal()).toBe(true)
    expect(heard.answerId()).toBe("r1")
  })

  it("that is cut is not final, and tells how much it has seen", () => {
    const heard = streamed(meter, events(chunk(FIRST), chunk(FIRST)))
    expect(partsOf(heard)).toEqual([ofGemini({ input: 169 })])
    expect(heard.isFinal()).toBe(false)
    expect(heard.answerBytes()).toBe(4)
  })

  it("may say its usage after the reason it ended", () => {
    const stream = events(chunk(undefined, "STOP"), { usageMetadata: LAST })
    expect(streamed(meter, stream).isFinal()).toBe(true)
    expect(streamed(meter, events(chunk(undefined, "STOP"))).isFinal()).toBe(false)
  })

  it("of several answers is final when the last has ended", () => {
    const heard = meter({ ...ASKED, answers: 2 })
    const say = (index: number): void =>
      heard.event({
        event: null,
        data: Buffer.from(
          JSON.stringify(chunk(LAST, "", { candidates: [{ index, finishReason: "STOP" }] })),
        ),
      })
    say(0)
    expect(heard.isFinal()).toBe(false)
    say(1)
    expect(heard.isFinal()).toBe(true)
  })

  it("may say an error in the middle", () => {
    const error = { code: 503, status: "UNAVAILABLE", message: "The model is overloaded" }
    const heard = streamed(meter, events(chunk(FIRST), { error }))
    expect(heard.error()).toBe("The model is overloaded")
    expect(heard.isFinal()).toBe(false)
  })

  it("may be a list, read as a whole", () => {
    const heard = whole(meter, [chunk(FIRST), chunk(LAST, "STOP")])
    expect(partsOf(heard)).toEqual([ofGemini({ input: 79, output: 12 })])
    expect(heard.isFinal()).toBe(true)
  })
})

describe("usage", () => {
  const counted = (usageMetadata: object) => partsOf(whole(meter, chunk(usageMetadata, "STOP")))

  it("has thoughts outside the candidates and tools outside the prompt", () => {
    expect(
      counted({
        promptTokenCount: 147,
        candidatesTokenCount: 108,
        toolUsePromptTokenCount: 360,
        thoughtsTokenCount: 168,
        totalTokenCount: 783,
      }),
    ).toEqual([ofGemini({ input: 507, output: 276 })])
  })

  it("has cached tokens inside the prompt", () => {
    const usage = { promptTokenCount: 100, cachedContentTokenCount: 60, candidatesTokenCount: 1 }
    expect(counted(usage)).toEqual([ofGemini({ input: 40, output: 1, cacheRead: 60 })])
  })

  it("tells which of the uncached input, and of the output, was sound", () => {
    const of = (modality: string, tokenCount?: number) => ({ modality, tokenCount })
    expect(
      counted({
        promptTokenCount: 400,
        promptTokensDetails: [of("TEXT", 79), of("AUDIO", 321)],
        cachedContentTokenCount: 300,
        cacheTokensDetails: [of("AUDIO", 284), of("TEXT", 16)],
        candidatesTokenCount: 30,
        candidatesTokensDetails: [of("AUDIO", 30), of("AUDIO")],
      }),
    ).toEqual([
      ofGemini({ input: 100, output: 30, cacheRead: 300, inputAudio: 37, outputAudio: 30 }),
    ])
  })

  it("counts the searches that an answer is grounded on, once", () => {
    const grounded = (webSearchQueries: readonly string[]) => ({
      candidates: [{ finishReason: "STOP", groundingMetadata: { webSearchQueries } }],
    })
    const stream = events(
      chunk(LAST, "STOP", grounded(["a"])),
      chunk(LAST, "STOP", grounded(["a", "b"])),
    )
    expect(partsOf(streamed(meter, stream))).toEqual([
      ofGemini({ input: 79, output: 12, searches: 2 }),
    ])
  })
})

it("a prompt that is refused is final, at what it cost", () => {
  const heard = whole(meter, {
    promptFeedback: { blockReason: "SAFETY" },
    usageMetadata: { promptTokenCount: 7 },
  })
  expect(partsOf(heard)).toEqual([part({ input: 7 })])
  expect(heard.isFinal()).toBe(true)
})

describe("an embedding", () => {
  it("without usage has no final word", () => {
    const heard = whole(embedMeter, { embedding: { values: [0.1] } })
    expect(heard.usage()).toBeNull()
    expect(heard.isFinal()).toBe(false)
  })

  it("with usage is final", () => {
    const heard = whole(embedMeter, { usageMetadata: { promptTokenCount: 14 } })
    expect(partsOf(heard)).toEqual([part({ input: 14 })])
    expect(heard.isFinal()).toBe(true)
  })
})
