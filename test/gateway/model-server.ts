/**
 * A model server on the loopback in the words of Anthropic, OpenAI and Google. It keeps to the caps
 * it is sent, keeps a log of what it billed (the truth for tests), and fails on demand.
 */
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type ServerResponse,
} from "node:http"
import type { AddressInfo } from "node:net"
import { gunzipSync, gzipSync, zstdDecompressSync } from "node:zlib"
import {
  type Api,
  type Asked,
  type Billed,
  countTokens,
  errorBody,
  type Json,
  understand,
  wholeAnswer,
} from "./model-answers.ts"
import { errorEvent, streamedAnswer } from "./model-streams.ts"
import type { Script } from "./model-tools.ts"

/** How an answer goes wrong, or differs. */
export type Fault =
  | { readonly kind: "resetBeforeHeaders" }
  | { readonly kind: "resetAfterHeaders" }
  | { readonly kind: "halfStream" }
  | { readonly kind: "silence"; readonly after: "request" | "headers" | "half" }
  | { readonly kind: "status"; readonly status: number; readonly headers?: Record<string, string> }
  | { readonly kind: "errorEvent"; readonly after: "nothing" | "half" }
  | { readonly kind: "malformed" }
  | { readonly kind: "wrongContentType" }
  | { readonly kind: "huge"; readonly bytes: number }
  | { readonly kind: "ignoresCap"; readonly outputTokens: number }
  | { readonly kind: "saysNoUsage" }
  | { readonly kind: "gzip" }
  | { readonly kind: "trailers" }
  /** Sends a piece each time the test says so. */
  | { readonly kind: "stepwise"; readonly next: () => Promise<void> }

/** What becomes of one call. */
export interface Behaviour {
  readonly fault: Fault | null
  readonly answerTokens: number
  /** Makes, and bills, the whole answer even when nobody is there any more to get it. */
  readonly finishes?: boolean
}

export interface ServedCall extends Billed {
  readonly api: Api
  readonly path: string
  readonly query: string
  readonly headers: IncomingHttpHeaders
  readonly rawHeaders: readonly string[]
  readonly model: string
  readonly cap: number | null
  readonly body: Buffer
  /** Of a huge answer: what it could write so far. */
  readonly fillerBytes: number
  /** Its connection went away before the answer was whole. */
  readonly wasCut: boolean
}

export interface ModelServer {
  readonly url: string
  readonly port: number
  /** What it billed, in order of arrival; `outputTokens` grows while an answer is made. */
  readonly calls: readonly ServedCall[]
  /** Requests that cost nothing: counts, models, free paths. */
  readonly free: readonly string[]
  /** Connections now open. */
  readonly sockets: () => number
  /** For the next calls; null: none. */
  fault: Fault | null
  /** Each for one call, and before `fault`. */
  readonly faults: Fault[]
  /** Which tools it calls, of those it is offered; none by default. */
  script: Script
  /** How long answers are, unless the cap is smaller. */
  answerTokens: number
  /** Of each call by its head; null: as the two fields above say. */
  behave: ((headers: IncomingHttpHeaders) => Behaviour) | null
  /** How many tokens a body's input is. */
  tokenizer: (body: Buffer) => number
  /** What the counting paths answer; null: they fail. */
  countedTokens: ((body: Buffer) => number) | null
  readonly close: () => Promise<void>
}

interface State extends ModelServer {
  readonly calls: { -readonly [Field in keyof ServedCall]: ServedCall[Field] }[]
  readonly free: string[]
}

const APIS: Readonly<Record<string, Api>> = {
  "/messages": "anthropic-messages",
  "/chat/completions": "openai-chat",
  "/completions": "openai-completions",
  "/responses": "openai-responses",
  "/embeddings": "openai-embeddings",
}

const apiOf = (path: string): Api | null => {
  if (path.includes(":generateContent") || path.includes(":streamGenerateContent")) {
    return "gemini-generate"
  }
  return /mbedContents?$/.test(path) ? "gemini-embed" : (APIS[path] ?? null)
}

export const startModelServer = async (): Promise<ModelServer> => {
  const server = createServer({ keepAliveTimeout: 60_000 })
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  const { port } = server.address() as AddressInfo
  let sockets = 0
  server.on("connection", (socket) => {
    sockets += 1
    socket.on("close", () => {
      sockets -= 1
    })
  })
  const state: State = {
    url: `http://127.0.0.1:${port}`,
    port,
    calls: [],
    free: [],
    sockets: () => sockets,
    fault: null,
    faults: [],
    script: { toolCalls: 0, command: "true" },
    answerTokens: 50,
    behave: null,
    tokenizer: countTokens,
    countedTokens: countTokens,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
  server.on("request", (req, res) => {
    const chunks: Buffer[] = []
    req.on("data", (chunk: Buffer) => chunks.push(chunk))
    req.on("end", () => {
      void serve(state, req, res, Buffer.concat(chunks))
    })
  })
  return state
}

const serve = async (
  state: State,
  req: IncomingMessage,
  res: ServerResponse,
  sent: Buffer,
): Promise<void> => {
  const [whole = "", query = ""] = (req.url ?? "").split("?")
  const path = whole.replace(/^\/v\d\w*/, "")
  const body = decoded(sent, req.headers["content-encoding"])
  const api = apiOf(path)
  if (api === null || req.method !== "POST") return serveFree(state, res, path, body)
  const understood = understand(api, path, query, body, state.script)
  if (understood === null) return json(res, 400, errorBody(api, 400, "not an object"))
  const asked = { ...understood, inputTokens: state.tokenizer(body) }
  const { answerTokens } = state
  const fault = state.faults.shift() ?? state.fault
  const behaviour = state.behave?.(req.headers) ?? { fault, answerTokens }
  if (api === "anthropic-messages" && asked.cap === null) {
    return json(res, 400, errorBody(api, 400, "max_tokens: Field required"))
  }
  const { headers, rawHeaders } = req
  const served = { api, path: whole, query, headers, rawHeaders, body, model: asked.model }
  const call = {
    ...served,
    cap: asked.cap,
    inputTokens: 0,
    outputTokens: 0,
    fillerBytes: 0,
    wasCut: false,
  }
  state.calls.push(call)
  res.on("close", () => {
    call.wasCut = !res.writableFinished
  })
  await answer(`answer-${state.calls.length}`, asked, call, behaviour, res)
}

const decoded = (sent: Buffer, encoding: string | undefined): Buffer => {
  if (encoding === "gzip") return gunzipSync(sent)
  return encoding === "zstd" ? zstdDecompressSync(sent) : sent
}

const serveFree = (state: State, res: ServerResponse, path: string, body: Buffer): void => {
  state.free.push(path)
  const [status, said] = freeAnswer(state, path, body)
  json(res, status, said)
}

const freeAnswer = (state: State, path: string, body: Buffer): readonly [number, Json] => {
  if (/count_tokens|input_tokens|:countTokens/.test(path)) {
    const counted = state.countedTokens?.(body)
    if (counted === undefined) return [500, { error: "no count" }]
    return [200, { input_tokens: counted, totalTokens: counted }]
  }
  if (path.startsWith("/models")) return [200, { data: [{ id: "model-1" }] }]
  return [path.startsWith("/files") ? 200 : 404, { path }]
}

const json = (res: ServerResponse, status: number, body: Json, headers: Json = {}): void => {
  res.writeHead(status, { "Content-Type": "application/json", ...headers } as Record<
    string,
    string
  >)
  res.end(JSON.stringify(body))
}

type Call = State["calls"][number]

const answer = async (
  id: string,
  asked: Asked,
  call: Call,
  { fault, answerTokens, finishes = false }: Behaviour,
  res: ServerResponse,
): Promise<void> => {
  if (fault?.kind === "status") {
    const words = errorBody(asked.api, fault.status, `status ${fault.status}`)
    return json(res, fault.status, words, fault.headers)
  }
  call.inputTokens = asked.inputTokens
  const wanted = fault?.kind === "ignoresCap" ? fault.outputTokens : answerTokens
  const capped = fault?.kind === "ignoresCap" ? wanted : Math.min(wanted, asked.cap ?? wanted)
  const billed = { inputTokens: asked.inputTokens, outputTokens: capped * asked.answers }
  if (finishes && fault?.kind !== "errorEvent") Object.assign(call, billed)
  if (fault?.kind === "resetBeforeHeaders") {
    Object.assign(call, billed)
    res.destroy()
    return
  }
  if (fault?.kind === "silence" && fault.after === "request") return
  // Whoever is cut off by its cap comes to no tool.
  const said = capped < wanted ? { ...asked, tool: null } : asked
  if (asked.streams) await stream(said, call, billed, fault, res, id)
  else whole(said, call, billed, fault, res, id)
}

const whole = (
  asked: Asked,
  call: Call,
  billed: Billed,
  fault: Fault | null,
  res: ServerResponse,
  id: string,
): void => {
  Object.assign(call, billed)
  const { usage: _, usageMetadata: __, ...unsaid } = wholeAnswer(asked, id, billed)
  const said = fault?.kind === "saysNoUsage" ? unsaid : wholeAnswer(asked, id, billed)
  const filler = fault?.kind === "huge" ? { filler: "x".repeat(fault.bytes) } : {}
  const text = JSON.stringify({ ...filler, ...said })
  const type = fault?.kind === "wrongContentType" ? "text/plain" : "application/json"
  const headers: Record<string, string> = { "Content-Type": type, "X-Request-Id": id }
  if (fault?.kind === "gzip") {
    res.writeHead(200, { ...headers, "Content-Encoding": "gzip" })
    res.end(gzipSync(text))
  } else if (fault?.kind === "malformed") {
    res.writeHead(200, headers)
    res.end(text.slice(0, -20))
  } else if (isBreaking(fault)) {
    res.writeHead(200, { ...headers, "Content-Length": String(Buffer.byteLength(text)) })
    if (fault.kind === "halfStream" || after(fault) === "half") res.write(text.slice(0, 40))
    else res.flushHeaders()
    if (fault.kind !== "silence") setImmediate(() => res.destroy())
  } else {
    res.writeHead(200, { ...headers, "Content-Length": String(Buffer.byteLength(text)) })
    res.end(text)
  }
}

type Breaking = Extract<Fault, { kind: "halfStream" | "resetAfterHeaders" | "silence" }>

const isBreaking = (fault: Fault | null): fault is Breaking =>
  fault !== null && ["halfStream", "resetAfterHeaders", "silence"].includes(fault.kind)

const after = (fault: Fault | null): string | null =>
  fault !== null && "after" in fault ? fault.after : null

const stream = async (
  asked: Asked,
  call: Call,
  billed: Billed,
  fault: Fault | null,
  res: ServerResponse,
  id: string,
): Promise<void> => {
  res.writeHead(200, {
    "Content-Type":
      fault?.kind === "wrongContentType"
        ? "text/plain"
        : asked.asList
          ? "application/json"
          : "text/event-stream; charset=utf-8",
    "X-Request-Id": id,
    ...(fault?.kind === "trailers" ? { Trailer: "X-Served-By" } : {}),
    ...(fault?.kind === "gzip" ? { "Content-Encoding": "gzip" } : {}),
  })
  const wantsUsage = asked.wantsUsage && fault?.kind !== "saysNoUsage"
  const pieces = streamedAnswer({ ...asked, wantsUsage }, id, billed)
  const breakAt = breaksAt(fault, pieces.length)
  if (fault?.kind === "gzip") {
    Object.assign(call, billed)
    res.end(gzipSync(pieces.map(({ text }) => text).join("")))
    return
  }
  for (const [at, { text, outputTokens }] of pieces.entries()) {
    if (at === breakAt) return breakOff(asked, call, fault, res)
    if (fault?.kind === "stepwise") await fault.next()
    // Before the last words, so that nobody knows the usage any sooner.
    if (fault?.kind === "huge" && at === 4) await filler(res, call, fault.bytes)
    if (res.destroyed) return
    // Made before it is sent: what is on its way was billed.
    call.outputTokens = Math.max(call.outputTokens, outputTokens)
    const sent = fault?.kind === "malformed" ? text.replaceAll("}", "") : text
    if (!res.write(sent)) await drained(res)
  }
  Object.assign(call, billed)
  if (fault?.kind === "trailers") res.addTrailers({ "X-Served-By": "model-7" })
  res.end()
}

const drained = (res: ServerResponse): Promise<void> =>
  new Promise((resolve) => {
    const over = (): void => {
      res.off("drain", over)
      res.off("close", over)
      resolve()
    }
    res.on("drain", over)
    res.on("close", over)
  })

const filler = async (res: ServerResponse, call: Call, bytes: number): Promise<void> => {
  const comment = `: ${"x".repeat(64 * 1024)}\n\n`
  while (call.fillerBytes < bytes && !res.destroyed) {
    call.fillerBytes += comment.length
    if (!res.write(comment)) await drained(res)
  }
}

const breaksAt = (fault: Fault | null, length: number): number | null => {
  if (fault?.kind === "halfStream" || after(fault) === "half") return Math.floor(length / 2)
  if (fault?.kind === "resetAfterHeaders" || after(fault) !== null) return 0
  return null
}

const breakOff = (asked: Asked, call: Call, fault: Fault | null, res: ServerResponse): void => {
  if (fault?.kind === "errorEvent") {
    // Nothing was made, so nothing is billed.
    if (fault.after === "nothing") call.inputTokens = 0
    res.end(errorEvent(asked.api))
    return
  }
  res.flushHeaders()
  // A turn later, so that what was written leaves first.
  if (fault?.kind !== "silence") setImmediate(() => res.destroy())
}
