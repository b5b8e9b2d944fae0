/** Bodies that pass as they come, on free paths: at the pace of the slower, whole or not at all. */
import { Agent } from "node:http"
import { connect, type Socket } from "node:net"
import { afterEach, describe, expect, it } from "vitest"
import { openWorld, type World } from "./gateway-world.ts"
import { answered, type RawUpstream, startRawUpstream } from "./raw-upstream.ts"
import { begin, send, turns } from "./wire.ts"

let world: World | null = null
let upstream: RawUpstream | null = null
afterEach(async () => {
  await world?.close()
  await upstream?.close()
  world = upstream = null
})

const open = async (up: RawUpstream): Promise<World> => {
  upstream = up
  world = await openWorld({ upstream: { baseUrl: up.url } })
  return world
}

const MB = 1024 * 1024
const TOO_LARGE = "HTTP/1.1 413 Too Large\r\n"

/** A client that has said the head of an upload in chunks, and can say what it likes then. */
const uploader = (w: World): Socket => {
  const client = connect(w.gateway.port, "127.0.0.1").on("error", () => undefined)
  const line = `POST /a/${w.admitted.token}/anthropic/v1/files HTTP/1.1`
  const head = [line, `Host: 127.0.0.1:${w.gateway.port}`, `x-api-key: ${w.admitted.key}`]
  client.write([...head, "Transfer-Encoding: chunked", "", ""].join("\r\n"))
  return client
}

const until = async (isSo: () => boolean): Promise<void> => {
  while (!isSo()) await turns()
}

describe("an upload", () => {
  for (const [what, end] of [
    ["answered before it is read, and closes", (socket: Socket) => socket.end(answered(TOO_LARGE))],
    [
      "answered before it is read, and stays",
      (socket: Socket) => socket.write(answered(TOO_LARGE)),
    ],
    ["reset", (socket: Socket) => socket.resetAndDestroy()],
  ] as const) {
    it(`that is ${what}: the client hears it, and its connection goes on`, async () => {
      const up = await startRawUpstream((socket) => socket.write(answered("HTTP/1.1 200 OK\r\n")))
      up.onHead((socket, head) => {
        if (!head.startsWith("POST")) return
        socket.pause()
        end(socket)
      })
      const w = await open(up)
      const agent = new Agent({ keepAlive: true, maxSockets: 1 })
      const body = Buffer.alloc(16 * MB)
      const first = begin(`${w.base()}/v1/files`, { headers: w.keyed(), body, agent })
      const answer = await first.answer
      expect(answer.status).toBe(what === "reset" ? 502 : 413)
      // It had left, and nothing is ever charged for it: neither is claimed.
      if (what === "reset")
        expect(answer.body.toString()).toMatch(/broke off before it answered \(ECONNRESET\)\./)
      const next = await send(`${w.base()}/v1/models`, { method: "GET", headers: w.keyed(), agent })
      expect(next.status).toBe(200)
      agent.destroy()
    })
  }

  it("that its client breaks off reaches the provider as broken off", async () => {
    const up = await startRawUpstream(() => undefined)
    const w = await open(up)
    const client = uploader(w)
    client.write("5\r\nhello\r\n")
    await until(() => up.heard().includes("hello"))
    client.destroy()
    await until(() => up.sockets[0]?.closed === true)
    expect(up.heard()).toContain("transfer-encoding: chunked")
    expect(up.heard()).toMatch(/\r\n5\r\nhello$/)
  })

  it("that the provider does not read is not read here either", async () => {
    const up = await startRawUpstream(() => undefined)
    up.onHead((socket) => socket.pause())
    const w = await open(up)
    const client = uploader(w)
    const piece = Buffer.concat([
      Buffer.from("10000\r\n"),
      Buffer.alloc(65_536),
      Buffer.from("\r\n"),
    ])
    let offered = 0
    const offer = (): void => {
      for (let takes = true; takes && offered < 128 * MB; offered += piece.length) {
        takes = client.write(piece)
      }
    }
    client.on("drain", offer)
    offer()
    const written = (): number => client.bytesWritten - client.writableLength
    // Until the buffers on the way are full: nothing more gets through for many turns.
    for (let still = 0, last = -1; still < 500; last = written()) {
      await turns()
      still = written() === last && last > 0 ? still + 1 : 0
    }
    expect(written()).toBeLessThan(64 * MB)
    client.destroy()
  })
})
