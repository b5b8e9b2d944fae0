/**
 * One request at an upstream, between undici's connections and whoever reads its answer. Told in
 * order: it leaves, its head, its body, its end; or, at any moment, that it failed.
 */
import type { IncomingHttpHeaders } from "node:http"
import type { Dispatcher } from "undici"

export interface UpstreamAnswer {
  readonly status: number
  readonly statusMessage: string
  /** Alternating names and values, as on the wire. */
  readonly rawHeaders: readonly string[]
}

export interface UpstreamListener {
  /** It has a connection, agreed on where it is TLS: from here on some byte may reach the provider. */
  readonly leaves: () => void
  readonly answered: (answer: UpstreamAnswer) => void
  readonly data: (chunk: Buffer) => void
  readonly ended: (rawTrailers: readonly string[]) => void
  readonly failed: (error: Error) => void
}

export class Sending implements Dispatcher.DispatchHandler {
  private readonly listener: UpstreamListener
  private controller: Dispatcher.DispatchController | null = null
  private isGivenUp = false
  /** Of the body, where the head says its length. */
  private bytesToCome = Number.POSITIVE_INFINITY

  constructor(listener: UpstreamListener) {
    this.listener = listener
  }

  get isPaused(): boolean {
    return this.controller?.paused ?? false
  }

  /** With its last byte nothing is left to hold back; paused there, undici may miss its end. */
  pause(): void {
    if (this.bytesToCome !== 0) this.controller?.pause()
  }

  resume(): void {
    this.controller?.resume()
  }

  /** Nothing more is told. One that has no connection yet never leaves. */
  giveUp(): void {
    if (this.isGivenUp) return
    this.isGivenUp = true
    this.controller?.abort(new Error("given up"))
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    // Thrown and not aborted: the connection, of which nothing was used, is kept for the next.
    if (this.isGivenUp) throw new Error("given up")
    this.controller = controller
    this.listener.leaves()
  }

  onResponseStart(
    { rawHeaders }: Dispatcher.DispatchController,
    status: number,
    headers: IncomingHttpHeaders,
    statusMessage = "",
  ): void {
    // Informational: the answer is still to come.
    if (status < 200 || this.isGivenUp) return
    const length = headers["content-length"]
    if (length !== undefined) this.bytesToCome = Number(length)
    const answer = { status, statusMessage: phraseOf(statusMessage) }
    this.listener.answered({ ...answer, rawHeaders: textsOf(rawHeaders) })
  }

  onResponseData(_: unknown, chunk: Buffer): void {
    this.bytesToCome -= chunk.length
    if (!this.isGivenUp) this.listener.data(chunk)
  }

  onResponseEnd({ rawTrailers }: Dispatcher.DispatchController): void {
    if (!this.isGivenUp) this.listener.ended(textsOf(rawTrailers))
  }

  onResponseError(_: unknown, error: Error): void {
    if (this.controller !== null) this.fail(error)
    // undici may refuse a request at once, when whoever sends it does not have the sending yet.
    else queueMicrotask(() => this.fail(error))
  }

  private fail(error: Error): void {
    if (!this.isGivenUp) this.listener.failed(error)
  }
}

/**
 * undici reads the reason phrase as UTF-8 and lets everything through. In latin1 it is the bytes that
 * came, as everywhere in a head, and what no head may hold is left out.
 */
const phraseOf = (statusMessage: string): string =>
  PLAIN.test(statusMessage)
    ? statusMessage
    : Buffer.from(statusMessage).toString("latin1").replace(FORBIDDEN, "")

const PLAIN = /^[\x20-\x7e]*$/
const FORBIDDEN = /[^\t\x20-\x7e\x80-\xff]/g

/** Of HTTP/1.1 they are bytes, a name and a value in turn. */
const textsOf = (raw: Dispatcher.DispatchController["rawHeaders"]): readonly string[] =>
  Array.isArray(raw)
    ? raw.map((each) => (typeof each === "string" ? each : each.toString("latin1")))
    : []
