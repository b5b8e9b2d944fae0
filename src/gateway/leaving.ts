/** A call's request as it leaves: the same bytes, unless something had to be put in. */
import type { CallRequest, RequestChange } from "./dialects/dialect.ts"
import type { CallRead, Exchange } from "./exchange.ts"
import { outgoingHeaders } from "./headers.ts"
import type { HeldCall } from "./metered-agent.ts"
import type { UpstreamRequest } from "./upstream.ts"
import { wrapUpNote } from "./wrap-up-note.ts"

export interface Leaving {
  readonly sent: UpstreamRequest
  /** The client did not ask for the usage that it gets. */
  readonly hidesUsage: boolean
}

/**
 * The request as it leaves if all is granted that it asks for, as nearly always: built while its hold
 * is being written, and not after. Built again where less was granted.
 */
export class PresumedRequest {
  private readonly call: Exchange
  private readonly read: CallRead
  private presumed: Leaving | null = null
  private isAsked = false

  constructor(call: Exchange, read: CallRead) {
    this.call = call
    this.read = read
    // The hold's writing is begun at the end of this turn, and before this.
    if (saysItsCap(read.request)) setImmediate(() => this.presume())
  }

  /** Once. Throws where the request cannot be changed. */
  as(held: HeldCall): Leaving {
    this.isAsked = true
    const { request } = this.read
    const isWhole = held.wrapUp === null && !isCapToPut(request, held)
    if (this.presumed !== null && isWhole) return this.presumed
    return leaving(this.call, this.read, held)
  }

  private presume(): void {
    if (this.isAsked) return
    try {
      this.presumed = leaving(this.call, this.read, null)
    } catch {
      // Whoever asks will hear of it.
    }
  }
}

/** Null: all that it asks for. */
const leaving = (call: Exchange, read: CallRead, held: HeldCall | null): Leaving => {
  const { visit, desk } = call
  const { request } = read
  const wrapUp = held?.wrapUp ?? null
  const change: RequestChange = {
    outputCap: held !== null && isCapToPut(request, held) ? held.outputTokens : null,
    askUsage: !request.saysUsage,
    note:
      desk.settings.wrapUpNote && wrapUp !== null ? wrapUpNote(wrapUp.remainingTokens ?? 0) : null,
  }
  const isChanged = change.outputCap !== null || change.askUsage || change.note !== null
  const sent = requestOf(call, {
    path: visit.path,
    body: isChanged ? visit.dialect.rewrite(read.body, change) : read.original,
    decoded: isChanged,
    plainAnswer: change.askUsage,
  })
  return { sent, hidesUsage: change.askUsage }
}

const saysItsCap = ({ hasOutput, saysCap, outputCap }: CallRequest): boolean =>
  !hasOutput || (saysCap && outputCap !== null)

const isCapToPut = (request: CallRequest, held: HeldCall): boolean =>
  request.hasOutput && (!request.saysCap || request.outputCap !== held.outputTokens)

export interface Shape {
  readonly path: string
  readonly body: Buffer
  readonly decoded: boolean
  readonly plainAnswer: boolean
}

export const requestOf = (
  { visit, req }: Exchange,
  { path, body, ...shape }: Shape,
): UpstreamRequest => {
  const { version, query, key, upstream } = visit
  const bodyLength = body.length
  const headers = outgoingHeaders(req, { host: upstream.host, key, bodyLength, ...shape })
  return { method: "POST", version, path, query, headers, body }
}
