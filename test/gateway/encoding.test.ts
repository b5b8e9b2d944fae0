/** Reading along through content encodings. */
import { once } from "node:events"
import {
  brotliCompressSync,
  constants,
  createGzip,
  deflateRawSync,
  deflateSync,
  gzipSync,
  zstdCompressSync,
} from "node:zlib"
import { describe, expect, it } from "vitest"
import { decodingReader, type Readability } from "../../src/gateway/encoding.ts"
import { byteByByte, cutAt } from "./sse/reference.ts"

const TEXT = Buffer.from("data: hello, world\n\n".repeat(500))

const decoded = async (
  encoding: string | undefined,
  chunks: readonly Buffer[],
  maxBytes?: number,
): Promise<{ readonly plain: Buffer; readonly read: Readability }> => {
  const pieces: Buffer[] = []
  const reader = decodingReader(encoding, (piece) => pieces.push(Buffer.from(piece)), maxBytes)
  for (const chunk of chunks) reader.push(chunk)
  const read = await reader.end()
  return { plain: Buffer.concat(pieces), read }
}

const ENCODED: readonly (readonly [string | undefined, Buffer])[] = [
  [undefined, TEXT],
  ["", TEXT],
  ["identity", TEXT],
  ["gzip", gzipSync(TEXT)],
  ["X-GZip", gzipSync(TEXT)],
  ["deflate", deflateSync(TEXT)],
  ["deflate", deflateRawSync(TEXT)],
  ["br", brotliCompressSync(TEXT)],
  ["zstd", zstdCompressSync(TEXT)],
  ["gzip, br", brotliCompressSync(gzipSync(TEXT))],
  ["identity, deflate , zstd", zstdCompressSync(deflateSync(TEXT))],
]

describe.each(ENCODED)("%s", (encoding, bytes) => {
  it("is read, in one chunk or byte by byte", async () => {
    for (const chunks of [[bytes], byteByByte(bytes), cutAt(bytes, [1, 2, 9])]) {
      const { plain, read } = await decoded(encoding, chunks)
      expect(plain.equals(TEXT)).toBe(true)
      expect(read).toBe("read")
    }
  })

  it("that is cut gives what came", async () => {
    const { plain, read } = await decoded(encoding, [bytes.subarray(0, bytes.length - 6)])
    expect(read).toBe("read")
    expect(TEXT.subarray(0, plain.length).equals(plain)).toBe(true)
  })

  it("without a byte is read, and nothing", async () => {
    expect(await decoded(encoding, [])).toEqual({ plain: Buffer.alloc(0), read: "read" })
  })
})

it.each([
  ["an unknown coding", "compress", TEXT],
  ["an unknown coding beneath a known one", "sdch, gzip", gzipSync(TEXT)],
  ["a coding named like what every object has", "constructor", TEXT],
  ["damaged bytes", "gzip", Buffer.from("no gzip at all")],
  ["damage beneath", "br, gzip", gzipSync(Buffer.from("no brotli at all"))],
  ["too many codings", "gzip,gzip,gzip,gzip", TEXT],
])("%s cannot be read", async (_, encoding, bytes) => {
  expect((await decoded(encoding, [bytes])).read).toBe("unreadable")
})

it.each([
  ["gzip", gzipSync],
  ["br", brotliCompressSync],
  ["zstd", zstdCompressSync],
] as const)(
  "a small %s body that grows without end is given up at its bound",
  async (encoding, of) => {
    const bomb = of(Buffer.alloc(64 * 1024 * 1024))
    const { plain, read } = await decoded(encoding, [bomb], 1024 * 1024)
    expect(read).toBe("unreadable")
    expect(plain.length).toBeLessThanOrEqual(1024 * 1024)
  },
)

it("a zstd body that asks for more memory than the standard lets it cannot be read", async () => {
  const params = { [constants.ZSTD_c_windowLog]: 27 }
  const wide = zstdCompressSync(Buffer.alloc(256 * 1024 * 1024, "ab"), { params })
  expect((await decoded("zstd", [wide])).read).toBe("unreadable")
})

it("events are told as they come, before the body has ended", async () => {
  const gzip = createGzip()
  const told: string[] = []
  const first = Promise.withResolvers<void>()
  const reader = decodingReader("gzip", (piece) => {
    told.push(piece.toString())
    first.resolve()
  })
  gzip.on("data", (chunk: Buffer) => reader.push(chunk))
  gzip.write("data: first\n\n")
  gzip.flush()
  await first.promise
  expect(told.join("")).toBe("data: first\n\n")
  gzip.end("data: last\n\n")
  await once(gzip, "end")
  expect(await reader.end()).toBe("read")
  expect(told.join("")).toBe("data: first\n\ndata: last\n\n")
})
