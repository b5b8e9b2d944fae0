/** Providers that break HTTP, or only bend it: one end for each hold, one answer for each call. */
import { afterEach, describe, expect, it } from "vitest"
import { DIALECTS } from "../../src/gateway/dialects/dialects.ts"
import type { HoldEnd } from "./budgeted-agent.ts"
import { anthropicBody, openWorld, type World, type WorldOptions } from "./gateway-world.ts"
import { answered, type RawUpstream, startRawUpstream, wholeAnswer } from "./raw-upstream.ts"
import { type Answer, send, sendRaw } from "./wire.ts"

let world: World | null = null
let upstream: RawUpstream | null = null
afterEach(async () => {
  await world?.close()
  await upstream?.close()
  world = upstream = null
})

/** The first call gets these bytes, and the end of the connection; each later one a good answer. */
const open = async (first: string | Buffer, options: WorldOptions & { ends?: boolean } = {}) => {
  upstream = await startRawUpstream((socket, at) => {
    socket.write(at === 0 ? first : answered(OK), () => {
      if (at === 0 && options.ends === true) socket.end()
    })
  })
  world = await openWorld({ upstream: { baseUrl: upstream.url }, ...options })
  return { w: world, up: upstream }
}

const OK = "HTTP/1.1 200 OK\r\n"

const ask = (w: World): Promise<Answer> =>
  send(`${w.base()}/v1/messages`, { headers: w.keyed(), body: anthropicBody() })

const askRaw = (w: World): Promise<string> => {
  const body = anthropicBody()
  const line = `POST /a/${w.admitted.token}/anthropic/v1/messages HTTP/1.1`
  const head = [line, `Host: 127.0.0.1:${w.gateway.port}`, `x-api-key: ${w.admitted.key}`]
  const framing = [`Content-Length: ${body.length}`, "Connection: close", "", body]
  return sendRaw(w.gateway.port, [...head, ...framing].join("\r\n"))
}

const ends = (w: World): readonly (HoldEnd["kind"] | undefined)[] =>
  w.agent.holds.map(({ end }) => end?.kind)

describe("an answer", () => {
  for (const [what, phrase, passed] of [
    ["UTF-8", Buffer.from("Très bien €"), "Très bien €"],
    // What is no UTF-8 is lost in undici already.
    ["latin1", Buffer.from("Tr\u00e8s bien", "latin1"), "Tr\ufffds bien"],
    ["nothing", Buffer.from(""), ""],
    ["control characters", Buffer.from("\u0001OK\u007f"), "OK"],
  ] as const) {
    for (const body of [wholeAnswer, ""]) {
      it(`of ${body.length} bytes whose reason phrase is ${what} passes`, async () => {
        const head = [Buffer.from("HTTP/1.1 200 "), phrase, Buffer.from("\r\n")]
        const { w } = await open(Buffer.concat([...head, Buffer.from(answered("", body))]))
        const heard = await askRaw(w)
        const [line = ""] = heard.split("\r\n", 1)
        expect(Buffer.from(line, "latin1").toString()).toBe(`HTTP/1.1 200 ${passed}`)
        expect(heard.endsWith(`\r\n\r\n${body}`)).toBe(true)
        expect(ends(w)).toEqual([body === "" ? "charged" : "settled"])
      })
    }
  }

  it("that is announced by others before it is the one that passes", async () => {
    const hints = "HTTP/1.1 103 Early Hints\r\nLink: </a>; rel=preload\r\n\r\n"
    const { w } = await open(`HTTP/1.1 102 Processing\r\n\r\n${hints}${answered(OK)}`)
    const answer = await ask(w)
    expect(answer.body.toString()).toBe(wholeAnswer)
    expect(answer.headers.link).toBeUndefined()
    expect(ends(w)).toEqual(["settled"])
  })

  it("that ends with its connection passes and is settled", async () => {
    const head = "HTTP/1.0 200 OK\r\nContent-Type: application/json\r\n\r\n"
    const { w } = await open(`${head}${wholeAnswer}`, { ends: true })
    const answer = await ask(w)
    expect(answer.wasCut).toBe(false)
    expect(answer.body.toString()).toBe(wholeAnswer)
    expect(ends(w)).toEqual(["settled"])
  })

  for (const [what, framing] of [
    ["within a chunk", `Transfer-Encoding: chunked\r\n\r\nfff\r\n{"id":"msg_1"`],
    ["between chunks", `Transfer-Encoding: chunked\r\n\r\n4\r\n{"id\r\n`],
    ["before its length", `Content-Length: 400\r\n\r\n{"id":"msg_1"`],
  ]) {
    it(`whose connection ends ${what} is cut for the client, and charged`, async () => {
      const { w } = await open(`${OK}Connection: close\r\n${framing}`, { ends: true })
      expect((await ask(w)).wasCut).toBe(true)
      expect(ends(w)).toEqual(["charged"])
    })
  }

  it("that is not HTTP is told as that, for whoever mistyped an address", async () => {
    const { w } = await open("SSH-2.0-OpenSSH_9.2\r\n")
    const { status, body } = await ask(w)
    expect([status, body.toString()]).toEqual([
      502,
      expect.stringContaining("(what came is not HTTP)"),
    ])
    expect(ends(w)).toEqual(["charged"])
  })

  it("that nobody asked for never becomes that of the next call", async () => {
    const stranger = answered(OK, `{"of":"nobody"}`)
    const { w } = await open(`${answered(OK)}${stranger}`)
    for (let at = 0; at < 3; at += 1) expect((await ask(w)).body.toString()).toBe(wholeAnswer)
    expect(ends(w)).toEqual(["settled", "settled", "settled"])
  })

  it("at whose end its meter breaks is charged, and the client has it all the same", async () => {
    const spoken = DIALECTS["anthropic-messages"]
    const broken: typeof spoken = {
      ...spoken,
      meter: (request) => ({
        ...spoken.meter(request),
        whole: () => {
          throw new Error("a meter that breaks")
        },
      }),
    }
    const dialects = { ...DIALECTS, "anthropic-messages": broken }
    const { w } = await open(answered(OK), { dialects })
    expect((await ask(w)).body.toString()).toBe(wholeAnswer)
    expect(ends(w)).toEqual(["charged"])
  })
})

describe("a call", () => {
  it("that a kept connection ends at is charged, and not sent again", async () => {
    upstream = await startRawUpstream((socket, at) => {
      if (at === 0) socket.write(answered(OK))
      else socket.resetAndDestroy()
    })
    world = await openWorld({ upstream: { baseUrl: upstream.url } })
    await ask(world)
    expect((await ask(world)).status).toBe(502)
    expect(ends(world)).toEqual(["settled", "charged"])
    expect(upstream.heard().match(/POST \S+ HTTP/g)).toHaveLength(2)
    expect(upstream.sockets).toHaveLength(1)
  })

  it("that cannot be written as HTTP never leaves: its hold is given back, the client told", async () => {
    const { w, up } = await open(answered(OK), { key: "sk-no\nheader" })
    const answer = await ask(w)
    expect(answer.status).toBe(502)
    expect(answer.body.toString()).toContain("nothing was sent")
    expect(ends(w)).toEqual(["voided"])
    expect(up.heard()).toBe("")
  })
})
