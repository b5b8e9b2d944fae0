/** Recorded streams of real providers, where they are at hand, and the usage their index says. */
import { meter as anthropic } from "../../src/gateway/dialects/anthropic/answer.ts"
import type { AnswerMeter, CallRequest } from "../../src/gateway/dialects/dialect.ts"
import { meter as gemini } from "../../src/gateway/dialects/gemini-generate/answer.ts"
import * as chat from "../../src/gateway/dialects/openai-chat/answer.ts"
import { meter as responses } from "../../src/gateway/dialects/openai-responses/answer.ts"
import { SeededRandom } from "../simulation/seeded-random.ts"
import { isRecorded, recorded, whole } from "./answers.ts"
import { cutAt, referenceEvents } from "./sse/reference.ts"

const INDEX = "sse/index.jsonl"

export interface Recorded {
  readonly file: string
  readonly model: string
  readonly stream_options: { readonly include_usage?: boolean } | null
  readonly last_usage: readonly [string, Readonly<Record<string, unknown>>]
}

export const RECORDED: readonly Recorded[] = isRecorded(INDEX)
  ? recorded(INDEX)
      .toString("utf8")
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line))
  : []

export const meterOf = ({ file }: Recorded): ((request: CallRequest) => AnswerMeter) => {
  if (file.startsWith("anthropic")) return anthropic
  if (file.includes("streamGenerateContent")) return gemini
  return file.includes("-responses/") ? responses : chat.meter
}

/** A stream's last usage as the index has it, as one whole answer would say it. */
export const lastWordOf = (one: Recorded): AnswerMeter => {
  const [, usage] = one.last_usage
  return whole(meterOf(one), { usage, usageMetadata: usage })
}

/** The bytes without the events that are there for usage alone. */
export const withoutAdded = (bytes: Buffer): Buffer => {
  const text = bytes.toString("latin1")
  const kept = referenceEvents(text)
    .filter(({ event, data }) => {
      return chat.isAddedUsage({ event, data: Buffer.from(data, "latin1") })
    })
    .reduceRight((rest, { start, end }) => rest.slice(0, start) + rest.slice(end), text)
  return Buffer.from(kept, "latin1")
}

export const randomCuts = (bytes: Buffer, seed: number, count = 200): readonly Buffer[] => {
  const random = new SeededRandom(seed)
  const places = Array.from({ length: count }, () => random.below(bytes.length + 1))
  return cutAt(bytes, places)
}
