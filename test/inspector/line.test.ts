import { once } from "node:events"
import { type AddressInfo, createServer } from "node:net"
import pino from "pino"
import { expect, it } from "vitest"
import { Line } from "../../src/inspector/line.ts"
import { officialServer } from "./viewer.ts"

it("warns once for each time it is gone, however often it tries again", async () => {
  let attempts = 0
  const deaf = createServer((socket) => {
    attempts += 1
    socket.destroy()
  }).listen(0, "127.0.0.1")
  await once(deaf, "listening")
  const { port } = deaf.address() as AddressInfo
  const lines: string[] = []
  const opened = new EventTarget()
  const line = new Line({
    url: new URL(`ws://127.0.0.1:${port}`),
    logger: pino({}, { write: (text) => lines.push(text) }),
    onOpen: () => opened.dispatchEvent(new Event("open")),
    onLost: () => {},
    retryMs: 1,
  })
  await line.connect()
  await expect.poll(() => attempts, { timeout: 20_000 }).toBeGreaterThan(3)
  expect(lines).toHaveLength(1)

  deaf.close()
  await once(deaf, "close")
  const open = once(opened, "open")
  const { stop } = await officialServer(port)
  await open
  expect(line.isOpen).toBe(true)
  stop()
  await expect.poll(() => lines.length, { timeout: 20_000 }).toBe(2)
  expect(line.isOpen).toBe(false)
  line.close()
})
