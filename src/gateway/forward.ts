/**
 * One attempt at the provider: the request out, the answer back chunk by chunk at the pace of
 * whoever is slower. When the client leaves, the answer is read on for its usage, within bounds.
 */
import type { ClientRequest, IncomingMessage, ServerResponse } from "node:http"
import type { Socket } from "node:net"
import type { AnswerReader } from "./answer-reader.ts"
import { returningHeaders } from "./headers.ts"
import type { GatewaySettings } from "./settings.ts"
import type { Answering } from "./under-way.ts"
import type { UpstreamConnections, UpstreamRequest } from "./upstream.ts"

/** Gets the bytes that were kept back until the end. */
type Rest = (rest: readonly Buffer[]) => void

/** Why there is no whole answer. */
export type Failure =
  | { readonly kind: "unreachable"; readonly code: string }
  | { readonly kind: "broken"; readonly code: string }
  | { readonly kind: "silent"; readonly afterMs: number }

export interface Attempt {
  readonly left: boolean
  readonly status: number | null
  readonly stop: "complete" | "broken" | "givenUp"
  readonly failure: Failure | null
}

export interface Forwarded {
  readonly req: IncomingMessage
  readonly res: ServerResponse
  readonly upstream: UpstreamConnections
  readonly request: UpstreamRequest
  /** Null: the client's body passes as it comes. */
  readonly body: Buffer | null
  readonly settings: Pick<GatewaySettings, "connectMs" | "idleMs" | "drainMs" | "drainBytesMax">
  /** What the gateway adds to the answer's head, names and values in turn. */
  readonly addedHeaders: readonly string[]
  /** Reads the answer along; null: nobody does, and nobody drains it. */
  readonly reader: ((up: IncomingMessage) => AnswerReader) | null
  /** True where bytes of the answer are kept from the client, so that its length is another. */
  readonly edits: (up: IncomingMessage) => boolean
  /** Nothing more can be learned from the answer. */
  readonly knowsAll: () => boolean
  /** Told once, before the client sees the end: whatever it asks next comes after this. */
  readonly onEnd: (attempt: Attempt) => void
}

export class Forward implements Answering {
  place = 0
  private readonly call: Forwarded
  private readonly out: ClientRequest
  private up: IncomingMessage | null = null
  private reader: AnswerReader | null = null
  private left = false
  private isDraining = false
  private isOver = false
  private drained = 0
  private timer: NodeJS.Timeout
  private readonly onClientDrain = (): void => this.resume()
  private readonly onClientClose = (): void => this.clientClosed()

  constructor(call: Forwarded) {
    this.call = call
    const { res, upstream, settings } = call
    this.out = upstream.open(call.request)
    this.timer = setTimeout(() => this.silent(settings.connectMs), settings.connectMs)
    this.out.on("socket", (socket: Socket) => this.connected(socket))
    this.out.on("response", (up: IncomingMessage) => this.guard(() => this.answered(up)))
    this.out.on("error", (error) => this.failed(error))
    this.out.on("close", () => {
      if (this.up === null) this.failed(null)
    })
    res.on("close", this.onClientClose)
    res.on("drain", this.onClientDrain)
    this.send()
  }

  /** Gives the answer up: nobody may wait for it any longer. */
  giveUp(): void {
    this.finish("givenUp", null)
  }

  private send(): void {
    const { body, req, res } = this.call
    if (body !== null) {
      this.out.end(body)
      return
    }
    if (req.headers.expect !== undefined) res.writeContinue()
    req.on("data", (chunk: Buffer) => {
      if (!this.out.write(chunk)) req.pause()
    })
    this.out.on("drain", () => req.resume())
    req.on("end", () => this.out.end())
  }

  /** An answer that cannot be handled, by its head or by a meter, breaks this call and no other. */
  private guard(step: () => void): void {
    try {
      step()
    } catch (error) {
      this.failed(error instanceof Error ? error : null)
    }
  }

  /** Until it is connected, and over TLS agreed, nothing of the request has left. */
  private connected(socket: Socket): void {
    const leaving = (): void => {
      if (this.isOver) return
      this.left = true
      this.wait(this.call.settings.idleMs)
    }
    if (!socket.connecting) leaving()
    else socket.once(this.call.upstream.isSecure() ? "secureConnect" : "connect", leaving)
  }

  private answered(up: IncomingMessage): void {
    if (this.isOver) return
    const { call } = this
    this.up = up
    this.reader = call.reader?.(up) ?? null
    this.heard()
    up.on("data", (chunk: Buffer) => this.guard(() => this.chunk(up, chunk)))
    up.on("end", () => this.guard(() => this.ended(up)))
    up.on("error", (error) => this.failed(error))
    up.on("close", () => this.failed(null))
    if (!this.isDraining && up.headers["content-type"]?.startsWith("text/event-stream")) {
      setImmediate(() => this.guard(() => this.announce(up)))
    }
  }

  /**
   * A stream's first event may be long in coming; its head is news already. Any other head waits for
   * the first byte: until then the client can still be told what went wrong.
   */
  private announce(up: IncomingMessage): void {
    if (this.isOver || this.isDraining || this.call.res.headersSent) return
    this.startAnswer(up)
    this.call.res.flushHeaders()
  }

  private startAnswer(up: IncomingMessage): void {
    const { req, res, addedHeaders, edits } = this.call
    if (res.headersSent) return
    const trails = up.headers["transfer-encoding"] !== undefined && req.httpVersion !== "1.0"
    const headers = returningHeaders(up, edits(up), trails)
    headers.push(...addedHeaders)
    res.sendDate = false
    res.writeHead(up.statusCode ?? 502, up.statusMessage, headers)
  }

  private chunk(up: IncomingMessage, chunk: Buffer): void {
    if (this.isOver) return
    const shown = this.reader === null ? [chunk] : this.reader.push(chunk)
    if (this.isDraining) {
      this.drained += chunk.length
      if (this.drained > this.call.settings.drainBytesMax) this.finish("givenUp", null)
      return
    }
    this.heard()
    this.startAnswer(up)
    for (const piece of shown) if (!this.call.res.write(piece)) up.pause()
  }

  private resume(): void {
    this.heard()
    this.up?.resume()
  }

  private ended(up: IncomingMessage): void {
    if (this.isOver) return
    this.read("complete", null, (rest) => {
      const { res } = this.call
      if (this.isDraining) return
      this.startAnswer(up)
      if (up.rawTrailers.length > 0) res.addTrailers(pairs(up.rawTrailers))
      for (const piece of rest) res.write(piece)
      res.end()
    })
  }

  private failed(error: Error | null): void {
    if (this.isOver) return
    const code = codeOf(error)
    this.finish("broken", { kind: this.left ? "broken" : "unreachable", code })
  }

  private silent(afterMs: number): void {
    // Whoever does not read is as good as gone; the provider is not to blame.
    if (this.up?.isPaused() === true && !this.isDraining) this.call.res.destroy()
    else this.finish(this.isDraining ? "givenUp" : "broken", { kind: "silent", afterMs })
  }

  private clientClosed(): void {
    if (this.isOver) return
    if (!this.left || this.call.reader === null || this.call.knowsAll()) {
      this.finish("givenUp", null)
      return
    }
    this.isDraining = true
    this.up?.resume()
    this.wait(this.call.settings.drainMs)
  }

  private finish(stop: "broken" | "givenUp", failure: Failure | null): void {
    if (this.isOver) return
    const isBegun = this.call.res.headersSent
    this.read(stop, failure, (rest) => {
      if (isBegun) this.cutOff(rest)
      else if (failure === null) this.call.res.destroy()
    })
    this.out.destroy()
  }

  /** What came gets to the client, and then the end that shows it was not all. */
  private cutOff(rest: readonly Buffer[]): void {
    const { res, settings } = this.call
    const { socket } = res
    if (socket === null) return
    for (const piece of rest) res.write(piece)
    socket.setTimeout(settings.drainMs, () => socket.destroy())
    socket.destroySoon()
  }

  /** The last bytes are read and the end is told before the client sees it. */
  private read(stop: Attempt["stop"], failure: Failure | null, then: Rest): void {
    this.isOver = true
    clearTimeout(this.timer)
    const { res, onEnd } = this.call
    res.off("close", this.onClientClose)
    res.off("drain", this.onClientDrain)
    const attempt = { left: this.left, status: this.up?.statusCode ?? null, stop, failure }
    const over = (rest: readonly Buffer[]): void => {
      onEnd(attempt)
      then(rest)
    }
    const last = this.reader?.end()
    if (!(last?.read instanceof Promise)) over(last?.rest ?? [])
    else last.read.catch(() => "unreadable").then(() => over(last.rest))
  }

  private heard(): void {
    if (!this.isDraining) this.timer.refresh()
  }

  private wait(ms: number): void {
    clearTimeout(this.timer)
    this.timer = setTimeout(() => this.silent(ms), ms)
  }
}

const pairs = (raw: readonly string[]): [string, string][] =>
  raw.flatMap((name, at) => (at % 2 === 0 ? [[name, raw[at + 1] ?? ""] as [string, string]] : []))

/** A word without an address or a path in it. */
const codeOf = (error: Error | null): string => {
  if (error !== null && "code" in error && typeof error.code === "string") return error.code
  return error === null ? "closed" : "failed"
}
