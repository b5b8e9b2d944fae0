/** What Anthropic's answers say they came to. */
import { describe, expect, it } from "vitest"
import { meter } from "../../../src/gateway/dialects/anthropic/answer.ts"
import { events, namedEvents, part, partsOf, streamed, whole } from "../answers.ts"

const start = (usage: object) => ({
  type: "message_start",
  message: { id: "msg_1", model: "claude", usage },
})
const delta = (usage: object, stop_reason: string | null = "end_turn") => ({
  type: "message_delta",
  delta: { stop_reason },
  usage,
})
const text = (said: string) => ({
  type: "content_block_delta",
  index: 0,
  delta: { type: "text_delta", text: said },
})
const ofClaude = (said: Parameters<typeof part>[0]) => part({ model: "claude", ...said })

describe("a stream", () => {
  it("ends with a word that replaces the first one's placeholder, and is not added to it", () => {
    const heard = streamed(
      meter,
      namedEvents(
        start({ input_tokens: 20, output_tokens: 88, cache_read_input_tokens: 7 }),
        { type: "ping" },
        text("hello"),
        delta({ input_tokens: 20, output_tokens: 5, cache_read_input_tokens: 7 }),
        { type: "message_stop" },
      ),
    )
    expect(partsOf(heard)).toEqual([ofClaude({ input: 20, output: 5, cacheRead: 7 })])
    expect(heard.isFinal()).toBe(true)
    expect(heard.answerId()).toBe("msg_1")
    expect(heard.error()).toBeNull()
  })

  it("may name its events by their type alone", () => {
    const heard = streamed(
      meter,
      events(start({ input_tokens: 2, output_tokens: 1 }), delta({ output_tokens: 5 })),
    )
    expect(partsOf(heard)).toEqual([ofClaude({ input: 2, output: 5 })])
    expect(heard.isFinal()).toBe(true)
  })

  it("takes the input that grew while the provider's tools ran", () => {
    const heard = streamed(
      meter,
      namedEvents(
        start({ input_tokens: 2_068, output_tokens: 3 }),
        delta({
          input_tokens: 22_397,
          output_tokens: 152,
          server_tool_use: { web_search_requests: 2 },
        }),
      ),
    )
    expect(partsOf(heard)).toEqual([ofClaude({ input: 22_397, output: 152, searches: 2 })])
  })

  it("keeps what only the first word says: the part of the cache written for an hour", () => {
    const heard = streamed(
      meter,
      namedEvents(
        start({
          input_tokens: 3,
          output_tokens: 1,
          cache_creation_input_tokens: 26_615,
          cache_creation: { ephemeral_5m_input_tokens: 615, ephemeral_1h_input_tokens: 26_000 },
        }),
        delta({
          input_tokens: null,
          output_tokens: 9,
          cache_creation_input_tokens: 27_615,
        }),
      ),
    )
    expect(partsOf(heard)).toEqual([
      ofClaude({ input: 3, output: 9, cacheWrite: 27_615, hour: 27_000 }),
    ])
  })

  it("is not final before its last word, and tells how much it has seen", () => {
    const heard = streamed(
      meter,
      namedEvents(
        start({ input_tokens: 20, output_tokens: 1 }),
        text("é"),
        text("hello"),
        {
          type: "content_block_start",
          content_block: { type: "server_tool_use", name: "web_search" },
        },
        delta({ output_tokens: 2 }, null),
      ),
    )
    expect(partsOf(heard)).toEqual([ofClaude({ input: 20, output: 2, searches: 1 })])
    expect(heard.isFinal()).toBe(false)
    expect(heard.answerBytes()).toBe(7)
  })

  it("may say an error in the middle", () => {
    const heard = streamed(
      meter,
      namedEvents(start({ input_tokens: 20, output_tokens: 1 }), {
        type: "error",
        error: { type: "overloaded_error", message: "Overloaded" },
      }),
    )
    expect(heard.error()).toBe("Overloaded")
    expect(heard.isFinal()).toBe(false)
    expect(partsOf(heard)).toEqual([ofClaude({ input: 20, output: 1 })])
  })

  it("whose last word is no count stays without one", () => {
    const heard = streamed(
      meter,
      namedEvents(start({ input_tokens: 20, output_tokens: 1 }), delta({ output_tokens: -5 })),
    )
    expect(heard.isFinal()).toBe(false)
    expect(partsOf(heard)).toEqual([ofClaude({ input: 20, output: 1 })])
  })
})

describe("rounds", () => {
  const usage = (iterations: readonly object[], top: object) => ({
    id: "msg_1",
    model: "claude",
    usage: { ...top, iterations },
  })

  it("of an adviser are another model's part, which the counts at the top leave out", () => {
    const body = usage(
      [
        { type: "message", input_tokens: 1_128, output_tokens: 135 },
        { type: "advisor_message", model: "adviser", input_tokens: 2_543, output_tokens: 18 },
        { type: "message", input_tokens: 1_283, output_tokens: 10 },
      ],
      { input_tokens: 2_411, output_tokens: 145 },
    )
    expect(partsOf(whole(meter, body))).toEqual([
      ofClaude({ input: 2_411, output: 145 }),
      part({ model: "adviser", input: 2_543, output: 18 }),
    ])
  })

  it("of compaction are counted beside the counts at the top", () => {
    const hour = { ephemeral_5m_input_tokens: 0, ephemeral_1h_input_tokens: 40 }
    const body = usage(
      [
        {
          type: "compaction",
          input_tokens: 100,
          cache_creation_input_tokens: 40,
          cache_creation: hour,
          output_tokens: 83,
        },
        { type: "message", input_tokens: 181, cache_read_input_tokens: 9, output_tokens: 8 },
      ],
      { input_tokens: 181, cache_read_input_tokens: 9, output_tokens: 8 },
    )
    expect(partsOf(whole(meter, body))).toEqual([
      ofClaude({ input: 281, output: 91, cacheRead: 9, cacheWrite: 40, hour: 40 }),
    ])
  })

  it("of which only the last is told do not hide the others", () => {
    const body = usage([{ type: "message", input_tokens: 10, output_tokens: 4 }], {
      input_tokens: 30,
      output_tokens: 12,
    })
    expect(partsOf(whole(meter, body))).toEqual([ofClaude({ input: 30, output: 12 })])
  })
})

describe("a whole answer", () => {
  it("is final", () => {
    const heard = whole(meter, {
      id: "m",
      model: "claude",
      usage: { input_tokens: 1, output_tokens: 2 },
    })
    expect(heard.isFinal()).toBe(true)
    expect(partsOf(heard)).toEqual([ofClaude({ input: 1, output: 2 })])
  })

  it("that is an error says so, and nothing of usage", () => {
    const heard = whole(meter, { type: "error", error: { type: "invalid_request_error" } })
    expect(heard.error()).toBe("invalid_request_error")
    expect(heard.usage()).toBeNull()
    expect(heard.isFinal()).toBe(false)
  })
})
