/** One recording, from bytes to calls: constant memory, in batches. */
import { createReadStream } from "node:fs"
import { pipeline } from "node:stream"
import { createGunzip } from "node:zlib"
import { readJsonLine } from "./json-lines.ts"
import { LINE_TOO_LONG, type Line, MAX_LINE_BYTES, readLines } from "./lines.ts"
import { formatOfLine, formatOfName, type Recording, unreadable } from "./recognise.ts"
import type { Recorded } from "./recorded-call.ts"
import { codeOf, ReplayFailed } from "./replay-failed.ts"
import { type CsvRow, MAX_CSV_LINE_BYTES, UnknownHeader, UsageCsv } from "./usage-csv.ts"

const CHUNK_BYTES = 256 * 1024

export interface ReadOptions {
  readonly onBytes?: (bytes: number) => void
  readonly maxLineBytes?: number
}

/** Batches of what the file says; throws `ReplayFailed`. */
export async function* readRecording(
  recording: Recording,
  options: ReadOptions = {},
): AsyncGenerator<readonly Recorded[]> {
  const reader = new RecordingReader(recording)
  const isCsv = formatOfName(recording.path) === "csv"
  const maxBytes = options.maxLineBytes ?? (isCsv ? MAX_CSV_LINE_BYTES : MAX_LINE_BYTES)
  try {
    for await (const lines of readLines(openBytes(recording.path, options), maxBytes)) {
      const batch = lines.flatMap((line) => reader.read(line))
      if (batch.length > 0) yield batch
    }
    yield reader.end()
  } catch (error) {
    yield [reader.failed(error)]
  }
}

async function* openBytes(path: string, options: ReadOptions): AsyncGenerator<Buffer> {
  const counted = countBytes(createReadStream(path, { highWaterMark: CHUNK_BYTES }), options)
  if (!path.toLowerCase().endsWith(".gz")) return yield* counted
  // The iteration below throws what the pipeline fails with.
  yield* pipeline(counted, createGunzip({ chunkSize: CHUNK_BYTES }), () => {})
}

async function* countBytes(
  chunks: AsyncIterable<Buffer>,
  { onBytes }: ReadOptions,
): AsyncGenerator<Buffer> {
  for await (const chunk of chunks) {
    onBytes?.(chunk.length)
    yield chunk
  }
}

class RecordingReader {
  readonly #recording: Recording
  #format: "json lines" | "csv" | null
  readonly #csv = new UsageCsv()
  #line = 0

  constructor(recording: Recording) {
    this.#recording = recording
    this.#format = formatOfName(recording.path)
  }

  read(line: Line): readonly Recorded[] {
    this.#line = line.number
    if (this.#format === null && line.bytes !== null && line.bytes.length > 0)
      this.#format = formatOfLine(line.bytes)
    return this.#format === "csv" ? this.#rows(this.#csv.push(line)) : this.#json(line)
  }

  end(): readonly Recorded[] {
    return this.#rows(this.#csv.end())
  }

  /** Damage that a file found in a folder may have without spoiling the rest; or throws. */
  failed(error: unknown): Recorded {
    const { path, named } = this.#recording
    if (error instanceof UnknownHeader) {
      const message = `${path}: ${error.message}.`
      if (named) throw new ReplayFailed({ reason: "unknown_header", path, message })
      return this.#skipped(1, error.message)
    }
    if (codeOf(error).startsWith("Z_")) return this.#skipped(this.#line + 1, "damaged gzip")
    throw codeOf(error).startsWith("E") ? unreadable(path, error) : error
  }

  #json({ number, bytes }: Line): readonly Recorded[] {
    if (bytes === null) return [this.#skipped(number, LINE_TOO_LONG)]
    const reading = readJsonLine(bytes, this.#recording.path)
    if (reading.kind === "other") return []
    return reading.kind === "call" ? [reading] : [this.#skipped(number, reading.why)]
  }

  #rows(rows: readonly CsvRow[]): readonly Recorded[] {
    return rows.map(({ line, read }) =>
      typeof read === "string" ? this.#skipped(line, read) : { kind: "call", call: read },
    )
  }

  #skipped(line: number, why: string): Recorded {
    return { kind: "skipped", skipped: { file: this.#recording.path, line, why } }
  }
}
