/**
 * One attempt at the provider: the request out, the answer back chunk by chunk at the pace of
 * whoever is slower. When the client leaves, the answer is read on for its usage, within bounds.
 */
import type { IncomingMessage, ServerResponse } from "node:http"
import type { AnswerEnd, AnswerReader } from "./answer-reader.ts"
import { headerIn, returningHeaders } from "./headers.ts"
import type { Sending, UpstreamAnswer } from "./sending.ts"
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
  readonly settings: Pick<GatewaySettings, "connectMs" | "idleMs" | "drainMs" | "drainBytesMax">
  /** What the gateway adds to the answer's head, names and values in turn. */
  readonly addedHeaders: readonly string[]
  /** Reads the answer along; null: nobody does, and nobody drains it. */
  readonly reader: ((up: UpstreamAnswer) => AnswerReader) | null
  /** True where bytes of the answer are kept from the client, so that its length is another. */
  readonly edits: (up: UpstreamAnswer) => boolean
  /** Nothing more can be learned from the answer. */
  readonly knowsAll: () => boolean
  /** Told once, in the turn in which the client gets its end: whatever it asks next comes after this. */
  readonly onEnd: (attempt: Attempt) => void
}

export class Forward implements Answering {
  place = 0
  private readonly call: Forwarded
  private out: Sending | null = null
  private up: UpstreamAnswer | null = null
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
    const { req, res, upstream, request, settings } = call
    this.timer = setTimeout(() => this.silent(settings.connectMs), settings.connectMs)
    res.on("close", this.onClientClose)
    res.on("drain", this.onClientDrain)
    if (request.body === req && req.headers.expect !== undefined) res.writeContinue()
    this.out = upstream.send(request, {
      leaves: () => this.leaves(),
      answered: (up) => this.guard(() => this.answered(up)),
      data: (chunk) => this.guard(() => this.chunk(chunk)),
      ended: (rawTrailers) => this.guard(() => this.ended(rawTrailers)),
      failed: (error) => this.failed(error),
    })
  }

  /** Gives the answer up: nobody may wait for it any longer. */
  giveUp(): void {
    this.finish("givenUp", null)
  }

  /** An answer that cannot be handled, by its head or by a meter, breaks this call and no other. */
  private guard(step: () => void): void {
    try {
      step()
    } catch (error) {
      this.failed(error instanceof Error ? error : null)
    }
  }

  private leaves(): void {
    if (this.isOver) return
    this.left = true
    this.wait(this.call.settings.idleMs)
  }

  private answered(up: UpstreamAnswer): void {
    if (this.isOver) return
    this.up = up
    this.reader = this.call.reader?.(up) ?? null
    this.heard()
    if (!this.isDraining && headerIn(up, "content-type")?.startsWith("text/event-stream")) {
      setImmediate(() => this.guard(() => this.announce()))
    }
  }

  /**
   * A stream's first event may be long in coming; its head is news already. Any other head waits for
   * the first byte: until then the client can still be told what went wrong.
   */
  private announce(): void {
    if (this.isOver || this.isDraining || this.call.res.headersSent) return
    this.startAnswer()
    this.call.res.flushHeaders()
  }

  private startAnswer(): void {
    const { up } = this
    const { req, res, addedHeaders, edits } = this.call
    if (up === null || res.headersSent) return
    const trails = headerIn(up, "transfer-encoding") !== undefined && req.httpVersion !== "1.0"
    const headers = returningHeaders(up, edits(up), trails)
    headers.push(...addedHeaders)
    res.sendDate = false
    res.writeHead(up.status, up.statusMessage, headers)
  }

  private chunk(chunk: Buffer): void {
    if (this.isOver) return
    const shown = this.reader === null ? [chunk] : this.reader.push(chunk)
    if (this.isDraining) {
      this.drained += chunk.length
      if (this.drained > this.call.settings.drainBytesMax) this.finish("givenUp", null)
      return
    }
    this.heard()
    this.startAnswer()
    for (const piece of shown) if (!this.call.res.write(piece)) this.out?.pause()
  }

  private resume(): void {
    this.heard()
    this.out?.resume()
  }

  private ended(rawTrailers: readonly string[]): void {
    if (this.isOver) return
    if (!this.isDraining) this.startAnswer()
    this.read("complete", null, (rest) => {
      const { res } = this.call
      if (this.isDraining) return
      if (rawTrailers.length > 0) res.addTrailers(pairs(rawTrailers))
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
    if (this.out?.isPaused === true && !this.isDraining) this.call.res.destroy()
    else this.finish(this.isDraining ? "givenUp" : "broken", { kind: "silent", afterMs })
  }

  private clientClosed(): void {
    if (this.isOver) return
    if (!this.left || this.call.reader === null || this.call.knowsAll()) {
      this.finish("givenUp", null)
      return
    }
    this.isDraining = true
    this.out?.resume()
    this.wait(this.call.settings.drainMs)
  }

  private finish(stop: "broken" | "givenUp", failure: Failure | null): void {
    if (this.isOver) return
    const isBegun = this.call.res.headersSent
    this.read(stop, failure, (rest) => {
      if (isBegun) this.cutOff(rest)
      else if (failure === null) this.call.res.destroy()
    })
    this.out?.giveUp()
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

  /** The client gets its last bytes, and in the same turn the end is told: nothing it asks comes between. */
  private read(stop: Attempt["stop"], failure: Failure | null, then: Rest): void {
    this.isOver = true
    clearTimeout(this.timer)
    const { res, onEnd } = this.call
    res.off("close", this.onClientClose)
    res.off("drain", this.onClientDrain)
    const attempt = { left: this.left, status: this.up?.status ?? null, failure }
    const over = (rest: readonly Buffer[], isBroken: () => boolean): void => {
      try {
        then(rest)
      } finally {
        onEnd({ ...attempt, stop: isBroken() ? "broken" : stop })
      }
    }
    const last = this.endOfReading()
    if (last === null) over([], () => true)
    else if (last.takesTime) settledIn(last.read).then((isRead) => over(last.rest, () => !isRead))
    else over(last.rest, () => !couldRead(last.read))
  }

  /** Null: a meter broke at it, and what it says may not be all. The client has its bytes all the same. */
  private endOfReading(): AnswerEnd | null {
    try {
      return this.reader?.end() ?? NOBODY_READ
    } catch {
      return null
    }
  }

  private heard(): void {
    if (!this.isDraining) this.timer.refresh()
  }

  private wait(ms: number): void {
    clearTimeout(this.timer)
    this.timer = setTimeout(() => this.silent(ms), ms)
  }
}

const NOBODY_READ: AnswerEnd = { rest: [], read: () => "read", takesTime: false }

/** False where the meter broke, which is not the same as an answer that cannot be read. */
const couldRead = (read: AnswerEnd["read"]): boolean => {
  try {
    read()
    return true
  } catch {
    return false
  }
}

const settledIn = async (read: AnswerEnd["read"]): Promise<boolean> => {
  try {
    await read()
    return true
  } catch {
    return false
  }
}

const pairs = (raw: readonly string[]): [string, string][] =>
  raw.flatMap((name, at) => (at % 2 === 0 ? [[name, raw[at + 1] ?? ""] as [string, string]] : []))

/** A word without an address or a path in it; for a connection that was closed, the known one. */
const codeOf = (error: Error | null): string => {
  if (error?.name === "HTTPParserError") return "what came is not HTTP"
  if (error !== null && "code" in error && CLOSED.has(error.code)) return "ECONNRESET"
  if (error !== null && "code" in error && typeof error.code === "string") return error.code
  return error === null ? "closed" : "failed"
}

const CLOSED: ReadonlySet<unknown> = new Set([
  "UND_ERR_SOCKET",
  "UND_ERR_RES_CONTENT_LENGTH_MISMATCH",
])
