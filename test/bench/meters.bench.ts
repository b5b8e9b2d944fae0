/** Reading a child's output along: how many lines a second, and how much memory over a million of them. */
import { openMeter } from "../../src/meters/by-name.ts"
import { readAlong } from "../../src/meters/read-along.ts"
import { type BenchResult, median } from "./result.ts"

const LINES = 1_000_000
const CHUNK_BYTES = 64 * 1024
const ROUNDS = 3
/** What a fleet prints at its loudest: 50 agents, 1,000 lines a second each. */
const FLEET_LINES_PER_S = 50_000

const TEXT = (line: number): string =>
  `[${line % 997}] compiled src/module-${line % 37}/{a,b}.ts in ${line % 90} ms, { errors: 0 }`

const STINT = (line: number): string =>
  `{"type":"stint.usage","id":"call-${line}","inputTokens":1200,"outputTokens":${line % 500},"model":"m"}`

const PARTIAL = (line: number): string =>
  `{"type":"stream_event","event":{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"word ${line}"}},"session_id":"be509692","parent_tool_use_id":null,"uuid":"61252917"}`

/** Chunks as a pipe brings them, made as they are asked for. */
function* chunksOf(lines: number, textOf: (line: number) => string): Generator<Buffer> {
  let text = ""
  for (let line = 0; line < lines; line += 1) {
    text += `${textOf(line)}\n`
    if (text.length >= CHUNK_BYTES) {
      yield Buffer.from(text)
      text = ""
    }
  }
  yield Buffer.from(text)
}

/** CPU time of this thread in reading alone; the chunks are made beforehand. */
const linesPerSecond = (lines: number, textOf: (line: number) => string): number => {
  const chunks = [...chunksOf(lines, textOf)]
  const rates = Array.from({ length: ROUNDS }, () => {
    const along = readAlong(openMeter("auto"))
    const started = process.cpuUsage()
    for (const chunk of chunks) along.push(chunk)
    along.end()
    const { user, system } = process.cpuUsage(started)
    return lines / ((user + system) / 1_000_000)
  })
  return median(rates)
}

/** Mebibytes that reading has left behind: what is kept between chunks, not what is being read. */
const growthMiB = (textOf: (line: number) => string): number => {
  const along = readAlong(openMeter("auto"))
  // Compiled first, so that code is not taken for what was kept.
  for (const chunk of chunksOf(LINES / 20, textOf)) along.push(chunk)
  const before = usedMiB()
  for (const chunk of chunksOf(LINES, textOf)) along.push(chunk)
  return usedMiB() - before
}

const usedMiB = (): number => {
  globalThis.gc?.()
  const { heapUsed, arrayBuffers } = process.memoryUsage()
  return (heapUsed + arrayBuffers) / 1024 / 1024
}

const longLine = (): number => {
  const along = readAlong(openMeter("auto"))
  const before = usedMiB()
  const chunk = Buffer.alloc(CHUNK_BYTES, "x")
  along.push(Buffer.from('{"'))
  for (let bytes = 0; bytes < 10 * 1024 * 1024; bytes += chunk.length) along.push(chunk)
  return usedMiB() - before
}

export const run = (): readonly BenchResult[] => {
  const text = linesPerSecond(LINES, TEXT)
  const partial = linesPerSecond(LINES / 4, PARTIAL)
  const stint = linesPerSecond(LINES / 4, STINT)
  return [
    { name: "meter: lines of text", value: text, unit: "lines/s" },
    { name: "meter: Claude Code's partial messages", value: partial, unit: "lines/s" },
    { name: "meter: stint.usage lines, each a reading", value: stint, unit: "lines/s" },
    {
      name: "meter: CPU while 50 agents print 1,000 lines/s of text each",
      value: (FLEET_LINES_PER_S / text) * 100,
      unit: "%",
      target: { atMost: 5 },
    },
    {
      name: "meter: the same of partial messages, every line JSON",
      value: (FLEET_LINES_PER_S / partial) * 100,
      unit: "%",
      target: { atMost: 20 },
    },
    {
      name: "meter: memory grown over 1,000,000 lines of text",
      value: growthMiB(TEXT),
      unit: "MiB",
      target: { atMost: 8 },
    },
    {
      name: "meter: memory grown over 1,000,000 stint.usage lines",
      value: growthMiB(STINT),
      unit: "MiB",
      target: { atMost: 8 },
    },
    {
      name: "meter: memory kept after 10 MiB of one line",
      value: longLine(),
      unit: "MiB",
      target: { atMost: 2 },
    },
  ]
}
