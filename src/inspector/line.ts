/**
 * The line to an inspector: a WebSocket that is tried again while nobody answers, tells how much
 * it still holds, and never keeps a process alive.
 *
 * The official client's own WebSocket adapter does none of these: it retries for ever, even after
 * `stop`, with a timer that keeps the process. The socket is the one it uses, `ws`: the one of
 * Node waits without end for the other side to agree to a close.
 */
import type { IncomingMessage } from "node:http"
import { createRequire } from "node:module"
import type { Log } from "../log/log.ts"

interface Socket {
  readonly bufferedAmount: number
  readonly on: ((event: "open" | "close", listener: () => void) => void) &
    ((event: "error", listener: (error: Error) => void) => void) &
    ((event: "upgrade", listener: (response: IncomingMessage) => void) => void)
  readonly send: (text: string) => void
  readonly close: () => void
  readonly terminate: () => void
}

type SocketClass = new (url: URL, options: { readonly handshakeTimeout: number }) => Socket

const RETRY_MS = 5_000
const HANDSHAKE_MS = 2_000
/** How long a close may take before the line is cut. */
const CLOSE_MS = 1_000

export interface LineOptions {
  readonly url: URL
  readonly logger: Log
  readonly onOpen: () => void
  readonly onLost: () => void
  /** Time between two attempts; five seconds when absent. */
  readonly retryMs?: number
}

export class Line {
  private readonly options: LineOptions
  private readonly retryMs: number
  private readonly Socket: SocketClass
  private socket: Socket | undefined
  /** Set while the line is open. */
  private connection: IncomingMessage["socket"] | undefined
  private retry: NodeJS.Timeout | undefined
  private warned = false
  private closed = false

  constructor(options: LineOptions) {
    this.options = options
    this.retryMs = options.retryMs ?? RETRY_MS
    this.Socket = officialSocket()
  }

  get isOpen(): boolean {
    return this.connection !== undefined
  }

  get bufferedBytes(): number {
    return this.socket?.bufferedAmount ?? 0
  }

  /** Resolves when the first attempt is over, whether or not somebody answered. */
  connect(): Promise<void> {
    return new Promise((resolve) => this.attempt(resolve))
  }

  send(text: string): void {
    if (this.isOpen) this.socket?.send(text)
  }

  /** After what is still to be sent; cut off when that takes too long. Until then the process lives. */
  close(): void {
    this.closed = true
    clearTimeout(this.retry)
    const { socket, connection } = this
    if (socket === undefined) return
    if (connection === undefined) {
      socket.terminate()
      return
    }
    socket.close()
    const cut = setTimeout(() => socket.terminate(), CLOSE_MS)
    socket.on("close", () => clearTimeout(cut))
  }

  private attempt(settled: () => void): void {
    const socket = new this.Socket(this.options.url, { handshakeTimeout: HANDSHAKE_MS })
    let reason = "the connection ended"
    let connection: IncomingMessage["socket"] | undefined
    this.socket = socket
    socket.on("upgrade", (response) => {
      connection = response.socket
      connection.unref()
    })
    socket.on("open", () => {
      this.connection = connection
      this.warned = false
      this.options.onOpen()
      settled()
    })
    // Always followed by `close`.
    socket.on("error", (error) => {
      reason = error.message
    })
    socket.on("close", () => {
      this.lost(reason)
      settled()
    })
  }

  private lost(reason: string): void {
    const wasOpen = this.isOpen
    this.connection = undefined
    this.socket = undefined
    if (wasOpen) this.options.onLost()
    if (this.closed) return
    this.warn(reason)
    this.retry = setTimeout(() => this.attempt(() => {}), this.retryMs).unref()
  }

  /** Once for each time it is gone. */
  private warn(reason: string): void {
    if (this.warned) return
    this.warned = true
    const { url, logger } = this.options
    logger.warn(
      { url: `${url.protocol}//${url.host}${url.pathname}`, reason, retryMs: this.retryMs },
      "nobody inspects: the inspector cannot be reached; the supervisor runs on and tries again",
    )
  }
}

const officialSocket = (): SocketClass => {
  const ours = createRequire(import.meta.url)
  const theirs = createRequire(ours.resolve("@statelyai/inspect"))
  const { WebSocket }: { readonly WebSocket: SocketClass } = theirs("ws")
  return WebSocket
}
