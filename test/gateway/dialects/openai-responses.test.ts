/** What the answers of OpenAI's responses API say they came to. */
import { describe, expect, it } from "vitest"
import { meter } from "../../../src/gateway/dialects/openai-responses/answer.ts"
import { events, namedEvents, part, partsOf, streamed, whole } from "../answers.ts"

const USAGE = {
  input_tokens: 255,
  input_tokens_details: { cached_tokens: 200, cache_write_tokens: 50 },
  output_tokens: 16,
  output_tokens_details: { reasoning_tokens: 11 },
  total_tokens: 271,
}
const response = (status: string, said: object = {}) => ({
  id: "resp_1",
  model: "gpt",
  status,
  usage: null,
  ...said,
})
const created = { type: "response.created", response: response("in_progress") }
const text = {
  type: "response.output_text.delta",
  item_id: "msg_1",
  delta: "hello",
  obfuscation: "x",
}
const ended = (status: string, said: object = { usage: USAGE }) => ({
  type: `response.${status}`,
  response: response(status, said),
})
const COUNTED = [part({ model: "gpt", input: 5, output: 16, cacheRead: 200, cacheWrite: 50 })]

describe("a stream", () => {
  it.each(["completed", "incomplete", "failed", "cancelled"])(
    "that ended as %s says its usage there, and only there",
    (status) => {
      const heard = streamed(meter, namedEvents(created, text, ended(status)))
      expect(partsOf(heard)).toEqual(COUNTED)
      expect(heard.isFinal()).toBe(true)
      expect(heard.answerId()).toBe("resp_1")
    },
  )

  it("that failed without usage has no final word, and says why", () => {
    const failed = ended("failed", { error: { code: "server_error", message: "It broke" } })
    const heard = streamed(meter, namedEvents(created, failed))
    expect(heard.usage()).toBeNull()
    expect(heard.isFinal()).toBe(false)
    expect(heard.error()).toBe("It broke")
  })

  it("may say an error in an event of that name", () => {
    const heard = streamed(meter, namedEvents(created, { type: "error", message: "No quota" }))
    expect(heard.error()).toBe("No quota")
  })

  it("that is resumed ends with the same usage, under the same id", () => {
    const resumed = streamed(meter, namedEvents(text, ended("completed")))
    expect(partsOf(resumed)).toEqual(COUNTED)
    expect(resumed.answerId()).toBe("resp_1")
  })

  it("may name its events by their type alone", () => {
    expect(partsOf(streamed(meter, events(created, text, ended("completed"))))).toEqual(COUNTED)
  })

  it("that is cut has no final word, and tells how much it has seen, once", () => {
    const done = { type: "response.output_text.done", text: "hello".repeat(100) }
    const heard = streamed(meter, namedEvents(created, text, text, done))
    expect(heard.usage()).toBeNull()
    expect(heard.isFinal()).toBe(false)
    expect(heard.answerBytes()).toBeGreaterThanOrEqual(10)
    expect(heard.answerBytes()).toBeLessThan(100)
  })
})

describe("searches of the web", () => {
  const search = (action: object | undefined) => ({ type: "web_search_call", id: "ws", action })
  const SEARCH = search({ type: "search", query: "q" })

  it("are counted, and pages that were opened are not", () => {
    const output = [SEARCH, search({ type: "open_page" }), search(undefined), { type: "message" }]
    const heard = whole(meter, response("completed", { usage: USAGE, output }))
    expect(partsOf(heard)).toEqual([{ ...COUNTED[0], webSearches: 2 }])
  })

  it("are counted by the provider where it says so", () => {
    const tool_usage = { web_search: { num_requests: 3 } }
    const body = response("completed", { usage: USAGE, output: [SEARCH], tool_usage })
    expect(partsOf(whole(meter, body))).toEqual([{ ...COUNTED[0], webSearches: 3 }])
  })

  it("are counted as they are done where the last word does not list them", () => {
    const done = { type: "response.output_item.done", item: SEARCH }
    const heard = streamed(meter, namedEvents(created, done, done, ended("completed")))
    expect(partsOf(heard)).toEqual([{ ...COUNTED[0], webSearches: 2 }])
  })
})

it("images that a tool made are another model's part", () => {
  const body = response("completed", {
    usage: USAGE,
    tools: [{ type: "image_generation", model: "gpt-image" }],
    tool_usage: { image_gen: { input_tokens: 12, output_tokens: 1_056 } },
  })
  expect(partsOf(whole(meter, body))).toEqual([
    ...COUNTED,
    part({ model: "gpt-image", input: 12, output: 1_056 }),
  ])
})

it("a response that runs on in the background is not final", () => {
  expect(whole(meter, response("queued")).isFinal()).toBe(false)
  expect(whole(meter, response("completed", { usage: USAGE })).isFinal()).toBe(true)
})
