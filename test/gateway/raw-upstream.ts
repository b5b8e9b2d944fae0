/** An upstream that says what a test says, byte by byte: whatever no HTTP server would let it say. */
import { createServer, type Socket } from "node:net"
import { portOf } from "./wire.ts"

export interface RawUpstream {
  readonly url: string
  /** All that came, whichever connection it came by. */
  readonly heard: () => string
  /** Each connection that was made, in order. */
  readonly sockets: readonly Socket[]
  /** Called when a request's head has come, with that. */
  readonly onHead: (seen: (socket: Socket, head: string) => void) => void
  readonly close: () => Promise<void>
}

/** `answer` is called when a request has come whole, with its number from 0 on. */
export const startRawUpstream = async (
  answer: (socket: Socket, at: number) => void,
): Promise<RawUpstream> => {
  const sockets: Socket[] = []
  let heard = ""
  let asked = 0
  let seenHead: (socket: Socket, head: string) => void = () => undefined
  const server = createServer((socket) => {
    sockets.push(socket)
    let request = ""
    socket.setEncoding("latin1")
    socket.on("error", () => undefined)
    socket.on("data", (text) => {
      heard += String(text)
      const hadHead = request.includes(HEAD_END)
      request += String(text)
      if (!hadHead && request.includes(HEAD_END)) seenHead(socket, request)
      if (!isWhole(request)) return
      request = ""
      asked += 1
      answer(socket, asked - 1)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  return {
    url: `http://127.0.0.1:${portOf(server)}`,
    heard: () => heard,
    sockets,
    onHead: (seen) => {
      seenHead = seen
    },
    close: async () => {
      const closed = new Promise((resolve) => server.close(resolve))
      for (const socket of sockets) socket.destroy()
      await closed
    },
  }
}

const HEAD_END = "\r\n\r\n"

/** Of bodies with a length; one in chunks is never whole here. */
const isWhole = (request: string): boolean => {
  if (/^transfer-encoding: chunked/im.test(request)) return false
  const headBytes = request.indexOf(HEAD_END) + 4
  if (headBytes < 4) return false
  const length = Number(/content-length: (\d+)/i.exec(request)?.[1] ?? 0)
  return request.length >= headBytes + length
}

export const wholeAnswer = JSON.stringify({
  id: "msg_1",
  type: "message",
  role: "assistant",
  model: "claude-x",
  content: [{ type: "text", text: "Something." }],
  stop_reason: "end_turn",
  usage: { input_tokens: 5, output_tokens: 2 },
})

/** An answer with its head as it is given: lines, each with its end. */
export const answered = (head: string, body = wholeAnswer): string =>
  `${head}Content-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`
