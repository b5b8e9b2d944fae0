/** A provider that is reached through a proxy alone: its name is known to nobody else here. */
import { readFileSync } from "node:fs"
import { createServer as createHttpServer, type Server as HttpServer } from "node:http"
import { createServer, type Server } from "node:https"
import { connect, type Socket } from "node:net"
import { getCACertificates, setDefaultCACertificates } from "node:tls"
import { afterEach, beforeEach, describe, expect, it } from "vitest"
import { anthropicBody, openWorld, REAL_KEY, type World } from "./gateway-world.ts"
import { wholeAnswer } from "./raw-upstream.ts"
import { type Answer, portOf, send } from "./wire.ts"

const fixture = (name: string): string =>
  readFileSync(new URL(`./tls/test-fixture-${name}.pem`, import.meta.url), "utf8")

const identity = () => ({ cert: fixture("server"), key: fixture("server-key") })

const TRUSTED_BEFORE = getCACertificates("default")
/** In the certificate, and in no name server. */
const PROVIDER = "provider.stint-test.invalid"

let provider: Server
let proxy: HttpServer | Server
let asked: { readonly target: string | undefined; readonly credentials: string | undefined }[]
let throughProxy: string
let keys: unknown[]
let sockets: Socket[]
let answerTo: (socket: Socket) => void
let world: World | null = null

const listening = <S extends HttpServer | Server>(server: S): Promise<S> =>
  new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(server)))

const makingTunnels = <S extends HttpServer | Server>(server: S): S => {
  server.on("connect", (req, socket: Socket) => {
    sockets.push(socket)
    socket.on("error", () => {})
    asked.push({ target: req.url, credentials: req.headers["proxy-authorization"] })
    answerTo(socket)
  })
  return server
}

beforeEach(async () => {
  setDefaultCACertificates([...TRUSTED_BEFORE, fixture("ca")])
  asked = []
  keys = []
  sockets = []
  throughProxy = ""
  provider = await listening(
    createServer(identity(), (req, res) => {
      keys.push(req.headers["x-api-key"])
      res.writeHead(200, { "content-type": "application/json" }).end(wholeAnswer)
    }),
  )
  answerTo = (socket) => {
    const onward = connect(portOf(provider), "127.0.0.1")
    sockets.push(onward)
    onward.on("error", () => socket.destroy())
    socket.write("HTTP/1.1 200 Connection established\r\n\r\n")
    socket.on("data", (chunk) => {
      throughProxy += chunk.toString("latin1")
    })
    socket.pipe(onward).pipe(socket)
  }
  proxy = await listening(makingTunnels(createHttpServer()))
})
afterEach(async () => {
  setDefaultCACertificates(TRUSTED_BEFORE)
  await world?.close()
  world = null
  for (const socket of sockets) socket.destroy()
  for (const server of [provider, proxy]) {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  }
})

const ask = async (
  before = "http://127.0.0.1",
  baseUrl = `https://${PROVIDER}`,
): Promise<{ readonly answer: Answer; readonly w: World }> => {
  const upstream = { baseUrl, proxy: new URL(`${before}:${portOf(proxy)}`) }
  world ??= await openWorld({ upstream, settings: { connectMs: 500 } })
  const sent = { headers: world.keyed(), body: anthropicBody() }
  return { answer: await send(`${world.base()}/v1/messages`, sent), w: world }
}

describe("a provider behind a proxy", () => {
  it("gets the call through one tunnel, in which nobody reads along, and the next through the same", async () => {
    const { answer, w } = await ask()
    expect(answer.body.toString()).toBe(wholeAnswer)
    expect((await ask()).answer.status).toBe(200)
    expect(keys).toEqual([REAL_KEY, REAL_KEY])
    expect(asked).toEqual([{ target: `${PROVIDER}:443`, credentials: undefined }])
    expect(throughProxy).not.toBe("")
    expect(throughProxy).not.toContain(REAL_KEY)
    expect(w.agent.holds.map(({ end }) => end?.kind)).toEqual(["settled", "settled"])
  })

  it.each([
    ["me:it%27s%20me@", "me:it's me"],
    ["me:mü@", "me:mü"],
    ["me:100%zz%@", "me:100%zz%"],
    [":hush@", ":hush"],
  ])("is asked for with the proxy's own user name and password, from %s", async (before, sent) => {
    await ask(`http://${before}127.0.0.1`)
    const credentials = `Basic ${Buffer.from(sent).toString("base64")}`
    expect(asked).toMatchObject([{ credentials }])
    expect(keys).toEqual([REAL_KEY])
  })

  it("is asked for in brackets where its address is of IPv6", async () => {
    const there = await ask(undefined, "https://[2001:db8::7]:8443")
    expect(asked).toMatchObject([{ target: "[2001:db8::7]:8443" }])
    expectNothingSent(there, "ERR_TLS_CERT_ALTNAME_INVALID")
  })

  it.each([
    ["that refuses", "PROXY_STATUS_407", "HTTP/1.1 407 Proxy Authentication Required\r\n\r\n"],
    ["that answers nonsense", "PROXY_FAILED", "no HTTP at all\r\n\r\n"],
  ])("%s gets no key, and the hold is given back", async (_, code, said) => {
    answerTo = (socket) => socket.end(said)
    expectNothingSent(await ask(), code)
  })

  it("that breaks off gets no key, and the hold is given back", async () => {
    answerTo = (socket) => socket.destroy()
    expectNothingSent(await ask(), "PROXY_SOCKET")
  })

  it("that says nothing is given up in time", async () => {
    answerTo = () => {}
    const { answer, w } = await ask()
    expect(answer.status).toBe(504)
    expect(w.agent.holds.map(({ end }) => end)).toEqual([{ kind: "voided" }])
    expect(keys).toEqual([])
  })

  it("that nobody runs is told as the proxy's failure", async () => {
    const gone = await listening(createHttpServer())
    const port = portOf(gone)
    await new Promise((resolve) => gone.close(resolve))
    const proxyUrl = new URL(`http://127.0.0.1:${port}`)
    const upstream = { baseUrl: `https://${PROVIDER}`, proxy: proxyUrl }
    world = await openWorld({ upstream })
    expectNothingSent(await ask(), "PROXY_ECONNREFUSED")
  })
})

describe("a proxy behind TLS", () => {
  beforeEach(async () => {
    await new Promise((resolve) => proxy.close(resolve))
    proxy = await listening(makingTunnels(createServer(identity())))
  })

  it("makes the tunnel where its certificate is for its own name", async () => {
    expect((await ask("https://localhost")).answer.body.toString()).toBe(wholeAnswer)
    expect(keys).toEqual([REAL_KEY])
  })

  it("needs no certificate for the provider's name, which the provider itself must have", async () => {
    expectNothingSent(
      await ask("https://localhost", "https://another.stint-test.invalid"),
      "ERR_TLS_CERT_ALTNAME_INVALID",
    )
    expect(asked).toMatchObject([{ target: "another.stint-test.invalid:443" }])
  })

  it("whose certificate is for another name is asked for nothing, and told no password", async () => {
    expectNothingSent(await ask("https://me:hush@127.0.0.1"), "PROXY_ERR_TLS_CERT_ALTNAME_INVALID")
    expect(asked).toEqual([])
  })
})

const expectNothingSent = ({ answer, w }: Awaited<ReturnType<typeof ask>>, code: string): void => {
  expect(answer.status).toBe(502)
  expect(JSON.parse(answer.body.toString()).error.message).toContain(
    `(${code}); nothing was sent and nothing was charged`,
  )
  expect(w.agent.holds.map(({ end }) => end)).toEqual([{ kind: "voided" }])
  expect(keys).toEqual([])
}
