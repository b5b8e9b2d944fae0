/** Talks to a gateway over real sockets, with every byte of the answer's head as it came. */
import * as http from "node:http"
import { connect, type Server } from "node:net"

export interface Answer {
  readonly status: number
  readonly headers: http.IncomingHttpHeaders
  readonly rawHeaders: readonly string[]
  readonly trailers: NodeJS.Dict<string>
  readonly body: Buffer
  /** It broke off before its end. */
  readonly wasCut: boolean
}

export interface Sent {
  readonly method?: string
  readonly headers?: http.OutgoingHttpHeaders | readonly string[]
  readonly body?: string | Buffer
  readonly agent?: http.Agent
  /** In the turn in which the answer's end is seen. */
  readonly onEnd?: () => void
}

/** A request under way: its answer, and the means to leave. */
export interface UnderWay {
  readonly answer: Promise<Answer>
  /** Resolves at the head. */
  readonly head: Promise<http.IncomingMessage>
  readonly leave: () => void
}

export const begin = (url: string, sent: Sent = {}): UnderWay => {
  const { method = "POST", headers = {}, body, agent = false, onEnd } = sent
  const request = http.request(url, { method, headers: headers as http.OutgoingHttpHeaders, agent })
  const head = new Promise<http.IncomingMessage>((resolve, reject) => {
    request.on("response", resolve)
    request.on("error", reject)
  })
  head.catch(() => undefined)
  const answer = new Promise<Answer>((resolve, reject) => {
    request.on("error", reject)
    request.on("response", (response) => {
      const chunks: Buffer[] = []
      response.on("data", (chunk: Buffer) => chunks.push(chunk))
      response.on("error", () => undefined)
      if (onEnd !== undefined) response.on("end", onEnd)
      response.on("close", () =>
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          rawHeaders: response.rawHeaders,
          trailers: response.trailers,
          body: Buffer.concat(chunks),
          wasCut: !response.complete,
        }),
      )
    })
  })
  answer.catch(() => undefined)
  request.end(body)
  return { answer, head, leave: () => request.destroy() }
}

export const send = (url: string, sent: Sent = {}): Promise<Answer> => begin(url, sent).answer

/** Writes these bytes and gives all that comes back until the server closes. */
export const sendRaw = (port: number, bytes: string): Promise<string> =>
  new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1")
    let heard = ""
    socket.setEncoding("latin1")
    socket.on("data", (text) => {
      heard += String(text)
    })
    socket.on("error", () => undefined)
    socket.on("close", () => resolve(heard))
    socket.write(bytes)
  })

/** A port that refuses: it was free a moment ago. */
export const closedPort = async (): Promise<number> => {
  const server = http.createServer()
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  const port = portOf(server)
  await new Promise((resolve) => server.close(resolve))
  return port
}

export const portOf = (server: Server): number => {
  const address = server.address()
  return typeof address === "object" && address !== null ? address.port : 0
}

/** A turn of the loop, or more: what is under way on the loopback gets on. */
export const turns = async (count = 1): Promise<void> => {
  for (let at = 0; at < count; at += 1) await new Promise((resolve) => setImmediate(resolve))
}
