/** One request at an upstream, told in order and with one end, whenever it is paused or given up. */
import type { Socket } from "node:net"
import { afterEach, describe, expect, it } from "vitest"
import type { Sending } from "../../src/gateway/sending.ts"
import { UpstreamConnections } from "../../src/gateway/upstream.ts"
import { type RawUpstream, startRawUpstream } from "./raw-upstream.ts"
import { turns } from "./wire.ts"

let upstream: RawUpstream | null = null
let connections: UpstreamConnections | null = null
afterEach(async () => {
  await connections?.close()
  await upstream?.close()
  connections = upstream = null
})

const PIECE = "x".repeat(1_000)
const ANSWERS = {
  "with a length": `HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n${PIECE}`,
  "in chunks": `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3e8\r\n${PIECE}\r\n0\r\n\r\n`,
  "with its connection": `HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n${PIECE}`,
} as const

const open = async (answer: (socket: Socket) => void): Promise<UpstreamConnections> => {
  upstream = await startRawUpstream(answer)
  const at = { provider: "anthropic", baseUrl: upstream.url, key: null, freePaths: [] }
  connections = new UpstreamConnections(at)
  await connections.ready()
  return connections
}

type Told = "leaves" | "answered" | "data" | "ended" | "failed"

/** Sends, notes what is told, and does something at each of it. */
const begin = (
  to: UpstreamConnections,
  at: Partial<Record<Told, (sending: Sending) => void>> = {},
) => {
  const told: Told[] = []
  const note = (what: Told) => () => {
    told.push(what)
    at[what]?.(sending)
  }
  const target = { method: "POST", version: null, path: "/files", query: "" }
  const headers = ["Host", to.host, "Content-Length", "2"]
  const sending: Sending = to.send(
    { ...target, headers, body: Buffer.from("{}") },
    {
      leaves: note("leaves"),
      answered: note("answered"),
      data: note("data"),
      ended: note("ended"),
      failed: note("failed"),
    },
  )
  return { told, sending }
}

const until = async (isSo: () => boolean): Promise<void> => {
  while (!isSo()) await turns()
}

describe("a request that is given up", () => {
  for (const [at, before] of [
    ["leaves", ["leaves"]],
    ["answered", ["leaves", "answered"]],
    ["data", ["leaves", "answered", "data"]],
  ] as const) {
    it(`when it is told \`${at}\` is told nothing more, and its connection ends`, async () => {
      const to = await open((socket) => socket.write(ANSWERS["in chunks"]))
      const twice = (sending: Sending): void => {
        sending.giveUp()
        sending.giveUp()
      }
      const { told } = begin(to, { [at]: twice })
      await until(() => upstream?.sockets[0]?.closed === true)
      expect(told).toEqual(before)
    })
  }

  it("after its end is not told another, and its connection is used again", async () => {
    const to = await open((socket) => socket.write(ANSWERS["in chunks"]))
    for (let at = 0; at < 2; at += 1) {
      const { told } = begin(to, { ended: (sending) => sending.giveUp() })
      await until(() => told.includes("ended"))
      await turns(20)
      expect(told.at(-1)).toBe("ended")
    }
    expect(upstream?.sockets).toHaveLength(1)
  })

  it("before it has a connection never leaves, and the connection serves another", async () => {
    const to = await open((socket) => socket.write(ANSWERS["in chunks"]))
    const first = begin(to)
    first.sending.giveUp()
    await until(() => upstream?.sockets.length === 1)
    await turns(50)
    const second = begin(to)
    await until(() => second.told.includes("ended"))
    expect(first.told).toEqual([])
    expect(upstream?.sockets).toHaveLength(1)
    expect(upstream?.heard().match(/POST \S+ HTTP/g)).toHaveLength(1)
  })
})

describe("an answer", () => {
  for (const [how, text] of Object.entries(ANSWERS)) {
    for (const pausedAt of ["answered", "data"] as const) {
      it(`that ends ${how} has its end once, paused at \`${pausedAt}\` while its server closes`, async () => {
        const to = await open((socket) => socket.end(text))
        const { told, sending } = begin(to, { [pausedAt]: (its: Sending) => its.pause() })
        await until(
          () => told.includes(pausedAt) && upstream?.sockets[0]?.writableFinished === true,
        )
        await turns(20)
        sending.resume()
        await until(() => told.includes("ended"))
        await turns(20)
        expect(told.filter((what) => what === "ended" || what === "failed")).toEqual(["ended"])
      })
    }
  }

  it("that is paused and resumed within the same turn goes on", async () => {
    const to = await open((socket) => socket.end(ANSWERS["with a length"]))
    const both = (sending: Sending): void => {
      sending.pause()
      sending.resume()
    }
    const { told } = begin(to, { answered: both, data: both })
    await until(() => told.includes("ended"))
    expect(told).toEqual(["leaves", "answered", "data", "ended"])
  })
})
