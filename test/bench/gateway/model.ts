/** The model server of the bench, a process of its own: fixed answers, as fast as `node:http` can. */
import { createServer } from "node:http"
import { FIRST_EVENT, OTHER_EVENTS, PACED, WHOLE_ANSWER } from "./messages.ts"
import { serveFrom } from "./process.ts"

const PAUSE_MS = 3
const STREAMS: Buffer = Buffer.from('"stream":true')
const PACES: Buffer = Buffer.from(PACED)

const server = createServer({ keepAliveTimeout: 60_000 }, (req, res) => {
  let head: Buffer | null = null
  req.on("data", (chunk: Buffer) => {
    head ??= chunk
  })
  req.on("end", () => {
    if (head?.includes(STREAMS) !== true) {
      res.writeHead(200, {
        "content-type": "application/json",
        "content-length": WHOLE_ANSWER.length,
      })
      res.end(WHOLE_ANSWER)
      return
    }
    res.writeHead(200, {
      "content-type": "text/event-stream; charset=utf-8",
      // By the machine's own clock, which the client reads too.
      "x-sent-at-ns": String(process.hrtime.bigint()),
    })
    res.write(FIRST_EVENT)
    if (head.includes(PACES)) setTimeout(() => res.end(OTHER_EVENTS), PAUSE_MS)
    else res.end(OTHER_EVENTS)
  })
})
serveFrom(server)
