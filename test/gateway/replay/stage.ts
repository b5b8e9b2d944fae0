/** Streams on their way from a scripted upstream through the gateway to a raw client, and the ledger. */
import * as http from "node:http"
import pino from "pino"
import type { HoldSettled } from "../../../machines/budget/row.ts"
import type { Usage } from "../../../machines/vocabulary.ts"
import { DIALECTS } from "../../../src/gateway/dialects/dialects.ts"
import { openGateway } from "../../../src/gateway/gateway.ts"
import { startSupervisor } from "../../../src/host/start.ts"
import { makeMemoryLedger } from "../../../src/ledger/memory.ts"
import { functionRunner } from "../../../src/runners/function.ts"
import { PRICES, REAL_KEY, upstreamsAt } from "../gateway-world.ts"
import { Progress, startScriptedUpstream } from "./scripted-upstream.ts"

export type Shape = "messages" | "chat" | "completions" | "responses" | "gemini"

export interface Replay {
  readonly shape: Shape
  readonly chunks: readonly Buffer[]
  readonly encoding?: string
  /** The client asks for the usage itself, so that nothing is taken out of its stream. */
  readonly asksUsage?: boolean
  /** Each chunk is said only when the client has seen the one before; otherwise at once. */
  readonly inStep?: boolean
}

export interface Heard {
  readonly bytes: Buffer
  readonly encoding: string | undefined
  /** In how many pieces they came. */
  readonly pieces: number
}

export interface Written {
  /** Null: it was charged as it was held. */
  readonly usage: Usage | null
  readonly provenance: string
}

export interface Stage {
  readonly replay: (replay: Replay) => Promise<Heard>
  /** What the ledger has of each call since this was last asked. */
  readonly written: () => Promise<readonly Written[]>
  readonly close: () => Promise<void>
}

const MESSAGES = [{ role: "user", content: "Say it again." }]

interface Asking {
  readonly provider: string
  readonly path: string
  readonly body: object
}

const ASKING: Readonly<Record<Shape, Asking>> = {
  messages: {
    provider: "anthropic",
    path: "/v1/messages",
    body: { model: "m", max_tokens: 1_000, messages: MESSAGES, stream: true },
  },
  chat: {
    provider: "openai",
    path: "/v1/chat/completions",
    body: { model: "m", max_tokens: 1_000, messages: MESSAGES, stream: true },
  },
  completions: {
    provider: "openai",
    path: "/v1/completions",
    body: { model: "m", max_tokens: 1_000, prompt: "Say", stream: true },
  },
  responses: {
    provider: "openai",
    path: "/v1/responses",
    body: { model: "m", max_output_tokens: 1_000, input: "Say", stream: true },
  },
  gemini: {
    provider: "google",
    path: "/v1beta/models/m:streamGenerateContent?alt=sse",
    body: { contents: [{ role: "user", parts: [{ text: "Say" }] }] },
  },
}

const bodyOf = (shape: Shape, asksUsage: boolean): string => {
  const canAsk = shape === "chat" || shape === "completions"
  const options = canAsk && asksUsage ? { stream_options: { include_usage: true } } : {}
  return JSON.stringify({ ...ASKING[shape].body, ...options })
}

const ROWS_KEPT = 1_000_000

export const openStage = async (): Promise<Stage> => {
  const upstream = await startScriptedUpstream()
  const ledger = makeMemoryLedger({ capacityRows: ROWS_KEPT })
  const budget = { dailyTokenLimit: null, perAgentTokenLimit: null }
  const supervisor = await startSupervisor({ ledger, budget })
  const gateway = await openGateway({
    upstreams: upstreamsAt(upstream.url, REAL_KEY),
    dialects: DIALECTS,
    prices: async () => PRICES,
    log: pino({ level: "silent" }),
    settings: { closeMs: 200 },
  })
  const over = Promise.withResolvers<void>()
  const runner = () => functionRunner(() => over.promise)
  const agent = await supervisor.run({ taskId: "replay", enforcement: "reserved", runner })
  const { agentId, calls } = agent
  const admitted = gateway.admit({ agentId, claims: "reserved", calls })
  const connections = new http.Agent({ keepAlive: true })
  let readUpTo = 0
  return {
    replay: async ({ shape, chunks, encoding, asksUsage = true, inStep = true }) => {
      const progress = inStep ? new Progress() : null
      const encoded = encoding === undefined ? {} : { "Content-Encoding": encoding }
      const headers = { "Content-Type": "text/event-stream; charset=utf-8", ...encoded }
      const script = upstream.add({ chunks, headers, progress })
      const { provider, path } = ASKING[shape]
      return hear(`${admitted.baseUrl(provider)}${path}`, progress, connections, {
        body: bodyOf(shape, asksUsage),
        headers: { "x-api-key": admitted.key, "x-script": script },
      })
    },
    written: async () => {
      await supervisor.flush()
      const rows: Written[] = []
      for await (const row of ledger.rows({ fromSeq: readUpTo + 1 })) {
        readUpTo = row.seq
        if (row.kind === "hold_settled") rows.push(writtenIn(row))
        else if (row.kind === "hold_expired") rows.push({ usage: null, provenance: "charged" })
      }
      return rows
    },
    close: async () => {
      connections.destroy()
      await gateway.close()
      over.resolve()
      await supervisor.close()
      await upstream.close()
    },
  }
}

const writtenIn = ({ usage, provenance }: HoldSettled): Written => ({ usage, provenance })

interface Sent {
  readonly body: string
  readonly headers: Readonly<Record<string, string>>
}

const hear = (
  url: string,
  progress: Progress | null,
  agent: http.Agent,
  { body, headers }: Sent,
): Promise<Heard> =>
  new Promise((resolve, reject) => {
    const request = http.request(url, { method: "POST", agent, headers })
    request.on("error", reject)
    request.on("response", (response) => {
      const pieces: Buffer[] = []
      response.on("data", (piece: Buffer) => {
        pieces.push(piece)
        progress?.saw(piece.length)
      })
      response.on("error", reject)
      response.on("end", () => {
        const encoding = response.headers["content-encoding"]
        resolve({ bytes: Buffer.concat(pieces), encoding, pieces: pieces.length })
      })
    })
    request.end(body)
  })
