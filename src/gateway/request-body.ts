/** A request's body: read whole, because it must be bounded before it leaves, but never without end. */
import type { IncomingMessage, ServerResponse } from "node:http"
import { promisify } from "node:util"
import { lateZlib } from "./late-zlib.ts"

export type BodyRead =
  | { readonly kind: "read"; readonly bytes: Buffer }
  | { readonly kind: "tooLarge" }
  /** The client left before it had said all. */
  | { readonly kind: "gone" }

export const readBody = (
  req: IncomingMessage,
  res: ServerResponse,
  bytesMax: number,
): Promise<BodyRead> => {
  if (Number(req.headers["content-length"] ?? 0) > bytesMax) {
    return Promise.resolve({ kind: "tooLarge" })
  }
  // Said only now: nobody uploads a body that is refused by its head.
  if (req.headers.expect !== undefined) res.writeContinue()
  return new Promise((resolve) => {
    const chunks: Buffer[] = []
    let length = 0
    req.on("data", (chunk: Buffer) => {
      length += chunk.length
      if (length <= bytesMax) {
        chunks.push(chunk)
        return
      }
      chunks.length = 0
      resolve({ kind: "tooLarge" })
    })
    req.on("end", () => {
      const [first] = chunks
      const bytes = chunks.length === 1 && first !== undefined ? first : Buffer.concat(chunks)
      resolve({ kind: "read", bytes })
    })
    req.on("error", () => resolve({ kind: "gone" }))
    req.on("close", () => resolve({ kind: "gone" }))
  })
}

/** What undoes each coding. */
const DECODERS = {
  gzip: "gunzip",
  "x-gzip": "gunzip",
  deflate: "inflate",
  br: "brotliDecompress",
  zstd: "zstdDecompress",
} as const

const isKnown = (name: string): name is keyof typeof DECODERS => Object.hasOwn(DECODERS, name)

export type Decoded =
  | { readonly kind: "decoded"; readonly bytes: Buffer; readonly wasEncoded: boolean }
  | { readonly kind: "tooLarge" }
  | { readonly kind: "unreadable"; readonly why: string }

type Decode = (bytes: Buffer, options: { maxOutputLength: number }) => Promise<Buffer>

/** Undoes the content encodings, last one first, each bounded. */
export const decodeBody = async (
  bytes: Buffer,
  encoding: string | undefined,
  bytesMax: number,
): Promise<Decoded> => {
  if (encoding === undefined) return { kind: "decoded", bytes, wasEncoded: false }
  const names = encoding.split(",").map((name) => name.trim().toLowerCase())
  let decoded = bytes
  for (const name of names.reverse()) {
    if (name === "identity" || name === "") continue
    if (!isKnown(name)) return { kind: "unreadable", why: unknown(name) }
    const decode: Decode = promisify(lateZlib()[DECODERS[name]])
    try {
      decoded = await decode(decoded, { maxOutputLength: bytesMax })
    } catch (error) {
      if (isTooLarge(error)) return { kind: "tooLarge" }
      return { kind: "unreadable", why: `the body is not ${name} as its content-encoding says` }
    }
  }
  return { kind: "decoded", bytes: decoded, wasEncoded: decoded !== bytes }
}

const unknown = (name: string): string =>
  `content-encoding ${JSON.stringify(name)} cannot be read here; allowed: ${Object.keys(DECODERS).join(", ")}`

const isTooLarge = (error: unknown): boolean =>
  error instanceof Error && "code" in error && error.code === "ERR_BUFFER_TOO_LARGE"
