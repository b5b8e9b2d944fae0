/** An upstream that says exactly these bytes in exactly these chunks, each when the last was seen. */
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"

/** How far a client has read, for whoever waits for it. */
export class Progress {
  private seen = 0
  private waiting: { readonly bytes: number; readonly go: () => void }[] = []

  saw(bytes: number): void {
    this.seen += bytes
    const ready = this.waiting.filter((each) => each.bytes <= this.seen)
    this.waiting = this.waiting.filter((each) => each.bytes > this.seen)
    for (const { go } of ready) go()
  }

  until(bytes: number): Promise<void> {
    if (bytes <= this.seen) return Promise.resolve()
    return new Promise((go) => this.waiting.push({ bytes, go }))
  }
}

export interface Script {
  readonly chunks: readonly Buffer[]
  readonly headers: Readonly<Record<string, string>>
  /** Null: the chunks are said without waiting for anybody. */
  readonly progress: Progress | null
}

export interface ScriptedUpstream {
  readonly url: string
  /** Names a script for the request that will ask for it in its `x-script` header. */
  readonly add: (script: Script) => string
  readonly close: () => Promise<void>
}

export const startScriptedUpstream = async (): Promise<ScriptedUpstream> => {
  const scripts = new Map<string, Script>()
  let added = 0
  const server = createServer({ keepAliveTimeout: 60_000 })
  server.on("request", (req, res) => {
    const name = String(req.headers["x-script"])
    const script = scripts.get(name)
    scripts.delete(name)
    req.resume()
    req.on("end", async () => {
      if (script === undefined) {
        res.writeHead(404).end()
        return
      }
      res.writeHead(200, script.headers)
      let said = 0
      for (const chunk of script.chunks) {
        res.write(chunk)
        said += chunk.length
        await script.progress?.until(said)
      }
      res.end()
    })
  })
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    add: (script) => {
      added += 1
      scripts.set(`${added}`, script)
      return `${added}`
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}
