/** Portkey's gateway in a process of its own, from the folder that it was installed in. */
import { connect, createServer } from "node:net"
import { pathToFileURL } from "node:url"
import { attend, tell } from "./process.ts"

const TRIES = 200
const PAUSE_MS = 50

const freePort = (): Promise<number> =>
  new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const address = server.address()
      const port = typeof address === "object" && address !== null ? address.port : 0
      server.close(() => resolve(port))
    })
  })

const answers = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1")
    socket.once("error", () => resolve(false))
    socket.once("connect", () => {
      socket.destroy()
      resolve(true)
    })
  })

const port = await freePort()
process.argv.push(`--port=${port}`, "--headless")
await import(pathToFileURL(process.argv[2] ?? "").href)
for (let left = TRIES; left > 0 && !(await answers(port)); left -= 1)
  await new Promise((resolve) => setTimeout(resolve, PAUSE_MS))
attend()
tell({ port, said: {} })
