/** Providers behind TLS: nothing leaves before it is agreed on, and with nobody who is not who he says. */
import { readFileSync } from "node:fs"
import { createServer, type Server } from "node:https"
import { createServer as createTcpServer, type Socket } from "node:net"
import { getCACertificates, setDefaultCACertificates } from "node:tls"
import { afterEach, beforeEach, describe, expect, it } from "vitest"
import { UpstreamConnections } from "../../src/gateway/upstream.ts"
import { anthropicBody, openWorld, REAL_KEY, type World } from "./gateway-world.ts"
import { wholeAnswer } from "./raw-upstream.ts"
import { type Answer, portOf, send, turns } from "./wire.ts"

const fixture = (name: string): string =>
  readFileSync(new URL(`./tls/test-fixture-${name}.pem`, import.meta.url), "utf8")

const TRUSTED_BEFORE = getCACertificates("default")

let server: Server
let keys: (string | string[] | undefined)[]
let world: World | null = null

beforeEach(async () => {
  keys = []
  const options = { cert: fixture("server"), key: fixture("server-key") }
  server = createServer(options, (req, res) => {
    keys.push(req.headers["x-api-key"])
    res.writeHead(200, { "content-type": "application/json" }).end(wholeAnswer)
  })
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
})
afterEach(async () => {
  setDefaultCACertificates(TRUSTED_BEFORE)
  await world?.close()
  world = null
  server.closeAllConnections()
  await new Promise((resolve) => server.close(resolve))
})

const trustTheTestCa = (): void => setDefaultCACertificates([...TRUSTED_BEFORE, fixture("ca")])

const askAt = async (baseUrl: string): Promise<{ readonly answer: Answer; readonly w: World }> => {
  world = await openWorld({ upstream: { baseUrl }, settings: { connectMs: 100 } })
  const sent = { headers: world.keyed(), body: anthropicBody() }
  return { answer: await send(`${world.base()}/v1/messages`, sent), w: world }
}

const expectNothingSent = ({ answer, w }: Awaited<ReturnType<typeof askAt>>, why: string): void => {
  expect(answer.status).toBe(502)
  const { type, error } = JSON.parse(answer.body.toString())
  expect(type).toBe("error")
  expect(error.message).toContain(`(${why}); nothing was sent and nothing was charged`)
  expect(w.agent.holds.map(({ end }) => end)).toEqual([{ kind: "voided" }])
  expect(keys).toEqual([])
}

describe("a provider behind TLS", () => {
  it("whose certificate is trusted gets the call, which is settled", async () => {
    trustTheTestCa()
    const { answer, w } = await askAt(`https://localhost:${portOf(server)}`)
    expect(answer.body.toString()).toBe(wholeAnswer)
    expect(keys).toEqual([REAL_KEY])
    expect(w.agent.holds[0]?.end).toMatchObject({
      kind: "settled",
      report: { provenance: "reported", usage: { inputTokens: 5, outputTokens: 2 } },
    })
  })

  it("whose certificate nobody vouches for gets no key and no call", async () => {
    const asked = await askAt(`https://localhost:${portOf(server)}`)
    expectNothingSent(asked, "UNABLE_TO_VERIFY_LEAF_SIGNATURE")
  })

  it("whose certificate is for another name gets no key and no call", async () => {
    trustTheTestCa()
    const asked = await askAt(`https://127.0.0.1:${portOf(server)}`)
    expectNothingSent(asked, "ERR_TLS_CERT_ALTNAME_INVALID")
  })
})

describe("a server that takes connections and agrees on no TLS", () => {
  const silentServer = async () => {
    const closed = Promise.withResolvers<void>()
    const sockets: Socket[] = []
    const silent = createTcpServer((socket) => {
      sockets.push(socket)
      socket.on("error", () => undefined).on("close", () => closed.resolve())
      socket.resume()
    })
    await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve))
    const stop = (): void => {
      for (const socket of sockets) socket.destroy()
      silent.close()
    }
    return { url: `https://127.0.0.1:${portOf(silent)}`, sockets, closed: closed.promise, stop }
  }

  const dial = async (url: string, connectMs: number) => {
    const upstream = { provider: "anthropic", baseUrl: url, key: null, freePaths: [] }
    const connections = new UpstreamConnections(upstream, connectMs)
    await connections.ready()
    const target = { method: "GET", version: null, path: "/models", query: "" }
    const told: string[] = []
    const sending = connections.send(
      { ...target, headers: ["Host", connections.host], body: null },
      {
        leaves: () => told.push("leaves"),
        answered: () => told.push("answered"),
        data: () => told.push("data"),
        ended: () => told.push("ended"),
        failed: () => told.push("failed"),
      },
    )
    return { connections, sending, told }
  }

  it("has the hold given back when the time to connect is over", async () => {
    const { url, stop } = await silentServer()
    const { answer, w } = await askAt(url)
    expect(answer.status).toBe(504)
    expect(w.agent.holds.map(({ end }) => end)).toEqual([{ kind: "voided" }])
    stop()
  })

  it("does not keep the connection of a call that was given up", async () => {
    const { url, closed, stop } = await silentServer()
    const { connections, sending, told } = await dial(url, 1)
    sending.giveUp()
    await closed
    expect(told).toEqual([])
    await connections.close()
    stop()
  })

  it("is let go of when the gateway closes", async () => {
    const { url, sockets, closed, stop } = await silentServer()
    const { connections, sending, told } = await dial(url, 600_000)
    while (sockets.length === 0) await turns()
    sending.giveUp()
    await connections.close()
    await closed
    expect(told).toEqual([])
    stop()
  })
})
