/** What the answers of OpenAI's chat API say they came to, and of those that speak it. */
import { describe, expect, it } from "vitest"
import { meter } from "../../../src/gateway/dialects/openai-chat/answer.ts"
import { meter as completionsMeter } from "../../../src/gateway/dialects/openai-completions/answer.ts"
import { meter as embeddingsMeter } from "../../../src/gateway/dialects/openai-embeddings/answer.ts"
import { type ASKED, events, part, partsOf, streamed, whole } from "../answers.ts"

const chunk = (said: object = {}, finish_reason: string | null = null) => ({
  id: "chatcmpl-1",
  model: "gpt",
  choices: [{ index: 0, delta: { content: "hello" }, finish_reason }],
  ...said,
})
const USAGE = { prompt_tokens: 364, completion_tokens: 40, total_tokens: 404 }
const ofGpt = (said: Parameters<typeof part>[0]) => part({ model: "gpt", ...said })
const COUNTED = [ofGpt({ input: 364, output: 40 })]

describe("a stream", () => {
  it("says its usage in a last chunk without a choice", () => {
    const heard = streamed(
      meter,
      events(
        chunk({ usage: null }),
        chunk({ usage: null }, "stop"),
        chunk({ choices: [], usage: USAGE }),
        "[DONE]",
      ),
    )
    expect(partsOf(heard)).toEqual(COUNTED)
    expect(heard.isFinal()).toBe(true)
    expect(heard.answerId()).toBe("chatcmpl-1")
    expect(heard.error()).toBeNull()
  })

  it.each([
    ["beside its last choice", chunk({ usage: USAGE }, "stop")],
    ["twice in one chunk", chunk({ x_groq: { id: "r", usage: USAGE }, usage: USAGE }, "stop")],
    ["in the vendor's own corner", chunk({ x_groq: { id: "r", usage: USAGE } }, "stop")],
    [
      "in its last choice",
      chunk({ choices: [{ delta: {}, finish_reason: "stop", usage: USAGE }] }),
    ],
  ])("may say it %s, and it counts once", (_, last) => {
    const heard = streamed(meter, events(chunk({ x_groq: { id: "r" } }), last))
    expect(partsOf(heard)).toEqual(COUNTED)
    expect(heard.isFinal()).toBe(true)
  })

  it("of several answers is not over when one of them is, whatever it counts by then", () => {
    const said = (index: number) => ({ choices: [{ index, delta: {}, finish_reason: "stop" }] })
    const first = events(chunk({ ...said(0), usage: { prompt_tokens: 364, completion_tokens: 9 } }))
    const both = first + events(chunk({ ...said(1), usage: USAGE }))
    const two = (request: typeof ASKED) => meter({ ...request, answers: 2 })
    expect(streamed(two, first).isFinal()).toBe(false)
    expect(streamed(two, both).isFinal()).toBe(true)
    expect(streamed(two, `${first}${events("[DONE]")}`).isFinal()).toBe(true)
  })

  it("may have a running count, of which the last one counts, at its end", () => {
    const running = { prompt_tokens: 364, completion_tokens: 3 }
    const cut = events(chunk({ usage: { prompt_tokens: 364 } }), chunk({ usage: running }))
    const heard = streamed(meter, cut)
    expect(partsOf(heard)).toEqual([ofGpt({ input: 364, output: 3 })])
    expect(heard.isFinal()).toBe(false)
    expect(heard.answerBytes()).toBeGreaterThanOrEqual(10)
    expect(streamed(meter, `${cut}${events("[DONE]")}`).isFinal()).toBe(true)
  })

  it("whose last count is none is not final at what it said before", () => {
    const counts = [{ usage: { prompt_tokens: 364 } }, { usage: { prompt_tokens: "365" } }]
    const heard = streamed(meter, events(...counts.map((said) => chunk(said)), "[DONE]"))
    expect(partsOf(heard)).toEqual([ofGpt({ input: 364 })])
    expect(heard.isFinal()).toBe(false)
  })

  it("that is cut has no final word, and tells how much it has seen", () => {
    const heard = streamed(meter, events(chunk(), chunk()))
    expect(heard.usage()).toBeNull()
    expect(heard.isFinal()).toBe(false)
    expect(heard.answerBytes()).toBeGreaterThanOrEqual(10)
    expect(heard.answerBytes()).toBeLessThan(200)
  })

  it("that is over without a word of usage has no final one", () => {
    expect(streamed(meter, events(chunk({}, "stop"), "[DONE]")).isFinal()).toBe(false)
  })

  it("may say an error in an event of that name, and nothing of usage", () => {
    const error = { error: { message: "Tool call validation failed", code: "tool_use_failed" } }
    const heard = streamed(meter, `${events(chunk())}event: error\n${events(error)}`)
    expect(heard.error()).toBe("Tool call validation failed")
    expect(heard.usage()).toBeNull()
    expect(heard.isFinal()).toBe(false)
  })

  it("may say an error in a chunk that has usage, with more reasoning than output", () => {
    const heard = streamed(
      meter,
      events(
        chunk(),
        chunk({
          error: { code: 400, message: "Token limit reached" },
          usage: {
            prompt_tokens: 43,
            completion_tokens: 10,
            total_tokens: 53,
            completion_tokens_details: { reasoning_tokens: 11 },
          },
        }),
        "[DONE]",
      ),
    )
    expect(heard.error()).toBe("Token limit reached")
    expect(partsOf(heard)).toEqual([ofGpt({ input: 43, output: 10 })])
    expect(heard.isFinal()).toBe(true)
  })

  it("may write usage as its text", () => {
    const heard = streamed(
      meter,
      events(
        chunk(),
        chunk({ choices: [{ delta: { content: '{"usage":{"prompt_tokens":9}}' } }] }),
      ),
    )
    expect(heard.usage()).toBeNull()
  })
})

describe("usage", () => {
  const counted = (usage: object) => partsOf(whole(meter, { model: "gpt", usage }))

  it("has cache reads and writes inside its prompt", () => {
    expect(
      counted({
        prompt_tokens: 2_649,
        completion_tokens: 100,
        total_tokens: 2_749,
        prompt_tokens_details: { cached_tokens: 2_569, cache_write_tokens: 79 },
      }),
    ).toEqual([ofGpt({ input: 1, output: 100, cacheRead: 2_569, cacheWrite: 79 })])
  })

  it("may name the cache reads as DeepSeek does", () => {
    expect(
      counted({ prompt_tokens: 976, prompt_cache_hit_tokens: 896, completion_tokens: 61 }),
    ).toEqual([ofGpt({ input: 80, output: 61, cacheRead: 896 })])
  })

  it("loses no token where more is cached than asked", () => {
    expect(
      counted({
        prompt_tokens: 5,
        completion_tokens: 1,
        prompt_tokens_details: { cached_tokens: 9 },
      }),
    ).toEqual([ofGpt({ input: 5, output: 1, cacheRead: 9 })])
  })

  it("has reasoning inside its output, or else in the total alone", () => {
    const reasoning = { completion_tokens_details: { reasoning_tokens: 28 } }
    expect(
      counted({ prompt_tokens: 66, completion_tokens: 34, total_tokens: 100, ...reasoning }),
    ).toEqual([ofGpt({ input: 66, output: 34 })])
    expect(
      counted({ prompt_tokens: 66, completion_tokens: 6, total_tokens: 100, ...reasoning }),
    ).toEqual([ofGpt({ input: 66, output: 34 })])
  })

  it("tells what was sound, and how often the provider searched", () => {
    expect(
      counted({
        prompt_tokens: 64,
        completion_tokens: 9,
        prompt_tokens_details: { audio_tokens: 44 },
        completion_tokens_details: { audio_tokens: 5 },
        server_tool_use_details: { web_search_requests: 1 },
      }),
    ).toEqual([ofGpt({ input: 64, output: 9, inputAudio: 44, outputAudio: 5, searches: 1 })])
  })

  it("that is none is not taken for some", () => {
    expect(counted({ id: "req_1", seed: 27_718_886 })).toBeNull()
    expect(counted({ prompt_tokens: "12" })).toBeNull()
  })
})

it("a whole answer without usage tells how long it was", () => {
  const heard = whole(meter, { id: "c", choices: [{ message: { content: "hello" } }] })
  expect(heard.isFinal()).toBe(false)
  expect(heard.answerBytes()).toBeGreaterThanOrEqual(5)
})

it("a completion streams texts, and says its usage like a chat", () => {
  const piece = { id: "cmpl-1", model: "gpt", choices: [{ index: 0, text: "hello" }] }
  const cut = streamed(completionsMeter, events(piece, piece))
  expect(cut.answerBytes()).toBeGreaterThanOrEqual(10)
  const last = { ...piece, choices: [], usage: USAGE }
  const heard = streamed(completionsMeter, events(piece, last, "[DONE]"))
  expect(partsOf(heard)).toEqual(COUNTED)
  expect(heard.isFinal()).toBe(true)
})

describe("an embedding", () => {
  it("says its input alone", () => {
    const heard = whole(embeddingsMeter, {
      model: "gpt",
      data: [{ embedding: [0.1] }],
      usage: { prompt_tokens: 4, total_tokens: 4 },
    })
    expect(partsOf(heard)).toEqual([ofGpt({ input: 4 })])
    expect(heard.isFinal()).toBe(true)
  })

  it("without usage has no final word", () => {
    expect(whole(embeddingsMeter, { data: [] }).isFinal()).toBe(false)
    expect(whole(embeddingsMeter, { error: { message: "no" } }).error()).toBe("no")
  })
})
