/** Who may call: a key and a path of its own for each agent, dead when it is; and no key of ours leaks. */
import { afterEach, describe, expect, it } from "vitest"
import { BudgetedAgent } from "./budgeted-agent.ts"
import {
  anthropicBody,
  chatBody,
  openWorld,
  REAL_KEY,
  type World,
  type WorldOptions,
} from "./gateway-world.ts"
import { begin, closedPort, send, sendRaw } from "./wire.ts"

let world: World | null = null
afterEach(async () => {
  await world?.close()
  world = null
})

const open = async (options: WorldOptions = {}): Promise<World> => {
  world = await openWorld(options)
  return world
}

const post = (url: string, headers: Record<string, string>) =>
  send(url, { headers, body: url.includes("chat") ? chatBody() : anthropicBody() })

describe("an agent", () => {
  it("has a key and a token of 256 bits, like nobody else's", async () => {
    const w = await open()
    const other = w.gateway.admit(new BudgetedAgent({ agentId: "worker-2" }))
    for (const { key, token } of [w.admitted, other]) {
      expect(Buffer.from(token, "base64url")).toHaveLength(32)
      expect(Buffer.from(key.replace("stint-", ""), "base64url")).toHaveLength(32)
    }
    expect(new Set([w.admitted.key, other.key, w.admitted.token, other.token]).size).toBe(4)
  })

  it("shows its key where its SDK puts it", async () => {
    const w = await open()
    const { key } = w.admitted
    const url = `${w.base()}/v1/messages`
    expect((await post(url, { "x-api-key": key })).status).toBe(200)
    expect((await post(url, { authorization: `Bearer ${key}` })).status).toBe(200)
    expect((await post(url, { "x-goog-api-key": key })).status).toBe(200)
    expect((await post(`${url}?key=${key}`, {})).status).toBe(200)
  })

  it("is known by its key alone, without its path", async () => {
    const w = await open()
    const other = new BudgetedAgent({ agentId: "worker-2" })
    const { key } = w.gateway.admit(other)
    const url = `http://127.0.0.1:${w.gateway.port}/v1/messages`
    expect((await post(url, { "x-api-key": key })).status).toBe(200)
    expect(other.holds).toHaveLength(1)
    expect(w.agent.holds).toHaveLength(0)
  })

  it("may not spend the gateway's key by its path alone, nor with another's", async () => {
    const w = await open()
    const other = w.gateway.admit(new BudgetedAgent({ agentId: "worker-2" }))
    const url = `${w.base()}/v1/messages`
    const shown = [
      {},
      { "x-api-key": other.key },
      { "x-api-key": "sk-guess" },
      { "x-api-key": w.admitted.token },
    ]
    for (const headers of shown) {
      const answer = await post(url, headers as Record<string, string>)
      expect(answer.status).toBe(401)
      expect(JSON.parse(answer.body.toString())).toMatchObject({
        error: { type: "authentication_error" },
      })
    }
    const stranger = `http://127.0.0.1:${w.gateway.port}/a/AAAA/anthropic/v1/messages`
    expect((await post(stranger, { "x-api-key": w.admitted.key })).status).toBe(401)
    expect(w.models.calls).toEqual([])
    expect(w.agent.asks).toEqual([])
  })

  it("that is revoked finishes what it began and starts nothing more", async () => {
    const w = await open()
    let release: () => void = () => undefined
    const released = new Promise<void>((resolve) => {
      release = resolve
    })
    w.models.fault = { kind: "stepwise", next: () => released }
    const sent = { headers: w.keyed(), body: anthropicBody({ stream: true }) }
    const call = begin(`${w.base()}/v1/messages`, sent)
    await w.agent.until(({ holds }) => holds.length === 1)
    w.admitted.revoke()
    expect((await post(`${w.base()}/v1/messages`, w.keyed())).status).toBe(401)
    release()
    expect((await call.answer).body.toString()).toContain("message_stop")
    expect(w.agent.open).toEqual([])
  })

  it("without a key of the gateway's passes its own credential, known by its path", async () => {
    const w = await open({ key: null })
    const headers = { authorization: "Bearer its-own", "x-api-key": "its-own-too" }
    expect((await post(`${w.base()}/v1/messages?key=mine`, headers)).status).toBe(200)
    const [call] = w.models.calls
    expect(call?.headers).toMatchObject(headers)
    expect(call?.query).toBe("key=mine")
  })

  it("may be let use its own credential although the gateway has a key", async () => {
    const w = await open({ admit: { ownCredential: true } })
    await post(`${w.base()}/v1/messages`, { authorization: "Bearer its-own" })
    expect(w.models.calls[0]?.headers.authorization).toBe("Bearer its-own")
    expect(JSON.stringify(w.models.calls[0]?.rawHeaders)).not.toContain(REAL_KEY)
  })
})

describe("a real key", () => {
  it("is in no answer of ours and in no log, whatever fails", async () => {
    const w = await open({ upstream: { baseUrl: `http://127.0.0.1:${await closedPort()}` } })
    const urls = ["/v1/messages", "/v1/nothing", "/v1/messages/count_tokens", "/v1//x"]
    for (const path of urls) {
      const answer = await post(`${w.base()}${path}`, w.keyed())
      expect(answer.status).toBeGreaterThanOrEqual(400)
      const said = answer.body.toString() + answer.rawHeaders.join()
      for (const secret of [REAL_KEY, w.admitted.key, w.admitted.token]) {
        expect(said).not.toContain(secret)
        expect(w.logged.join("")).not.toContain(secret)
      }
    }
  })
})

describe("a request cannot reach another host", () => {
  const lines = (w: World, target: string, more: readonly string[] = []): string =>
    [
      `POST ${target} HTTP/1.1`,
      ...(more.some((line) => line.startsWith("Host:"))
        ? []
        : [`Host: 127.0.0.1:${w.gateway.port}`]),
      `x-api-key: ${w.admitted.key}`,
      "connection: close",
      ...more,
      ...(more.some((line) => /^(content-length|transfer-encoding)/i.test(line))
        ? []
        : ["content-length: 2"]),
      "",
      "{}",
    ].join("\r\n")

  for (const target of [
    "http://evil.example/v1/messages",
    "//evil.example/v1/messages",
    "/a/TOKEN/anthropic/../../evil",
    "/a/TOKEN/anthropic/v1%2f..%2fmessages",
  ]) {
    it(`by the target ${target}`, async () => {
      const w = await open()
      const heard = await sendRaw(
        w.gateway.port,
        lines(w, target.replace("TOKEN", w.admitted.token)),
      )
      expect(heard).toMatch(/^HTTP\/1\.1 400 /)
      expect(w.models.calls).toEqual([])
    })
  }

  it("by its Host header, which must be the gateway's own", async () => {
    const w = await open()
    const target = `/a/${w.admitted.token}/anthropic/v1/messages`
    for (const host of ["evil.example", `evil.example:${w.gateway.port}`, "127.0.0.1:1"]) {
      const heard = await sendRaw(w.gateway.port, lines(w, target, [`Host: ${host}`]))
      expect(heard).toMatch(/^HTTP\/1\.1 403 /)
    }
    expect(w.models.calls).toEqual([])
  })

  for (const smuggled of [
    ["content-length: 2", "content-length: 3"],
    ["content-length: 2", "transfer-encoding: chunked"],
    ["transfer-encoding: chunked, identity"],
    ["transfer-encoding : chunked"],
    ["content-length: 2", " folded: yes"],
  ]) {
    it(`by framing that reads in two ways: ${smuggled.join(" | ")}`, async () => {
      const w = await open()
      const target = `/a/${w.admitted.token}/anthropic/v1/messages`
      const heard = await sendRaw(w.gateway.port, lines(w, target, smuggled))
      expect(heard).toMatch(/^HTTP\/1\.1 400 /)
      expect(w.models.calls).toEqual([])
    })
  }

  it("by CONNECT", async () => {
    const w = await open()
    const heard = await sendRaw(
      w.gateway.port,
      `CONNECT evil.example:443 HTTP/1.1\r\nHost: 127.0.0.1:${w.gateway.port}\r\n\r\n`,
    )
    expect(heard).toBe("")
  })

  it("by what it says of where it came from", async () => {
    const w = await open()
    const headers = { "x-forwarded-host": "evil.example", forwarded: "host=evil", ...w.keyed() }
    await post(`${w.base()}/v1/messages`, headers)
    const [call] = w.models.calls
    expect(call?.headers.host).toBe(`127.0.0.1:${w.models.port}`)
    expect(call?.headers["x-forwarded-host"]).toBeUndefined()
    expect(call?.headers.forwarded).toBeUndefined()
  })
})
