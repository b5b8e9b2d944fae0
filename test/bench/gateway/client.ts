/**
 * The client of the bench, a process of its own: a fixed request again and again over connections
 * that stay open, on bare sockets, so that it costs little beside what it measures.
 */
import { connect, type Socket } from "node:net"
import { requestBody, type Shape, type Size } from "./messages.ts"
import { attend, tell } from "./process.ts"

export interface LoadJob {
  readonly port: number
  readonly headers: readonly string[]
  readonly shape: Shape
  readonly size: Size
  readonly isPaced: boolean
  readonly connections: number
  /** Ends after so long, or after so many calls, whatever is first. */
  readonly forMs: number
  readonly calls: number
}

export interface LoadResult {
  readonly calls: number
  readonly perSecond: number
  readonly medianUs: number
  /** Until the first byte of the body. */
  readonly firstByteUs: number
  /** Of a stream: how long its first byte was on its way back from the model. */
  readonly wayBackUs: number
  readonly failed: number
}

/** Opens so many connections that say nothing, and counts which of them stay. */
export interface IdleJob {
  readonly port: number
  readonly idle: number
}

export interface IdleResult {
  readonly opened: number
  readonly stayed: number
}

class Load {
  private readonly request: Buffer
  private readonly job: LoadJob
  private readonly startedAt = performance.now()
  private readonly latencies: number[] = []
  private readonly firstBytes: number[] = []
  private readonly waysBack: number[] = []
  private begun = 0
  private failed = 0

  constructor(job: LoadJob) {
    const body = requestBody(job.shape, job.size, job.isPaced)
    const head = [
      "POST /v1/messages HTTP/1.1",
      `Host: 127.0.0.1:${job.port}`,
      "Content-Type: application/json",
      `Content-Length: ${body.length}`,
      "anthropic-version: 2023-06-01",
      ...job.headers,
    ].join("\r\n")
    this.request = Buffer.concat([Buffer.from(`${head}\r\n\r\n`), body])
    this.job = job
  }

  async run(): Promise<LoadResult> {
    const { connections } = this.job
    await Promise.all(Array.from({ length: connections }, () => this.connection()))
    const seconds = (performance.now() - this.startedAt) / 1_000
    return {
      calls: this.latencies.length,
      perSecond: this.latencies.length / seconds,
      medianUs: medianOf(this.latencies) * 1_000,
      firstByteUs: medianOf(this.firstBytes) * 1_000,
      wayBackUs: medianOf(this.waysBack),
      failed: this.failed,
    }
  }

  private mayGoOn(): boolean {
    const { calls, forMs } = this.job
    return this.begun < calls && performance.now() - this.startedAt < forMs
  }

  private connection(): Promise<void> {
    return new Promise((resolve) => {
      const socket = connect(this.job.port, "127.0.0.1")
      socket.setNoDelay(true)
      let answer = new Answer()
      const next = (): void => {
        if (!this.mayGoOn()) {
          socket.destroy()
          return
        }
        this.begun += 1
        answer = new Answer()
        socket.write(this.request)
      }
      socket.on("connect", next)
      socket.on("data", (chunk: Buffer) => {
        if (!answer.take(chunk)) return
        this.note(answer)
        next()
      })
      socket.on("error", () => {
        this.failed += 1
      })
      socket.on("close", () => resolve())
    })
  }

  private note(answer: Answer): void {
    if (answer.status !== 200) this.failed += 1
    this.latencies.push(performance.now() - answer.askedAt)
    this.firstBytes.push(answer.firstByteAt - answer.askedAt)
    if (answer.wayBackUs !== null) this.waysBack.push(answer.wayBackUs)
  }
}

const HEAD_END: Buffer = Buffer.from("\r\n\r\n")
/** Ends a chunked body; the answers of the bench never have it inside. */
const LAST_CHUNK: Buffer = Buffer.from("0\r\n\r\n")

class Answer {
  readonly askedAt = performance.now()
  firstByteAt = 0
  wayBackUs: number | null = null
  status = 0
  private sentAtNs: bigint | null = null
  private head: Buffer | null = null
  /** Null: chunked. */
  private left: number | null = null
  private isInBody = false

  /** True when it is whole. */
  take(chunk: Buffer): boolean {
    const body = this.isInBody ? chunk : this.takeHead(chunk)
    if (body === null) return false
    if (body.length > 0 && this.firstByteAt === 0) this.noteFirstByte()
    if (this.left === null) return body.subarray(-LAST_CHUNK.length).equals(LAST_CHUNK)
    this.left -= body.length
    return this.left <= 0
  }

  private noteFirstByte(): void {
    this.firstByteAt = performance.now()
    if (this.sentAtNs !== null)
      this.wayBackUs = Number(process.hrtime.bigint() - this.sentAtNs) / 1_000
  }

  private takeHead(chunk: Buffer): Buffer | null {
    const seen = this.head === null ? chunk : Buffer.concat([this.head, chunk])
    const end = seen.indexOf(HEAD_END)
    if (end < 0) {
      this.head = seen
      return null
    }
    const head = seen.toString("latin1", 0, end)
    this.status = Number(head.slice(9, 12))
    const length = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1]
    this.left = length === undefined ? null : Number(length)
    const sentAtNs = /\r\nx-sent-at-ns: *(\d+)/i.exec(head)?.[1]
    this.sentAtNs = sentAtNs === undefined ? null : BigInt(sentAtNs)
    this.isInBody = true
    return seen.subarray(end + HEAD_END.length)
  }
}

const medianOf = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[values.length >> 1] ?? Number.NaN

const idling = new Set<Socket>()

/** One after the other, so that none is dropped for want of a place in the server's line. */
const openIdle = async ({ port, idle }: IdleJob): Promise<IdleResult> => {
  let opened = 0
  for (let at = 0; at < idle; at += 1) {
    const socket = connect(port, "127.0.0.1")
    socket.on("error", () => {})
    socket.on("close", () => idling.delete(socket))
    socket.resume()
    idling.add(socket)
    await new Promise((resolve) => socket.once("connect", resolve).once("close", resolve))
    opened += 1
  }
  // What was dropped is seen by now.
  await new Promise((resolve) => setTimeout(resolve, 500))
  return { opened, stayed: idling.size }
}

const closeIdle = (): void => {
  for (const socket of idling) socket.destroy()
}

attend()
process.on("message", (job: LoadJob | IdleJob | "closeIdle" | "end") => {
  if (job === "closeIdle") {
    closeIdle()
    tell({ done: true })
  } else if (typeof job === "object" && "idle" in job) {
    void openIdle(job).then((done) => tell({ done }))
  } else if (typeof job === "object") {
    void new Load(job).run().then((done) => tell({ done }))
  }
})
tell({ port: 0, said: {} })
