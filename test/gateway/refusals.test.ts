/** How the gateway says no: the vendor's shape, the reason in words, and no invitation to retry. */
import { afterEach, describe, expect, it } from "vitest"
import {
  anthropicBody,
  chatBody,
  openWorld,
  type World,
  type WorldOptions,
} from "./gateway-world.ts"
import { type Answer, begin, send } from "./wire.ts"

let world: World | null = null
afterEach(async () => {
  await world?.close()
  world = null
})

const open = async (options: WorldOptions = {}): Promise<World> => {
  world = await openWorld(options)
  return world
}

const errorOf = (answer: Answer) => JSON.parse(answer.body.toString()).error

const GEMINI = JSON.stringify({ contents: [{ role: "user", parts: [{ text: "Say" }] }] })
const PLACES = [
  ["anthropic", "/v1/messages", anthropicBody(), 402],
  ["openai", "/v1/chat/completions", chatBody(), 402],
  ["openai", "/v1/responses", JSON.stringify({ model: "m", input: "Say" }), 400],
  ["google", "/v1beta/models/m:generateContent", GEMINI, 402],
] as const

describe("a budget that is used up", () => {
  for (const [provider, path, body, status] of PLACES) {
    it(`is told as ${status} on ${path}, with all its numbers`, async () => {
      const w = await open({ agent: { limit: 10 } })
      const answer = await send(`${w.base(provider)}${path}`, { headers: w.keyed(), body })
      expect(answer.status).toBe(status)
      expect(answer.headers["x-should-retry"]).toBe("false")
      expect(answer.headers["retry-after"]).toBeUndefined()
      const { message } = errorOf(answer)
      expect(message).toContain(`Budget exhausted for agent "worker-1": agent_token_limit`)
      expect(message).toMatch(/asked \d+, used 0 and held 0 of 10/)
      expect(w.models.calls).toEqual([])
    })
  }

  it("says when it resets", async () => {
    const refusal = { reason: "daily_token_limit", limit: 9, never: false } as const
    const w = await open({
      agent: { refusal: { ...refusal, retryAt: "2026-03-11T00:00:00.000Z" } },
    })
    const answer = await send(`${w.base()}/v1/messages`, {
      headers: w.keyed(),
      body: anthropicBody(),
    })
    expect(errorOf(answer).message).toContain("try again at 2026-03-11T00:00:00.000Z")
    expect(answer.body.toString()).toContain(`"retryAt":"2026-03-11T00:00:00.000Z"`)
  })

  it("is not told for a ledger that cannot be written: the reason is", async () => {
    const w = await open({ agent: { refusal: { reason: "ledger_unavailable" } } })
    const answer = await send(`${w.base()}/v1/messages`, {
      headers: w.keyed(),
      body: anthropicBody(),
    })
    expect(answer.status).toBe(402)
    expect(errorOf(answer).message).toContain("the ledger cannot be written")
    // Asked once: where nobody decides, it does not stand in line.
    expect(w.agent.asks).toHaveLength(1)
  })
})

describe("a call that cannot be bounded", () => {
  it("says why, and what to do", async () => {
    const w = await open()
    const tools = [{ type: "web_search_20250305", name: "web_search" }]
    const answer = await send(`${w.base()}/v1/messages`, {
      headers: w.keyed(),
      body: anthropicBody({ tools }),
    })
    expect(answer.status).toBe(402)
    expect(errorOf(answer).message).toContain("--allow-unbounded")
    expect(w.models.calls).toEqual([])
  })

  it("passes where limits are soft, and is settled", async () => {
    const w = await open({ agent: { isSoft: true } })
    const tools = [{ type: "web_search_20250305", name: "web_search" }]
    const answer = await send(`${w.base()}/v1/messages`, {
      headers: w.keyed(),
      body: anthropicBody({ tools }),
    })
    expect(answer.status).toBe(200)
    expect(w.agent.holds[0]?.ask.isBounded).toBe(false)
    expect(w.agent.holds[0]?.end?.kind).toBe("settled")
  })
})

describe("a call near the limit", () => {
  const text = "word ".repeat(2_000)
  const body = anthropicBody({ max_tokens: 300, messages: [{ role: "user", content: text }] })

  it("is asked for by bytes, then by the provider's count and a margin", async () => {
    const w = await open({ agent: { limit: 6_000 } })
    const answer = await send(`${w.base()}/v1/messages`, { headers: w.keyed(), body })
    expect(answer.status, answer.body.toString()).toBe(200)
    const [byBytes, byCount] = w.agent.asks
    const [counted] = w.models.free
    expect(counted).toBe("/messages/count_tokens")
    expect(byBytes).toMatchObject({ isTentative: true, queue: false })
    expect(byCount).toMatchObject({ isTentative: false, queue: true })
    const input = w.models.calls[0]?.inputTokens ?? 0
    expect(byBytes?.bound.inputTokens).toBeGreaterThan(6_000)
    expect(byCount?.bound.inputTokens).toBeGreaterThan(input)
    expect(byCount?.bound.inputTokens).toBeLessThan(input * 1.2)
    expect(w.agent.used).toBeLessThanOrEqual(w.agent.holds[0]?.tokens ?? 0)
  })

  it("is refused for good only by its count", async () => {
    const w = await open({ agent: { limit: 2_000 } })
    const answer = await send(`${w.base()}/v1/messages`, { headers: w.keyed(), body })
    expect(answer.status).toBe(402)
    expect(w.agent.asks.map(({ isTentative }) => isTentative)).toEqual([true, false])
  })

  it("stands by its bytes where the provider gives no count", async () => {
    const w = await open({ agent: { limit: 6_000 } })
    w.models.countedTokens = null
    const answer = await send(`${w.base()}/v1/messages`, { headers: w.keyed(), body })
    expect(answer.status).toBe(402)
    expect(w.agent.asks.map(({ bound }) => bound.inputTokens > 6_000)).toEqual([true, true])
  })

  for (const [provider, path, sent, counts] of [
    ["openai", "/v1/responses", { model: "m", input: text }, "/responses/input_tokens"],
    [
      "google",
      "/v1beta/models/m:generateContent",
      { contents: [{ role: "user", parts: [{ text }] }] },
      "/models/m:countTokens",
    ],
  ] as const) {
    it(`is counted on ${counts}`, async () => {
      const w = await open({ agent: { limit: 6_000 } })
      const url = `${w.base(provider)}${path}`
      const answer = await send(url, { headers: w.keyed(), body: JSON.stringify(sent) })
      expect(answer.status, answer.body.toString()).toBe(200)
      expect(w.models.free).toEqual([counts])
      expect(w.models.calls[0]?.cap).toBe(w.agent.holds[0]?.outputTokens)
    })
  }

  it("with an image passes by the provider's count", async () => {
    const w = await open()
    const source = { type: "base64", media_type: "image/png", data: "aGk=" }
    const content = [
      { type: "image", source },
      { type: "text", text: "What is it?" },
    ]
    const answer = await send(`${w.base()}/v1/messages`, {
      headers: w.keyed(),
      body: anthropicBody({ messages: [{ role: "user", content }] }),
    })
    expect(answer.status, answer.body.toString()).toBe(200)
    expect(w.agent.asks.map(({ isBounded }) => isBounded)).toEqual([false, true])
  })

  it("has its answer cut to what fits", async () => {
    const w = await open({ agent: { limit: 1_500 } })
    w.models.answerTokens = 5_000
    const long = anthropicBody({ max_tokens: 4_000 })
    await send(`${w.base()}/v1/messages`, { headers: w.keyed(), body: long })
    const granted = w.agent.holds[0]?.outputTokens
    expect(granted).toBeLessThan(1_500)
    expect(w.models.calls[0]?.cap).toBe(granted)
    expect(w.agent.used).toBeLessThanOrEqual(1_500)
  })
})

describe("a call that waits in line", () => {
  it("is sent nothing until it is decided, then its answer", async () => {
    const w = await open({ agent: { limit: 3_200 } })
    let release: () => void = () => undefined
    const released = new Promise<void>((resolve) => {
      release = resolve
    })
    w.models.fault = { kind: "stepwise", next: () => released }
    const url = `${w.base("openai")}/v1/chat/completions`
    const body = chatBody({ max_tokens: 2_500, stream: true })
    const first = begin(url, { headers: w.keyed(), body })
    await w.agent.until(({ holds }) => holds.length === 1)
    const second = begin(url, { headers: w.keyed(), body })
    await w.agent.until(({ inLine }) => inLine === 1)
    for (let turn = 0; turn < 200; turn += 1) await new Promise((resolve) => setImmediate(resolve))
    expect(w.models.calls).toHaveLength(1)
    expect(w.agent.inLine).toBe(1)
    release()
    expect((await first.answer).status).toBe(200)
    expect((await second.answer).status).toBe(200)
    expect(w.agent.holds).toHaveLength(2)
  })

  it("is answered as things are when it has waited enough", async () => {
    const w = await open({ agent: { limit: 3_200 }, settings: { waitMs: 50 } })
    const never = new Promise<void>(() => undefined)
    w.models.fault = { kind: "stepwise", next: () => never }
    const url = `${w.base("openai")}/v1/chat/completions`
    const body = chatBody({ max_tokens: 2_500, stream: true })
    begin(url, { headers: w.keyed(), body })
    await w.agent.until(({ holds }) => holds.length === 1)
    const answer = await send(url, { headers: w.keyed(), body })
    expect(answer.status).toBe(402)
    expect(w.agent.asks.map(({ queue }) => queue)).toEqual([true, true, false])
  })
})

describe("winding down", () => {
  it("is told in a header, and to the model where that is switched on", async () => {
    for (const wrapUpNote of [false, true]) {
      const w = await openWorld({ agent: { wrapUp: 1_234 }, settings: { wrapUpNote } })
      const sent = { headers: w.keyed(), body: anthropicBody() }
      const answer = await send(`${w.base()}/v1/messages`, sent)
      await w.close()
      expect(answer.headers["x-stint-wrap-up"]).toBe("1234")
      const asked = w.models.calls[0]?.body.toString()
      expect(asked?.includes("about 1234 tokens are left")).toBe(wrapUpNote)
    }
  })
})

describe("what is no call", () => {
  it("is refused in the vendor's words: paths that cannot be metered", async () => {
    const w = await open()
    const answer = await send(`${w.base("openai")}/v1/images/generations`, {
      headers: w.keyed(),
      body: "{}",
    })
    expect(answer.status).toBe(404)
    expect(errorOf(answer)).toMatchObject({ code: "not_metered" })
    expect(errorOf(answer).message).toContain("POST /images/generations")
  })

  it("is refused: a body that is no JSON, with a key twice, or too long", async () => {
    const w = await open({ settings: { bodyBytesMax: 10_000 } })
    const url = `${w.base()}/v1/messages`
    const twice = `{"max_tokens":5,${anthropicBody().slice(1)}`
    for (const [body, status] of [
      ["{", 400],
      [twice, 400],
      ["x".repeat(20_000), 413],
    ] as const) {
      const answer = await send(url, { headers: w.keyed(), body })
      expect(answer.status).toBe(status)
      expect(answer.headers["x-should-retry"]).toBe("false")
    }
    const chunked = await send(url, {
      headers: w.keyed({ "transfer-encoding": "chunked" }),
      body: "x".repeat(300_000),
    })
    expect(chunked.status).toBe(413)
    expect(w.agent.asks).toEqual([])
  })

  it("is declined with 426: a WebSocket for responses", async () => {
    const w = await open()
    const headers = w.keyed({
      connection: "Upgrade",
      upgrade: "websocket",
      "sec-websocket-key": "x",
    })
    const answer = await send(`${w.base("openai")}/v1/responses`, { method: "GET", headers })
    expect(answer.status).toBe(426)
  })

  it("is refused: a provider that is not configured, or not for this agent", async () => {
    const w = await open({ admit: { providers: ["openai"] } })
    const headers = w.keyed()
    const other = await send(`${w.base()}/v1/messages`, { headers, body: anthropicBody() })
    expect(other.status).toBe(403)
    const own = await send(`${w.base("openai")}/v1/chat/completions`, { headers, body: chatBody() })
    expect(own.status).toBe(200)
  })
})
