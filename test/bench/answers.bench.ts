/** Reading answers along on their way to the client: how much of them a second, against copying them. */
import { answerReader } from "../../src/gateway/answer-reader.ts"
import { meter as anthropic } from "../../src/gateway/dialects/anthropic/answer.ts"
import type { AnswerMeter, CallRequest } from "../../src/gateway/dialects/dialect.ts"
import { meter as gemini } from "../../src/gateway/dialects/gemini-generate/answer.ts"
import * as chat from "../../src/gateway/dialects/openai-chat/answer.ts"
import { meter as responses } from "../../src/gateway/dialects/openai-responses/answer.ts"
import type { AddedUsage } from "../../src/gateway/sse/added-usage-filter.ts"
import { EventReader } from "../../src/gateway/sse/event-reader.ts"
import { type BenchResult, median } from "./result.ts"

const MIB = 1024 * 1024
const EVENTS = 20_000
const ROUNDS = 9
const REPEATS = 5
const SOCKET_READ_BYTES = 64 * 1024

const REQUEST: CallRequest = {
  model: "m",
  streams: true,
  saysUsage: true,
  saysCap: true,
  inputBoundTokens: 0,
  outputCap: null,
  thinkingTokens: 0,
  hasOutput: true,
  answers: 1,
  unboundable: null,
}

interface Answer {
  readonly meter: (request: CallRequest) => AnswerMeter
  readonly added: AddedUsage | null
  readonly eventOf: (number: number) => string
  /** What reading may cost against parsing each event; Gemini's have usage each, and are parsed. */
  readonly timesParsing: number
}

const chatEvent = (number: number): string =>
  `data: {"id":"chatcmpl-C2QD1","object":"chat.completion.chunk","created":1759436803,"model":"gpt-4o-2024-08-06","service_tier":"default","system_fingerprint":"fp_cbf1785567","choices":[{"index":0,"delta":{"content":" word${number}"},"logprobs":null,"finish_reason":null}],"usage":null,"obfuscation":"eRjR"}\n\n`

const ANSWERS: Readonly<Record<string, Answer>> = {
  "Anthropic's messages": {
    meter: anthropic,
    added: null,
    timesParsing: 0.7,
    eventOf: (number) =>
      `event: content_block_delta\ndata: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":" word${number}"}}\n\n`,
  },
  "OpenAI's chat": { meter: chat.meter, added: null, timesParsing: 0.8, eventOf: chatEvent },
  "OpenAI's chat, usage taken out": {
    meter: chat.meter,
    added: chat,
    timesParsing: 1.2,
    eventOf: chatEvent,
  },
  "OpenAI's responses": {
    meter: responses,
    added: null,
    timesParsing: 0.8,
    eventOf: (number) =>
      `event: response.output_text.delta\ndata: {"type":"response.output_text.delta","sequence_number":${number},"item_id":"msg_0fabc13af1ee0049006a691dfebdc881a1ae18d027c313d8ce","output_index":0,"content_index":0,"delta":" word","logprobs":[],"obfuscation":"g1Ne32Jx8rl"}\n\n`,
  },
  Gemini: {
    meter: gemini,
    added: null,
    timesParsing: 2,
    eventOf: (number) =>
      `data: {"candidates": [{"content": {"parts": [{"text": "${"some words ".repeat(20)}${number}"}],"role": "model"}}],"usageMetadata": {"promptTokenCount": 169,"totalTokenCount": ${169 + number},"promptTokensDetails": [{"modality": "TEXT","tokenCount": 169}]},"modelVersion": "gemini-2.0-flash","responseId": "11peaI_ZJLq3nvgP0vasuQk"}\r\n\r\n`,
  },
}

type Chunks = readonly Buffer[]

const HEADERS = { contentType: "text/event-stream", contentEncoding: undefined }

const readAlong = ({ meter, added }: Answer, chunks: Chunks): void => {
  const reader = answerReader(meter(REQUEST), HEADERS, added)
  for (const chunk of chunks) reader.push(chunk)
  reader.end().read()
}

const copied = (chunks: Chunks): void => {
  for (const chunk of chunks) Buffer.from(chunk)
}

/** What reading along would cost if every event were parsed. */
const parsed = (chunks: Chunks): void => {
  const reader = new EventReader(({ data }) => JSON.parse(data.toString("utf8")))
  for (const chunk of chunks) reader.push(chunk)
}

const secondsOf = (work: (chunks: Chunks) => void, chunks: Chunks): number => {
  const started = process.cpuUsage()
  for (let repeat = 0; repeat < REPEATS; repeat += 1) work(chunks)
  const { user, system } = process.cpuUsage(started)
  return (user + system) / 1_000_000
}

/** Whole events in every chunk as a provider flushes them, or chunks as full as a socket gives them. */
const chunksOf = ({ eventOf }: Answer, isEach: boolean): Chunks => {
  const events = Array.from({ length: EVENTS }, (_, number) => Buffer.from(eventOf(number)))
  if (isEach) return events
  const bytes = Buffer.concat(events)
  const full = Math.ceil(bytes.length / SOCKET_READ_BYTES)
  return Array.from({ length: full }, (_, at) =>
    bytes.subarray(at * SOCKET_READ_BYTES, (at + 1) * SOCKET_READ_BYTES),
  )
}

const resultsOf = (name: string, answer: Answer): readonly BenchResult[] =>
  [true, false].flatMap((isEach): readonly BenchResult[] => {
    const chunks = chunksOf(answer, isEach)
    const bytes = chunks.reduce((sum, { length }) => sum + length, 0)
    const along = (all: Chunks): void => readAlong(answer, all)
    for (const work of [along, copied, parsed]) work(chunks)
    const rounds = Array.from({ length: ROUNDS }, () => ({
      along: secondsOf(along, chunks),
      copied: secondsOf(copied, chunks),
      parsed: secondsOf(parsed, chunks),
    }))
    const alongS = median(rounds.map((round) => round.along))
    const cut = isEach ? "a chunk an event" : "64 KiB chunks"
    const label = `answers: ${name}, ${cut}`
    return [
      { name: label, value: (bytes * REPEATS) / MIB / alongS, unit: "MiB/s" },
      { name: `${label}: CPU`, value: (alongS * 1e9) / (EVENTS * REPEATS), unit: "ns/event" },
      {
        name: `${label}: against copying`,
        value: median(rounds.map((round) => round.along / Math.max(round.copied, 1e-6))),
        unit: "×",
      },
      {
        name: `${label}: against parsing each`,
        value: median(rounds.map((round) => round.along / round.parsed)),
        unit: "×",
        target: { atMost: answer.timesParsing },
      },
    ]
  })

export const run = (): readonly BenchResult[] =>
  Object.entries(ANSWERS).flatMap(([name, answer]) => resultsOf(name, answer))
