/** What a child prints, and what comes of it: fixtures, lines of Claude Code, and the sums. */
import { readFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"
import { addUsage, largestOfEach, NO_USAGE } from "../../machines/budget/amounts.ts"
import type { Usage } from "../../machines/vocabulary.ts"
import type { Meter, MeterReading, UsageReading } from "../../src/meters/meter.ts"
import { readAlong } from "../../src/meters/read-along.ts"

const FIXTURES = join(dirname(fileURLToPath(import.meta.url)), "fixtures")

/** Real output of Claude Code 2.1.330 against a scripted model; texts are blanked out. */
export const recorded = (name: string): Buffer => readFileSync(join(FIXTURES, `${name}.jsonl`))

export const linesOf = (name: string): readonly string[] =>
  recorded(name).toString("utf8").trimEnd().split("\n")

export const readAll = (meter: Meter, chunks: readonly Buffer[]): readonly MeterReading[] => {
  const along = readAlong(meter)
  const live = chunks.flatMap((chunk) => along.push(chunk))
  return [...live, ...along.end()]
}

/** Lines given as objects, read without an end: what was told while the child ran. */
export const readLive = (meter: Meter, lines: readonly object[]): readonly MeterReading[] =>
  lines.flatMap((line) => meter.read(JSON.stringify(line)))

export const usages = (readings: readonly MeterReading[]): readonly UsageReading[] =>
  readings.filter((reading) => reading.kind === "usage")

/** As the supervisor counts: of one id the largest of each count, without an id a call of its own. */
export const countedByModel = (
  readings: readonly MeterReading[],
): Readonly<Record<string, Counts>> => {
  const calls = new Map<string, UsageReading>()
  usages(readings).forEach((reading, index) => {
    const id = reading.usageId ?? `own ${index}`
    const before = calls.get(id)
    const usage = largestOfEach(before?.usage ?? NO_USAGE, reading.usage)
    calls.set(id, { ...reading, model: before?.model ?? reading.model, usage })
  })
  const sums = new Map<string, Usage>()
  for (const { model, usage } of calls.values())
    sums.set(model ?? "none", addUsage(sums.get(model ?? "none") ?? NO_USAGE, usage))
  return Object.fromEntries([...sums].map(([model, usage]) => [model, counts(usage)]))
}

export const counted = (readings: readonly MeterReading[]): Counts =>
  Object.values(countedByModel(readings)).reduce(
    (sum, [input, output, write, read]) => [
      sum[0] + input,
      sum[1] + output,
      sum[2] + write,
      sum[3] + read,
    ],
    [0, 0, 0, 0],
  )

/** Input, output, written to the cache, read from it. */
export type Counts = readonly [input: number, output: number, write: number, read: number]

export const counts = (usage: Usage): Counts => [
  usage.inputTokens,
  usage.outputTokens,
  usage.cacheWriteTokens,
  usage.cacheReadTokens,
]

export const usageOf = ([input, output, write, read]: Counts): Usage => ({
  inputTokens: input,
  outputTokens: output,
  cacheWriteTokens: write,
  cacheReadTokens: read,
})

const SESSION = "session-1"
export const OPUS = "claude-opus-4-6"
export const HAIKU = "claude-haiku-4-5"

export const init = (session = SESSION) => ({
  type: "system",
  subtype: "init",
  session_id: session,
  claude_code_version: "2.1.330",
})

const messageUsage = ([input, output, write, read]: Counts) => ({
  input_tokens: input,
  output_tokens: output,
  cache_creation_input_tokens: write,
  cache_read_input_tokens: read,
})

interface Said {
  readonly model?: string
  readonly parent?: string
  readonly text?: string
  readonly tools?: readonly string[]
}

export const assistant = (id: string, usage: Counts, said: Said = {}) => ({
  type: "assistant",
  message: {
    id,
    model: said.model ?? OPUS,
    content: [
      ...(said.text === undefined ? [] : [{ type: "text", text: said.text }]),
      ...(said.tools ?? []).map((tool) => ({
        type: "tool_use",
        id: tool,
        name: "Bash",
        input: {},
      })),
    ],
    usage: messageUsage(usage),
  },
  parent_tool_use_id: said.parent ?? null,
  session_id: SESSION,
})

export const toolResult = (tool: string, parent: string | null = null) => ({
  type: "user",
  message: { role: "user", content: [{ type: "tool_result", tool_use_id: tool, content: "x" }] },
  parent_tool_use_id: parent,
  session_id: SESSION,
})

export const result = (
  models: Readonly<Record<string, Counts>>,
  more: Readonly<Record<string, unknown>> = {},
) => ({
  type: "result",
  subtype: "success",
  session_id: SESSION,
  usage: messageUsage([0, 0, 0, 0]),
  modelUsage: Object.fromEntries(
    Object.entries(models).map(([model, [input, output, write, read]]) => [
      model,
      {
        inputTokens: input,
        outputTokens: output,
        cacheCreationInputTokens: write,
        cacheReadInputTokens: read,
      },
    ]),
  ),
  ...more,
})

export const turnUsage = (usage: Counts) => ({ usage: messageUsage(usage) })
