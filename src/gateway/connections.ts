/** Bounds the connections of clients: when there are too many, the one idle for longest goes. */
import type { Server, ServerResponse } from "node:http"
import type { Socket } from "node:net"

export class Connections {
  private readonly connectionsMax: number
  private readonly all = new Set<Socket>()
  /** The longest idle first. */
  private readonly idle = new Set<Socket>()

  constructor(server: Server, connectionsMax: number) {
    this.connectionsMax = connectionsMax
    server.on("connection", (socket: Socket) => this.opened(socket))
  }

  /** Its connection is busy until it is answered. */
  busy(res: ServerResponse): void {
    const { socket } = res
    if (socket === null) return
    this.idle.delete(socket)
    res.on("close", () => {
      if (this.all.has(socket)) this.idle.add(socket)
    })
  }

  private opened(socket: Socket): void {
    this.all.add(socket)
    this.idle.add(socket)
    socket.on("close", () => {
      this.all.delete(socket)
      this.idle.delete(socket)
    })
    if (this.all.size <= this.connectionsMax) return
    const [oldest = socket] = this.idle
    this.all.delete(oldest)
    this.idle.delete(oldest)
    oldest.destroy()
  }
}
