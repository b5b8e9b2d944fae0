/**
 * One request at an upstream, between undici's connections and whoever reads its answer. Told in
 * order: it leaves, its head, its body, its end; or, at any moment, that it failed.
 */
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

  constructor(listener: UpstreamListener) {
    this.listener = listener
  }

  get isPaused(): boolean {
    return this.controller?.paused ?? false
  }

  pause(): void {
    this.controller?.pause()
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
    this.controller = controller
    if (this.isGivenUp) controller.abort(new Error("given up"))
    else this.listener.leaves()
  }

  onResponseStart(
    { rawHeaders }: Dispatcher.DispatchController,
    status: number,
    _headers: unknown,
    statusMessage = "",
  ): void {
    // Informational: the answer is still to come.
    if (status < 200 || this.isGivenUp) return
    this.listener.answered({ status, statusMessage, rawHeaders: textsOf(rawHeaders) })
  }

  onResponseData(_: unknown, chunk: Buffer): void {
    if (!this.isGivenUp) this.listener.data(chunk)
  }

  onResponseEnd({ rawTrailers }: Dispatcher.DispatchController): void {
    if (!this.isGivenUp) this.listener.ended(textsOf(rawTrailers))
  }

  onResponseError(_: unknown, error: Error): void {
    if (!this.isGivenUp) this.listener.failed(error)
  }
}

/** Of HTTP/1.1 they are bytes, a name and a value in turn. */
const textsOf = (raw: Dispatcher.DispatchController["rawHeaders"]): readonly string[] =>
  Array.isArray(raw)
    ? raw.map((each) => (typeof each === "string" ? each : each.toString("latin1")))
    : []
