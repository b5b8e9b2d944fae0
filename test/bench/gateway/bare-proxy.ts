/** The least a proxy can do, a process of its own: `node:http` on both sides, bytes passed through. */
import { Agent, createServer, request } from "node:http"
import { serveFrom } from "./process.ts"

const port = Number(process.argv[2])
const agent = new Agent({ keepAlive: true, maxSockets: 512 })

const server = createServer({ keepAliveTimeout: 60_000 }, (req, res) => {
  const { method, url, rawHeaders } = req
  const path = url ?? "/"
  const out = request({ agent, host: "127.0.0.1", port, method, path, headers: rawHeaders })
  out.on("response", (up) => {
    res.writeHead(up.statusCode ?? 502, up.rawHeaders)
    up.pipe(res)
  })
  out.on("error", () => res.destroy())
  res.on("close", () => {
    if (!res.writableFinished) out.destroy()
  })
  req.pipe(out)
})
serveFrom(server)
