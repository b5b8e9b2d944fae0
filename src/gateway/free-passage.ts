/** What costs nothing passes as it comes: models, token counts, and paths let free by the settings. */
import type { IncomingMessage, ServerResponse } from "node:http"
import type { Desk } from "./desk.ts"
import { Forward } from "./forward.ts"
import { outgoingHeaders } from "./headers.ts"
import type { Visit } from "./reception.ts"
import { failureWords, refuse } from "./refusal.ts"

export const passFree = (
  desk: Desk,
  visit: Visit,
  req: IncomingMessage,
  res: ServerResponse,
): Promise<void> =>
  new Promise((resolve) => {
    const { upstream, version, path, query, key, dialect } = visit
    const headers = outgoingHeaders(req, {
      host: upstream.host,
      bodyLength: null,
      decoded: false,
      plainAnswer: false,
      key,
    })
    const forward = new Forward({
      req,
      res,
      upstream,
      request: { method: req.method ?? "GET", version, path, query, headers, body: bodyOf(req) },
      settings: desk.settings,
      addedHeaders: [],
      reader: null,
      edits: () => false,
      knowsAll: () => true,
      onEnd: ({ failure }) => {
        desk.underWay.delete(forward)
        resolve()
        if (failure === null || res.headersSent) return
        refuse(res, dialect, failureWords(upstream.upstream.provider, failure, false))
      },
    })
    desk.underWay.add(forward)
  })

/** One that says no length and no encoding of its transfer has no body. */
const bodyOf = (req: IncomingMessage): IncomingMessage | null =>
  ["content-length", "transfer-encoding"].some((name) => name in req.headers) ? req : null
