/** What passes the gateway is what was sent: heads, trailers, chunks at their pace, old clients. */
import { Agent, type IncomingMessage } from "node:http"
import { connect, type Socket } from "node:net"
import { afterEach, describe, expect, it } from "vitest"
import {
  anthropicBody,
  chatBody,
  openWorld,
  type World,
  type WorldOptions,
} from "./gateway-world.ts"
import { begin, send, sendRaw } from "./wire.ts"

let world: World | null = null
afterEach(async () => {
  await world?.close()
  world = null
})

const open = async (options: WorldOptions = {}): Promise<World> => {
  world = await openWorld(options)
  return world
}

const nextChunk = (response: IncomingMessage): Promise<string> =>
  new Promise((resolve) => response.once("data", (chunk: Buffer) => resolve(chunk.toString())))

describe("heads", () => {
  it("of requests keep order and case, but for what belongs to one connection", async () => {
    const w = await open()
    const raw = [
      "Accept",
      "a",
      "X-Api-Key",
      w.admitted.key,
      "anthropic-BETA",
      "b1",
      "ANTHROPIC-beta",
      "b2",
    ]
    const own = [
      "TE",
      "trailers",
      "Connection",
      "keep-alive, X-Hop",
      "X-Hop",
      "1",
      "Proxy-Authorization",
      "p",
      "Keep-Alive",
      "timeout=5",
      "Upgrade",
      "h2c",
    ]
    const host = ["Host", `127.0.0.1:${w.gateway.port}`]
    const body = anthropicBody()
    const { status } = await send(`${w.base()}/v1/messages`, {
      headers: [...host, ...raw, ...own, "Content-Length", String(body.length)],
      body,
    })
    expect(status).toBe(200)
    const seen = w.models.calls[0]?.rawHeaders ?? []
    expect(seen.slice(0, 2)).toEqual(["host", `127.0.0.1:${w.models.port}`])
    const ours = seen.indexOf("Accept")
    expect(seen.slice(ours, ours + 6)).toEqual([
      ...["Accept", "a", "anthropic-BETA", "b1", "ANTHROPIC-beta", "b2"],
    ])
    const names = seen.filter((_, at) => at % 2 === 0).map((name) => name.toLowerCase())
    for (const name of ["x-hop", "te", "proxy-authorization", "keep-alive", "upgrade"]) {
      expect(names).not.toContain(name)
    }
  })

  it("of answers keep order and case", async () => {
    const w = await open()
    const answer = await send(`${w.base()}/v1/messages`, {
      headers: w.keyed(),
      body: anthropicBody(),
    })
    expect(answer.rawHeaders.slice(0, 4)).toEqual([
      ...["Content-Type", "application/json", "X-Request-Id", "answer-1"],
    ])
    expect(answer.headers["content-length"]).toBe(String(answer.body.length))
  })
})

describe("a stream", () => {
  it("arrives event by event, as the provider sends it", async () => {
    const w = await open()
    const gates: (() => void)[] = []
    w.models.fault = {
      kind: "stepwise",
      next: () => new Promise<void>((resolve) => gates.push(resolve)),
    }
    const url = `${w.base("openai")}/v1/chat/completions`
    const call = begin(url, { headers: w.keyed(), body: chatBody({ stream: true }) })
    const step = async (): Promise<void> => {
      while (gates.length === 0) await new Promise((resolve) => setImmediate(resolve))
      gates.shift()?.()
    }
    await step()
    const response = await call.head
    await step()
    expect(await nextChunk(response)).toContain("data: ")
    for (let at = 0; at < 3; at += 1) {
      const arrived = nextChunk(response)
      await step()
      expect(await arrived).toContain("tok")
    }
    for (let at = 0; at < 4; at += 1) await step()
    expect((await call.answer).body.toString()).toContain("[DONE]")
  })
})

describe("clients", () => {
  it("that speak HTTP/1.0 get a plain body and a closed connection", async () => {
    const w = await open()
    const body = anthropicBody({ stream: true })
    const heard = await sendRaw(
      w.gateway.port,
      `POST /a/${w.admitted.token}/anthropic/v1/messages HTTP/1.0\r\nHost: 127.0.0.1:${w.gateway.port}\r\nx-api-key: ${w.admitted.key}\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
    )
    expect(heard).toMatch(/^HTTP\/1\.1 200 /)
    expect(heard).not.toMatch(/transfer-encoding/i)
    expect(heard).toMatch(/message_stop"}\n\n$/)
  })

  it("that keep their connection use it again", async () => {
    const w = await open()
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    const ports = new Set<number | undefined>()
    agent.on("free", (socket: Socket) => ports.add(socket.localPort))
    for (let at = 0; at < 5; at += 1) {
      const sent = { headers: w.keyed(), body: anthropicBody(), agent }
      expect((await send(`${w.base()}/v1/messages`, sent)).status).toBe(200)
    }
    agent.destroy()
    expect(ports.size).toBe(1)
    expect(w.models.sockets()).toBe(1)
  })

  it("that ask before they send a body are told to go on only if they may", async () => {
    const w = await open()
    const body = anthropicBody()
    const head = (key: string): string =>
      `POST /a/${w.admitted.token}/anthropic/v1/messages HTTP/1.1\r\nHost: 127.0.0.1:${w.gateway.port}\r\nx-api-key: ${key}\r\nexpect: 100-continue\r\nconnection: close\r\ncontent-length: ${body.length}\r\n\r\n`
    expect(await sendRaw(w.gateway.port, head("stranger"))).toMatch(/^HTTP\/1\.1 401 /)
    const heard = await new Promise<string>((resolve) => {
      const socket = connect(w.gateway.port, "127.0.0.1")
      let text = ""
      socket.on("data", (chunk) => {
        text += chunk.toString()
        if (text === "HTTP/1.1 100 Continue\r\n\r\n") socket.write(body)
      })
      socket.on("close", () => resolve(text))
      socket.write(head(w.admitted.key))
    })
    expect(heard).toMatch(/^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 OK/)
    expect(w.models.calls).toHaveLength(1)
    expect(w.models.calls[0]?.headers.expect).toBeUndefined()
  })

  it("that only connect are bounded: the longest idle make room", async () => {
    const w = await open({ settings: { connectionsMax: 20 } })
    const sockets: Socket[] = []
    let dropped = 0
    for (let at = 0; at < 60; at += 1) {
      const socket = connect(w.gateway.port, "127.0.0.1")
      socket.on("error", () => undefined)
      socket.on("close", () => {
        dropped += 1
      })
      await new Promise((resolve) => socket.once("connect", resolve))
      sockets.push(socket)
    }
    const sent = { headers: w.keyed(), body: anthropicBody() }
    expect((await send(`${w.base()}/v1/messages`, sent)).status).toBe(200)
    while (dropped < 41) await new Promise((resolve) => setImmediate(resolve))
    expect(sockets.slice(0, 40).every(({ closed }) => closed)).toBe(true)
    for (const socket of sockets) socket.destroy()
  })
})

describe("a gateway that closes", () => {
  it("lets calls end, refuses new ones, and gives up what does not end", async () => {
    const w = await open({ settings: { closeMs: 60 } })
    const never = new Promise<void>(() => undefined)
    w.models.fault = { kind: "stepwise", next: () => never }
    const sent = { headers: w.keyed(), body: anthropicBody({ stream: true }) }
    const stuck = begin(`${w.base()}/v1/messages`, sent)
    stuck.answer.catch(() => undefined)
    while (w.models.calls.length === 0) await new Promise((resolve) => setImmediate(resolve))
    await w.gateway.close()
    expect(w.agent.holds.map(({ end }) => end)).toEqual([{ kind: "charged" }])
    await expect(send(`${w.base()}/v1/messages`, sent)).rejects.toThrow()
  })
})
