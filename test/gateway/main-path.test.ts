/** The way of a call that goes well: held, forwarded as it was, settled with the provider's count. */

import { gunzipSync, gzipSync } from "node:zlib"
import { afterEach, beforeEach, describe, expect, it } from "vitest"
import {
  anthropicBody,
  chatBody,
  MESSAGE,
  openWorld,
  REAL_KEY,
  type World,
} from "./gateway-world.ts"
import { send } from "./wire.ts"

let world: World
beforeEach(async () => {
  world = await openWorld()
})
afterEach(() => world.close())

const GEMINI = { contents: [{ role: "user", parts: [{ text: "Say something." }] }] }
const CALLS: readonly (readonly [string, string, string, object, boolean])[] = [
  [
    "Anthropic messages",
    "anthropic",
    "/v1/messages",
    { max_tokens: 500, messages: [MESSAGE] },
    true,
  ],
  [
    "Anthropic messages without v1",
    "anthropic",
    "/messages",
    { max_tokens: 500, messages: [MESSAGE] },
    true,
  ],
  [
    "Anthropic messages with a query",
    "anthropic",
    "/v1/messages?beta=true",
    { max_tokens: 500, messages: [MESSAGE] },
    true,
  ],
  ["OpenAI chat", "openai", "/v1/chat/completions", { messages: [MESSAGE], n: 2 }, true],
  ["OpenAI chat without v1", "openai", "/chat/completions", { messages: [MESSAGE] }, true],
  ["OpenAI completions", "openai", "/v1/completions", { prompt: "Say" }, true],
  ["OpenAI responses", "openai", "/v1/responses", { input: "Say something." }, true],
  ["OpenAI responses without v1", "openai", "/responses", { input: "Say something." }, true],
  ["OpenAI embeddings", "openai", "/v1/embeddings", { input: "Say something." }, false],
  ["Gemini", "google", "/v1beta/models/gemini-x:generateContent", GEMINI, false],
  ["Gemini below v1", "google", "/v1/models/gemini-x:generateContent", GEMINI, false],
  [
    "Gemini streaming",
    "google",
    "/v1beta/models/gemini-x:streamGenerateContent?alt=sse",
    GEMINI,
    false,
  ],
  [
    "Gemini streaming a list",
    "google",
    "/v1beta/models/gemini-x:streamGenerateContent",
    GEMINI,
    false,
  ],
  [
    "Gemini embeddings",
    "google",
    "/v1beta/models/gemini-x:embedContent",
    { content: GEMINI.contents[0] },
    false,
  ],
]

const settledWith = (w: World): unknown => w.agent.holds.map(({ end }) => end)

describe("a call", () => {
  for (const [name, provider, path, body, streams] of CALLS) {
    for (const stream of streams ? [false, true] : [false]) {
      it(`is metered: ${name}${stream ? ", as a stream" : ""}`, async () => {
        const model = provider === "google" ? {} : { model: "model-1" }
        const sent = JSON.stringify({ ...model, ...body, ...(stream ? { stream } : {}) })
        const answer = await send(`${world.base(provider)}${path}`, {
          headers: world.keyed(),
          body: sent,
        })
        expect(answer.status, answer.body.toString()).toBe(200)
        const [billed] = world.models.calls
        expect(world.models.calls).toHaveLength(1)
        const usage = {
          inputTokens: billed?.inputTokens,
          outputTokens: billed?.outputTokens,
          cacheReadTokens: 0,
          cacheWriteTokens: 0,
        }
        const costMicroUsd = 3 * (billed?.inputTokens ?? 0) + 15 * (billed?.outputTokens ?? 0)
        expect(settledWith(world)).toEqual([
          {
            kind: "settled",
            report: { usage, provenance: "reported", model: billed?.model, costMicroUsd },
          },
        ])
        expect(world.agent.holds[0]?.tokens).toBeGreaterThanOrEqual(
          (billed?.inputTokens ?? 0) + (billed?.outputTokens ?? 0),
        )
      })
    }
  }

  it("is held, durably, before the first byte of it leaves", async () => {
    const heldFirst = world.agent.until(({ holds }) => holds.length === 1)
    const done = send(`${world.base()}/v1/messages`, {
      headers: world.keyed(),
      body: anthropicBody(),
    })
    await heldFirst
    expect(world.models.calls).toHaveLength(0)
    await done
    expect(world.models.calls).toHaveLength(1)
  })

  it("is settled before the client sees the end of its answer", async () => {
    let open: readonly unknown[] = ["not seen"]
    await send(`${world.base()}/v1/messages`, {
      headers: world.keyed(),
      body: anthropicBody({ stream: true }),
      onEnd: () => {
        open = world.agent.open
      },
    })
    expect(open).toEqual([])
  })

  it("passes byte for byte where it has a cap that fits", async () => {
    const body = `{ "model":"claude-x",\n "max_tokens" : 100, "messages":[{"role":"user","content":"h\\u00e9"}] }`
    await send(`${world.base()}/v1/messages`, { headers: world.keyed(), body })
    expect(world.models.calls[0]?.body.toString()).toBe(body)
  })

  it("without a cap gets the default one", async () => {
    await send(`${world.base("openai")}/v1/responses`, {
      headers: world.keyed(),
      body: JSON.stringify({ model: "gpt-x", input: "Say something." }),
    })
    expect(world.models.calls[0]?.cap).toBe(32_000)
    expect(world.agent.holds[0]?.ask.bound.outputTokens).toEqual({ least: 256, most: 32_000 })
  })

  it("keeps its credential between agent and gateway: the provider gets the real key", async () => {
    for (const [provider, path, header] of [
      ["anthropic", "/v1/messages", "x-api-key"],
      ["openai", "/v1/chat/completions", "authorization"],
      ["google", "/v1beta/models/m:generateContent", "x-goog-api-key"],
    ] as const) {
      const body = provider === "google" ? JSON.stringify(GEMINI) : anthropicBody()
      const headers = { authorization: `Bearer ${world.admitted.key}`, "x-goog-api-key": "child" }
      await send(`${world.base(provider)}${path}?key=${world.admitted.key}&a=b`, { headers, body })
      const call = world.models.calls.at(-1)
      const seen = { ...call?.headers }
      expect(String(seen[header])).toContain(REAL_KEY)
      for (const name of ["x-api-key", "authorization", "x-goog-api-key"]) {
        if (name !== header) expect(seen[name]).toBeUndefined()
      }
      expect(call?.query).toBe("a=b")
    }
    expect(world.logged.join("")).not.toContain(REAL_KEY)
    expect(world.logged.join("")).not.toContain(world.admitted.key)
    expect(world.logged.join("")).not.toContain(world.admitted.token)
  })
})

describe("usage that must be asked for", () => {
  it("is asked for, and hidden from a client that did not ask", async () => {
    const url = `${world.base("openai")}/v1/chat/completions`
    const answer = await send(url, { headers: world.keyed(), body: chatBody({ stream: true }) })
    expect(world.models.calls[0]?.body.toString()).toContain(`"include_usage":true`)
    expect(answer.body.toString()).not.toContain(`"prompt_tokens"`)
    expect(answer.body.toString()).toContain("[DONE]")
  })

  it("stays for a client that asked itself", async () => {
    const url = `${world.base("openai")}/v1/chat/completions`
    const options = { stream: true, stream_options: { include_usage: true } }
    const answer = await send(url, { headers: world.keyed(), body: chatBody(options) })
    expect(answer.body.toString()).toContain(`"prompt_tokens"`)
  })
})

describe("compressed bodies", () => {
  it("of requests are read, and leave as they came where nothing is put in", async () => {
    const body = gzipSync(anthropicBody())
    const headers = world.keyed({ "content-encoding": "gzip" })
    await send(`${world.base()}/v1/messages`, { headers, body })
    expect(world.models.calls[0]?.headers["content-encoding"]).toBe("gzip")
    expect(world.models.calls[0]?.body.toString()).toBe(anthropicBody())
  })

  it("of requests that are changed leave plain", async () => {
    const headers = world.keyed({ "content-encoding": "gzip" })
    await send(`${world.base("openai")}/v1/chat/completions`, {
      headers,
      body: gzipSync(chatBody()),
    })
    const [call] = world.models.calls
    expect(call?.headers["content-encoding"]).toBeUndefined()
    expect(call?.headers["content-length"]).toBe(String(call?.body.length))
    expect(call?.cap).toBe(32_000)
  })

  it("that expand beyond the bound are refused", async () => {
    const small = await openWorld({ settings: { bodyBytesMax: 50_000 } })
    const headers = small.keyed({ "content-encoding": "gzip" })
    const body = gzipSync(Buffer.alloc(60_000))
    const answer = await send(`${small.base()}/v1/messages`, { headers, body })
    await small.close()
    expect(answer.status).toBe(413)
    expect(small.agent.asks).toEqual([])
  })

  for (const stream of [false, true]) {
    it(`of answers pass as they came and are read along${stream ? ", as streams" : ""}`, async () => {
      world.models.fault = { kind: "gzip" }
      const headers = world.keyed({ "accept-encoding": "gzip" })
      const sent = { headers, body: anthropicBody({ stream }) }
      const answer = await send(`${world.base()}/v1/messages`, sent)
      expect(answer.headers["content-encoding"]).toBe("gzip")
      expect(gunzipSync(answer.body).toString()).toContain("tok tok")
      expect(world.models.calls[0]?.headers["accept-encoding"]).toBe("gzip")
      expect(settledWith(world)).toMatchObject([
        { kind: "settled", report: { provenance: "reported", usage: { outputTokens: 50 } } },
      ])
    })
  }
})

describe("what costs nothing", () => {
  it("passes without a hold: models, token counts, listed free paths", async () => {
    const { base, keyed, agent, models } = world
    const headers = keyed()
    const look = { method: "GET", headers }
    expect((await send(`${base("openai")}/v1/models`, look)).status).toBe(200)
    expect((await send(`${base("openai")}/models`, look)).status).toBe(200)
    expect((await send(`${base("google")}/v1beta/models/m`, look)).status).toBe(200)
    const counted = await send(`${base()}/v1/messages/count_tokens`, {
      headers,
      body: anthropicBody(),
    })
    expect(JSON.parse(counted.body.toString())).toMatchObject({ input_tokens: expect.any(Number) })
    const google = `${base("google")}/v1beta/models/m:countTokens`
    expect((await send(google, { headers, body: JSON.stringify(GEMINI) })).status).toBe(200)
    const upload = await send(`${base("openai")}/v1/files/f1`, {
      headers,
      body: "x".repeat(500_000),
    })
    expect(upload.status).toBe(200)
    expect(models.free).toHaveLength(6)
    expect(agent.asks).toEqual([])
  })

  it("is answered here for probes", async () => {
    for (const [method, path] of [
      ["HEAD", "/api/hello"],
      ["GET", "/"],
      ["HEAD", "/v1/anything"],
    ] as const) {
      const answer = await send(`${world.base()}${path}`, { method })
      expect(answer.status).toBe(200)
    }
    expect(world.models.free).toEqual([])
  })
})
